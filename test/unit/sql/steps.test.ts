import { describe, expect, test } from 'vitest'
import { usesNewEnumValue } from '../../../src/sql/enum-value.ts'
import { retargetIndex } from '../../../src/sql/index-statement.ts'
import { readMeaning } from '../../../src/sql/meaning.ts'
import { readScript } from '../../../src/sql/script.ts'
import { findStepProblems, splitUnits } from '../../../src/sql/steps.ts'

/** Each unit as its kind and the beginnings of its statements. */
function units(text: string): readonly string[] {
  return splitUnits(text, readScript(text)).map((unit) => {
    const statements = unit.kind === 'transaction' ? unit.statements : [unit.statement]
    return `${unit.kind}: ${statements.map(({ start, end }) => text.slice(start, end)).join(' | ')}`
  })
}

describe('a file that is carried out step by step', () => {
  test('is cut into statements that stand alone, share a transaction or set something', () => {
    expect(
      units(`SET lock_timeout = '1s'; CREATE INDEX CONCURRENTLY i ON t (a); INSERT INTO t VALUES (1); VACUUM t`),
    ).toEqual([
      "setting: SET lock_timeout = '1s'",
      'alone: CREATE INDEX CONCURRENTLY i ON t (a)',
      'transaction: INSERT INTO t VALUES (1)',
      'alone: VACUUM t',
    ])
  })

  test('keeps what its own BEGIN and COMMIT hold together, and leaves out what it rolls back itself', () => {
    const text = `-- migration: no-transaction
BEGIN; SELECT 1; SELECT 2; COMMIT; BEGIN; SELECT 3; ROLLBACK; BEGIN; SELECT 4; COMMIT AND CHAIN; SELECT 5; COMMIT; CALL p();`
    expect(units(text)).toEqual([
      'transaction: SELECT 1 | SELECT 2',
      'transaction: SELECT 4',
      'transaction: SELECT 5',
      'alone: CALL p()',
    ])
  })

  test.each([
    ['VACUUM', true],
    ['SELECT 1', false],
    ['-- migration: no-transaction\nSELECT 1', true],
    ["ALTER TYPE m ADD VALUE 'x'; INSERT INTO t VALUES ('x')", true],
    ["ALTER TYPE m ADD VALUE 'x'; INSERT INTO t VALUES ('y')", false],
    ["CREATE TYPE m AS ENUM ('a'); ALTER TYPE m ADD VALUE 'x'; INSERT INTO t VALUES ('x')", false],
  ])('%j: %s', (text, expected) => {
    expect(readScript(text).runsInSteps).toBe(expected)
  })

  test.each([
    ['CREATE INDEX CONCURRENTLY ON t (a)', 'sql/unnamed-index'],
    ['CREATE UNIQUE INDEX CONCURRENTLY /* x */ ON t (a)', 'sql/unnamed-index'],
    ['SET SESSION AUTHORIZATION a; VACUUM', 'sql/role-in-steps'],
    ['SET ROLE a; VACUUM', 'sql/role-in-steps'],
    ['DISCARD ALL; VACUUM', 'sql/discard-all'],
  ])('is refused for %j', (text, code) => {
    expect(findStepProblems(text, readScript(text)).map((problem) => problem.code)).toEqual([code])
  })

  test.each([
    'CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)',
    'CREATE INDEX CONCURRENTLY "on" ON t (a)',
    'SET LOCAL ROLE a; SELECT 1',
  ])('is not refused for %j', (text) => {
    expect(findStepProblems(text, readScript(text))).toEqual([])
  })
})

test('an enum value counts as used only behind the statement that adds it', () => {
  const text = "INSERT INTO t VALUES ('x'); ALTER TYPE m ADD VALUE IF NOT EXISTS 'x'"
  expect(usesNewEnumValue(text, readScript(text).statements)).toBe(false)
})

describe('what a statement is about', () => {
  test.each([
    [
      'CREATE UNIQUE INDEX CONCURRENTLY "I" ON app.t (a)',
      { kind: 'create-index', index: 'I', table: { schema: 'app', name: 't' } },
    ],
    ['DROP INDEX CONCURRENTLY IF EXISTS app.i', { kind: 'drop-index', index: { schema: 'app', name: 'i' } }],
    ['REINDEX (CONCURRENTLY) TABLE t', { kind: 'reindex', of: 'table', target: { schema: null, name: 't' } }],
    ['REINDEX SCHEMA CONCURRENTLY app', { kind: 'reindex', of: 'schema', target: { schema: null, name: 'app' } }],
    [
      'ALTER TABLE p DETACH PARTITION c CONCURRENTLY',
      { kind: 'detach-partition', parent: { schema: null, name: 'p' }, child: { schema: null, name: 'c' } },
    ],
    ['CREATE DATABASE x', { kind: 'create-database', name: 'x' }],
    ['VACUUM t', { kind: 'repeatable' }],
    ['ALTER SYSTEM SET a = 1', { kind: 'repeatable' }],
    ['CALL p()', { kind: 'other' }],
    ['this is no SQL', { kind: 'other' }],
  ])('%s', async (statement, meaning) => {
    expect(await readMeaning(statement)).toEqual(meaning)
  })
})

describe('an index statement for another table', () => {
  test.each([
    ['CREATE INDEX CONCURRENTLY i ON t (a)', 'CREATE INDEX probe ON copy (a)'],
    [
      'create unique index concurrently if not exists "on" on only "app"."t" using gin (a) where b',
      'CREATE UNIQUE INDEX probe ON copy using gin (a) where b',
    ],
    ['CREATE INDEX /* ON x */ i ON app . t(a)', 'CREATE INDEX probe ON copy(a)'],
    ['SELECT 1', null],
  ])('%s', (statement, expected) => {
    expect(retargetIndex(statement, 'probe', 'copy')).toBe(expected)
  })
})
