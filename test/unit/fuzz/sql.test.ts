import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checksumOf } from '../../../src/core/checksum.ts'
import { findContentProblems } from '../../../src/lint/content.ts'
import { retargetIndex } from '../../../src/sql/index-statement.ts'
import { indexLines } from '../../../src/sql/location.ts'
import { readMeaning } from '../../../src/sql/meaning.ts'
import { readScript } from '../../../src/sql/script.ts'
import { findStepProblems, splitUnits, startOfUnit } from '../../../src/sql/steps.ts'
import { findVerifyQueries } from '../../../src/sql/verify.ts'
import { snippets } from '../sql/snippets.ts'
import { inTime } from './deadline.ts'

const MARKS = [
  ...'\'"\\();,. \t\n\0\uFEFFé🎉1',
  '\r\n',
  '$$',
  '$a$',
  '--',
  '/*',
  '*/',
  'U&',
  'E',
  '$1',
  '1.5e',
  '\ud83c',
]

const PHRASES =
  `BEGIN/COMMIT/ROLLBACK/AND CHAIN/SAVEPOINT a/RELEASE a/ROLLBACK TO a/PREPARE TRANSACTION/BEGIN ATOMIC/END/CASE
CREATE UNIQUE INDEX/CONCURRENTLY/IF NOT EXISTS/ON/ONLY/i/public/"T"/DROP INDEX/VACUUM/REINDEX/CLUSTER/ALTER TABLE t
CREATE FUNCTION f()/AS/DO/COPY t FROM stdin/\\./\\i x/ALTER TYPE t ADD VALUE/'v'/SET ROLE r/RESET/DISCARD ALL/SELECT 1`.split(
    /[/\n]/,
  )

const fragment = fc.oneof(
  fc.constantFrom(...MARKS),
  fc.constantFrom(...PHRASES),
  fc.constantFrom('-- migration: no-transaction\n', '-- verify: SELECT true\n'),
  fc.string({ unit: 'binary', maxLength: 3 }),
)
const script = fc.oneof(
  { weight: 3, arbitrary: fc.array(fragment, { maxLength: 25, size: 'max' }).map((parts) => parts.join(' ')) },
  { weight: 1, arbitrary: fc.array(fragment, { maxLength: 25, size: 'max' }).map((parts) => parts.join('')) },
  // A valid script in which one character is missing or doubled.
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...snippets), fc.nat(200), fc.constantFrom(0, 2))
      .map(([text, at, times]) => text.slice(0, at) + text.charAt(at).repeat(times) + text.slice(at + 1)),
  },
)

describe('any text', () => {
  test('is read as a script: its parts lie in the text, in order, and its problems have a place and a way out', () => {
    fc.assert(
      fc.property(script, (text) => {
        const { statements, problems } = readScript(text)
        const borders = statements.flatMap(({ start, end }) => [start, end])
        expect(borders).toEqual(borders.toSorted((a, b) => a - b))
        expect(borders.every((at) => at >= 0 && at <= text.length)).toBe(true)
        expect(statements.every(({ start, end }) => start < end)).toBe(true)
        for (const { offset, message, hint } of problems) {
          expect(offset >= 0 && offset <= text.length).toBe(true)
          expect(message === '' || hint === '').toBe(false)
        }
        expect(readScript(text)).toEqual(readScript(text))
      }),
      { numRuns: 1_000 },
    )
  })

  test('is carried out step by step without a statement lost, unless the file takes it back itself', () => {
    fc.assert(
      fc.property(script, (text) => {
        const read = readScript(text)
        const places = findStepProblems(text, read).map(({ offset }) => offset)
        expect(places.every((offset) => read.statements.some(({ start }) => start === offset))).toBe(true)
        fc.pre(read.problems.length === 0 && !/ROLLBACK|ABORT|BEGIN|COMMIT|END|START|PREPARE/i.test(text))
        const units = splitUnits(text, read)
        const carried = units.flatMap((unit) => (unit.kind === 'transaction' ? unit.statements : [unit.statement]))
        expect(carried).toEqual(read.statements)
        expect(units.map(startOfUnit)).toEqual(units.map(startOfUnit).toSorted((a, b) => a - b))
      }),
      { numRuns: 500 },
    )
  })

  test('has its problems at a line and column that are in it', () => {
    fc.assert(
      fc.property(script, (text) => {
        const migration = { version: '1', name: '1-a', file: 'database/1-a.sql', down: null, lines: 1 }
        const lines = text.split('\n').map((line) => line.replace(/\r$/, ''))
        for (const { at, sourceLine } of findContentProblems({
          kind: 'apply',
          migration: { ...migration, checksum: checksumOf(text), up: text },
          resumeAt: null,
        })) {
          const line = at === undefined ? '' : (lines[at.line - 1] ?? 'no such line')
          expect(sourceLine ?? '').toBe(line)
          expect((at?.column ?? 1) - 1).toBeLessThanOrEqual([...line].length)
        }
        expect(indexLines(text)(text.length).line).toBe(lines.length)
      }),
      { numRuns: 500 },
    )
  })

  test('has a meaning or none, and nothing is thrown', async () => {
    await fc.assert(
      fc.asyncProperty(script, async (text) => {
        expect((await readMeaning(text)).kind).toMatch(/^[a-z-]+$/)
        for (const { text: query } of findVerifyQueries(text, 'f.sql')) expect(query).not.toMatch(/[\n;]$/)
      }),
      { numRuns: 300 },
    )
  })

  test('is turned into an index on another table, or is none', () => {
    fc.assert(
      fc.property(script, (text) => {
        const retargeted = retargetIndex(text, 'other', 'temp')
        const isOne = retargeted === null || /^CREATE (?:UNIQUE )?INDEX other ON temp/.test(retargeted)
        expect(isOne).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a megabyte of one thing', () => {
  const heads = ['', 'CREATE INDEX ', 'BEGIN;', "SELECT '", 'DO $a$ ', 'ALTER TYPE t ADD VALUE ', '-- verify: ', '/* ']
  const units = [
    "'",
    '"',
    '$',
    '$a',
    '$$',
    '/*',
    '*/',
    '--',
    '(',
    ')',
    ';',
    '\\',
    '.',
    'E',
    ' ',
    '\n',
    '\t \n',
    'x',
    '1',
  ]
  const words = [
    'BEGIN ATOMIC ',
    'CASE ',
    'END;',
    'SAVEPOINT a;',
    'RELEASE a;',
    'ON ',
    "''",
    '"."',
    '$a$',
    '-- verify:\n',
  ]

  test.each([...units, ...words])('%j is read at once, wherever it begins', (unit) => {
    for (const head of heads) {
      const text = head + unit.repeat(Math.ceil(1_000_000 / heads.length / unit.length))
      const kinds = inTime(() => {
        const read = readScript(text)
        findStepProblems(text, read)
        findVerifyQueries(text, 'f.sql')
        return typeof retargetIndex(text, 'i', 't')
      })
      expect(['string', 'object']).toContain(kinds)
    }
  })
})
