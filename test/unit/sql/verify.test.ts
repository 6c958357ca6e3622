import { describe, expect, test } from 'vitest'
import { locateIn } from '../../../src/sql/location.ts'
import { findRollbackBlock } from '../../../src/core/rollback.ts'
import { findVerifyQueries } from '../../../src/sql/verify.ts'

function textsIn(text: string): readonly string[] {
  return findVerifyQueries(text, 'f.sql').map((query) => query.text)
}

describe('the verify queries of a file', () => {
  test('are the lines that say so, without their last semicolon', () => {
    expect(
      textsIn('-- verify: SELECT true;\nSELECT 1; -- verify: no\n  --VERIFY: SELECT a > 0 ; \n-- verify:\n'),
    ).toEqual(['SELECT true', 'SELECT a > 0'])
  })

  test('or stand in a block under a line of its own, one or several lines each', () => {
    const text = `-- verify:
-- SELECT count(*) = 2
--   FROM t;
-- SELECT ';' = ';';

-- SELECT false;
`
    expect(textsIn(text)).toEqual(['SELECT count(*) = 2\n  FROM t', "SELECT ';' = ';'"])
  })

  test('are not found in quotes, function bodies and block comments', () => {
    expect(
      textsIn("SELECT '\n-- verify: SELECT 1';\nDO $$\n-- verify: SELECT 2\n$$;\n/*\n-- verify: SELECT 3\n*/\n"),
    ).toEqual([])
  })

  test('are no part of a rollback block, before or behind it', () => {
    const text = '-- verify:\n-- SELECT true;\n-- Rollback:\n-- DROP TABLE t;\n-- verify: SELECT 1 = 1\n'
    expect(textsIn(text)).toEqual(['SELECT true', 'SELECT 1 = 1'])
    expect(findRollbackBlock(text, 'f.sql')?.sql).toBe('DROP TABLE t;')
  })

  test('know their place', () => {
    const text = 'CREATE TABLE t ();\n  -- verify: SELECT true\n-- Verify:\n--\n-- SELECT 1;\n--   SELECT 2;\n'
    const places = findVerifyQueries(text, 'f.sql').map(({ source, offset }) => locateIn(source, offset))
    expect(places.map(({ sourceLine }) => sourceLine)).toEqual([
      '  -- verify: SELECT true',
      '-- SELECT 1;',
      '--   SELECT 2;',
    ])
    expect(places.map(({ at }) => at)).toEqual([
      { file: 'f.sql', line: 2, column: 14 },
      { file: 'f.sql', line: 5, column: 4 },
      { file: 'f.sql', line: 6, column: 6 },
    ])
  })

  test('know their place, and that of a rollback, whatever the marks of their comments', () => {
    const lines = ['--SELECT 1;', '  -- SELECT 1;', '\t--\tSELECT 1;', '--  SELECT 1;']
    const column = [3, 6, 5, 5]
    for (const heading of ['-- verify:', '  --verify:', '-- Rollback:']) {
      const text = `${heading}\n${lines.join('\n')}\n`
      const rollback = findRollbackBlock(text, 'f.sql')
      const places =
        rollback === null
          ? findVerifyQueries(text, 'f.sql').map(({ source, offset }) => locateIn(source, offset))
          : [...rollback.sql.matchAll(/SELECT/gu)].map(({ index }) => locateIn(rollback, index))

      expect(places).toEqual(
        lines.map((sourceLine, index) => ({
          at: { file: 'f.sql', line: index + 2, column: column[index] },
          sourceLine,
        })),
      )
    }
  })
})
