import { describe, expect, test } from 'vitest'
import * as fc from 'fast-check'
import { readSqliteScript } from '../../../../src/sql/sqlite/script.ts'
import { splitSqlite } from '../../../../src/sql/sqlite/statements.ts'

function split(text: string): readonly string[] {
  return splitSqlite(text).statements.map(({ start, end }) => text.slice(start, end))
}

function codes(text: string): readonly (readonly [string, number])[] {
  return readSqliteScript(text).problems.map(({ code, offset }) => [code, offset])
}

const TRIGGER = `CREATE TRIGGER IF NOT EXISTS t AFTER UPDATE ON a FOR EACH ROW WHEN new.b <> old.b BEGIN
  UPDATE a SET c = CASE WHEN new.b = 1 THEN 'x;' ELSE (SELECT CASE b WHEN 1 THEN 2 END FROM d) END WHERE id = new.id;
  INSERT INTO log SELECT "end;" FROM [begin;end] WHERE x = \`;\`; -- END;
  /* END; */ DELETE FROM e;
END`

describe('statements end where SQLite ends them', () => {
  test.each<[string, string, readonly string[]]>([
    ['nothing', '', []],
    ['space, comments and empty statements', ' ;; -- a;\n/* b; */ ;', []],
    ['two statements', 'SELECT 1; SELECT 2', ['SELECT 1', 'SELECT 2']],
    [
      'a semicolon in each kind of quote',
      `SELECT 'a;''b', "c;""d", [e;f], \`g;h\`, x'00'; SELECT 2`,
      [`SELECT 'a;''b', "c;""d", [e;f], \`g;h\`, x'00'`, 'SELECT 2'],
    ],
    ['a semicolon in comments', 'SELECT 1 -- ;\n/* ; */ + 1; SELECT 2', ['SELECT 1 -- ;\n/* ; */ + 1', 'SELECT 2']],
    ['comments that do not nest', 'SELECT 1 /* /* */; SELECT 2', ['SELECT 1 /* /* */'.slice(0, 8), 'SELECT 2']],
    ['a comment that the text ends', 'SELECT 1; /* open', ['SELECT 1']],
    ['a trigger', `${TRIGGER};\nSELECT 1;`, [TRIGGER, 'SELECT 1']],
    [
      'a temporary trigger',
      'create temp trigger t after insert on a begin select 1; end; select 2',
      ['create temp trigger t after insert on a begin select 1; end', 'select 2'],
    ],
    ['a trigger at the end, without a semicolon', TRIGGER, [TRIGGER]],
    ['an END that is a name', 'CREATE TABLE "end" (a); SELECT 1', ['CREATE TABLE "end" (a)', 'SELECT 1']],
    [
      'a comment between END and its semicolon',
      'CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END /* ; */ ; SELECT 2',
      ['CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END', 'SELECT 2'],
    ],
    [
      'a CASE outside of a trigger',
      'SELECT CASE 1 WHEN 1 THEN 2 END; SELECT 3',
      ['SELECT CASE 1 WHEN 1 THEN 2 END', 'SELECT 3'],
    ],
    ['letters of any script', "SELECT 'größe;', 数据 FROM 🎉;", ["SELECT 'größe;', 数据 FROM 🎉"]],
  ])('%s', (_, text, expected) => {
    expect(split(text)).toEqual(expected)
  })

  test('whatever the text, it is read to its end, and the statements lie in order within it', () => {
    const word = fc.constantFrom(
      ';',
      "'",
      '"',
      '`',
      '[',
      ']',
      '--',
      '\n',
      '/*',
      '*/',
      'CREATE TRIGGER',
      'BEGIN',
      'END',
      'CASE',
      ' ',
      '.read',
      '?',
      'ä',
      '🎉',
      '\0',
      "x'",
      '(',
      ')',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string({ maxLength: 3 })), { maxLength: 40 }), (words) => {
        const text = words.join('')
        const { statements, problems } = readSqliteScript(text)
        let last = 0
        for (const { start, end } of statements) {
          expect(start).toBeGreaterThanOrEqual(last)
          expect(end).toBeGreaterThan(start)
          last = end
        }
        expect(last).toBeLessThanOrEqual(text.length)
        for (const { offset } of problems) expect(offset).toBeLessThanOrEqual(text.length)
      }),
      { numRuns: 2_000 },
    )
  })

  test('a directive is heard only in a line comment', () => {
    expect(
      splitSqlite("-- migration:  No-Transaction\nSELECT '-- migration: x'; /* -- migration: y */").directives,
    ).toEqual([{ words: 'no-transaction', offset: 0 }])
  })
})

describe('what cannot be run on D1 is named with its place', () => {
  test.each<[string, readonly (readonly [string, number])[]]>([
    [
      'SELECT 1; BEGIN; SELECT 2; END TRANSACTION',
      [
        ['sql/transaction-control', 10],
        ['sql/transaction-control', 27],
      ],
    ],
    [
      'SAVEPOINT a; RELEASE a; ROLLBACK',
      [
        ['sql/transaction-control', 0],
        ['sql/transaction-control', 13],
        ['sql/transaction-control', 24],
      ],
    ],
    [
      "ATTACH 'x' AS y; DETACH y; VACUUM",
      [
        ['sql/not-authorised', 0],
        ['sql/not-authorised', 17],
        ['sql/not-authorised', 27],
      ],
    ],
    ['PRAGMA main.journal_mode = WAL', [['sql/not-authorised', 0]]],
    ['PRAGMA foreign_keys = OFF; PRAGMA table_info(a); PRAGMA main.optimize', []],
    ['CREATE TEMPORARY VIEW v AS SELECT 1', [['sql/not-authorised', 0]]],
    ['CREATE VIRTUAL TABLE a USING fts5(b); CREATE VIRTUAL TABLE c USING rtree(d, e, f)', [['sql/not-authorised', 67]]],
    ["SELECT 'a", [['sql/unterminated', 7]]],
    ['CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2', [['sql/unterminated', 0]]],
    ['.mode csv\nSELECT 1', [['sql/meta-command', 0]]],
    ['SELECT a.b, 1\n.5', []],
    ['SELECT :name, $x', [['sql/parameter', 7]]],
    ["SELECT '?', json_extract(a, '$.b'), a ->> '$.c' FROM t", []],
    ['-- migration: no-transaction\nSELECT 1', [['sql/no-transaction', 0]]],
    ['remove the table', [['sql/not-sql', 0]]],
    ['SELECT 1\0', [['sql/nul-character', 8]]],
  ])('%j', (text, expected) => {
    expect(codes(text)).toEqual(expected)
  })

  test('the length of a statement is counted in bytes', () => {
    const fits = `SELECT '${'ä'.repeat(49_995)}'`
    expect(Buffer.byteLength(fits)).toBe(99_999)
    expect(codes(`${fits}; SELECT 1`)).toEqual([])
    expect(codes(`SELECT 1; SELECT '${'ä'.repeat(49_996)}'`)).toEqual([['sql/statement-too-long', 10]])
  })
})
