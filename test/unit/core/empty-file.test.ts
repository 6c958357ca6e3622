import { expect, test } from 'vitest'
import { followEmptyFiles } from '../../../src/core/empty-file.ts'
import type { Finding } from '../../../src/core/finding.ts'
import { environmentOf, rowOf } from './samples.ts'

const EMPTY: Finding = {
  code: 'sql/empty',
  severity: 'block',
  migration: '001-a',
  message: 'database/001-a.sql holds no statement.',
  hint: 'Write the SQL into it.',
}

test('an empty file that an environment has run is only a warning in the others', () => {
  const columns = [
    { environment: environmentOf('dev', 0), history: [] },
    { environment: environmentOf('prod', 1), history: [rowOf('001-a')] },
  ]
  const other: Finding = { ...EMPTY, migration: '002-b' }
  expect(followEmptyFiles([EMPTY, other], columns)).toEqual([
    { ...EMPTY, severity: 'warn', hint: 'prod has run it like this, so it stays as it is.' },
    other,
  ])
})

test('an empty file that nobody has run blocks, also where a history is not known', () => {
  expect(followEmptyFiles([EMPTY], [{ environment: environmentOf('prod', 1), history: null }])).toEqual([EMPTY])
})
