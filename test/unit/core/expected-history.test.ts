import { expect, test } from 'vitest'
import { expectHistories, findExpected } from '../../../src/core/expected-history.ts'
import { digestHistory } from '../../../src/core/history.ts'
import { migrationsOf } from './samples.ts'

function numbered(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${`${index + 1}`.padStart(4, '0')}-made`)
}

test('the history of all files is expected, and of all but the last few', () => {
  const expected = expectHistories(migrationsOf(...numbered(300)))
  if (expected === null) throw new Error('nothing is expected')

  for (const missing of [0, 1, 7, 20]) {
    const history = expected.rows.slice(0, 300 - missing)
    expect(findExpected(expected, digestHistory(history))).toEqual(history)
  }
  expect(expected.rows.map(({ name }) => name)).toEqual(numbered(300))
})

test('a history with a gap, an edited file, an unfinished one or too many pending is not expected', () => {
  const expected = expectHistories(migrationsOf(...numbered(300)))
  if (expected === null) throw new Error('nothing is expected')
  const { rows } = expected

  const others = [
    rows.filter((_, index) => index !== 150),
    rows.map((row, index) => (index === 150 ? { ...row, checksum: 'sha256:edited' } : row)),
    rows.map((row, index) => (index === 299 ? { ...row, status: 'started' as const } : row)),
    rows.slice(0, 279),
    [],
  ]
  expect(others.map((history) => findExpected(expected, digestHistory(history)))).toEqual(others.map(() => null))
})

test('where names sort otherwise than versions, only the whole history is expected', () => {
  // 100-made runs behind 99-made, and sorts before it.
  const names = Array.from({ length: 300 }, (_, index) => `${index + 1}-made`)
  const expected = expectHistories(migrationsOf(...names))
  if (expected === null) throw new Error('nothing is expected')

  expect(findExpected(expected, digestHistory(expected.rows))).toEqual(expected.rows)
  expect(expected.lengths.size).toBe(1)
})

test('the rows of a small project are as quickly read as a digest', () => {
  expect(expectHistories(migrationsOf(...numbered(99)))).toBeNull()
  expect(expectHistories(migrationsOf(...numbered(100)))).not.toBeNull()
})
