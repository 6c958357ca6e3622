import { expect, test } from 'vitest'
import { composeMessage } from '../../../src/drivers/postgres/message.ts'
import type { Part } from '../../../src/drivers/postgres/message.ts'
import { readPart } from '../../../src/drivers/postgres/part.ts'
import { CONTEXT } from './samples.ts'

function partOf(up: string): Part {
  const checksum = `sha256:${'a'.repeat(64)}` as const
  const migration = { version: '1', name: '1-a', file: 'database/1-a.sql', checksum, up, down: null, lines: 1 }
  const part = readPart({ kind: 'apply', migration, resumeAt: null })
  if (part.kind !== 'transaction') throw new Error(part.kind)
  return part
}

function compose(up: string, rows: 'prepared' | 'written-out'): string {
  const opening = { basis: null, rename: false, kinds: ['apply'] } as const
  const composition = { rollback: false, opening, parts: [partOf(up)], rows, holds: false, unlock: true }
  return composeMessage(CONTEXT, composition).text
}

function markersIn(text: string): readonly string[] {
  return [...text.matchAll(/(?<how>RAISE INFO|SELECT) 'mm-0:(?<what>[a-z]+:[\d:]+)'/gu)].map(
    ({ groups }) => `${groups?.['how']} ${groups?.['what']}`,
  )
}

test('what may take long is told at once, and the rest with it', () => {
  const text = compose('CREATE TABLE t (id int);\nUPDATE big SET x = 1;\nINSERT INTO t VALUES (1);\n', 'prepared')
  expect(markersIn(text)).toEqual([
    'SELECT statement:0:0',
    'RAISE INFO statement:0:1',
    'SELECT statement:0:2',
    'SELECT applied:0',
  ])
})

test('of a file with very many statements some are told, whatever they are', () => {
  const text = compose('INSERT INTO t VALUES (1);\n'.repeat(1_200), 'prepared')
  const told = markersIn(text).filter((marker) => marker.startsWith('RAISE INFO'))
  expect(told).toHaveLength(400)
  expect(told.slice(0, 2)).toEqual(['RAISE INFO statement:0:0', 'RAISE INFO statement:0:3'])
})

test('the statements of the rows are prepared once, or written out where no session keeps them', () => {
  const prepared = compose('CREATE TABLE t (id int);\n', 'prepared')
  const writtenOut = compose('CREATE TABLE t (id int);\n', 'written-out')
  expect(prepared.match(/PREPARE "mm-0-/gu)).toHaveLength(2)
  expect(prepared.match(/EXECUTE "mm-0-/gu)).toHaveLength(2)
  expect(writtenOut).not.toContain('PREPARE')
  expect(writtenOut).not.toContain('EXECUTE "mm-0-')
  expect(writtenOut).toContain("'1-a'")
})
