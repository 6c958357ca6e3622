import { describe, expect, it } from 'vitest'
import { splitStatements } from '../../../src/sql/statements.ts'

function texts(sql: string): readonly string[] {
  return splitStatements(sql).statements.map(({ start, end }) => sql.slice(start, end))
}

function problems(sql: string): readonly (readonly [string, string])[] {
  return splitStatements(sql).problems.map(({ code, offset }) => [code, sql.slice(offset).split(/\s/)[0] ?? ''])
}

describe('splitStatements', () => {
  it.each<[string, string, readonly string[]]>([
    ['nothing in an empty text', '', []],
    ['nothing in space, comments and semicolons', ' ; -- a;\n/* b; */ ;;\n', []],
    ['a last statement without its semicolon', 'select 1; select 2', ['select 1', 'select 2']],
    ['statements without the comments around them', '/* a */ select 1 -- b\n; -- c', ['select 1']],
    ['statements with the comments inside of them', 'select /* ; */ 1; x', ['select /* ; */ 1', 'x']],
    ['semicolons in quotes as text', `select ';', E'\\';', $$;$$, ";"; x`, [`select ';', E'\\';', $$;$$, ";"`, 'x']],
    [
      'a rule of several actions as one',
      'create rule r as on insert to t do (a; b); x',
      ['create rule r as on insert to t do (a; b)', 'x'],
    ],
    ['borders again after a parenthesis too many', 'select 1); x; (a;b)', ['select 1)', 'x', '(a;b)']],
  ])('finds %s', (_, sql, expected) => {
    expect(texts(sql)).toEqual(expected)
    expect(problems(sql)).toEqual([])
  })

  it.each([
    'create function f() returns int begin atomic select 1; end',
    'create or replace function f() returns int language sql begin atomic select 1; select 2; end',
    'CREATE PROCEDURE p() BEGIN /* c */ ATOMIC INSERT INTO t VALUES (1); END',
    'create procedure p() begin atomic end',
    'create function f() returns int begin atomic select case when true then case 1 when 1 then 2 end end; end',
    'create function f() returns int begin atomic select 1 as end; select t.end from t; end',
    'create function f() returns int begin atomic select 1 end; select 1 "end"; end',
    'create function f(a int default (1)) returns int begin atomic select (case a when 1 then 1 end); end',
  ])('keeps a body whole: %s', (sql) => {
    expect(texts(`${sql}; select 1`)).toEqual([sql, 'select 1'])
    expect(problems(`${sql};`)).toEqual([])
  })

  it.each([
    ['create function begin() returns int as $$ $$', 'select 2'],
    ['create table begin_atomic (a int)', 'end'],
    ['create table t ("begin" int)', 'begin'],
    ['begin', 'select 1', 'end'],
    ['create view v as select 1 as begin', 'end'],
  ])('does not take %s for a body', (...statements) => {
    expect(texts(statements.join(';'))).toEqual(statements)
  })

  it('skips COPY data up to its end mark and goes on behind it', () => {
    const sql = "copy t (a, b) from stdin;\n1\tit's; (\n\\.x\n\\.\nselect 1;"
    expect(texts(sql)).toEqual(['copy t (a, b) from stdin', 'select 1'])
    expect(problems(sql)).toEqual([['sql/copy-data', 'copy']])
  })

  it.each([
    ['an end mark with CRLF', 'copy t from stdin;\r\n1\r\n\\.\r\nx', ['copy t from stdin', 'x']],
    [
      'no rows at all',
      'COPY t FROM STDIN WITH (FORMAT csv); -- rows\n\\.\nx',
      ['COPY t FROM STDIN WITH (FORMAT csv)', 'x'],
    ],
    ['an end mark that is missing', 'copy t from stdin;\n1;2', ['copy t from stdin']],
    ['no semicolon', 'copy t from stdin', ['copy t from stdin']],
  ] as const)('reads COPY data with %s', (_, sql, expected) => {
    expect(texts(sql)).toEqual(expected)
    expect(problems(sql).map(([code]) => code)).toEqual(['sql/copy-data'])
  })

  it('finds COPY data behind a column list of any length', () => {
    const columns = Array.from({ length: 500 }, (_, index) => `c${index}`).join(', ')
    expect(problems(`copy t (${columns}) from stdin;`)).toEqual([['sql/copy-data', 'copy']])
  })

  it.each([
    "copy t from '/tmp/stdin'; x",
    "copy (select * from stdin) to '/tmp/x'; x",
    'copy "stdin" from "stdin"; x',
    'select * from stdin; x',
  ])('sees no data behind %s', (sql) => {
    expect(texts(sql)).toHaveLength(2)
    expect(problems(sql)).toEqual([])
  })

  it.each(['copy (select * from t) to stdout; x', 'COPY t (a) TO STDOUT (FORMAT csv); x'])(
    'refuses to send rows to a client that is not there: %s',
    (sql) => {
      expect(texts(sql)).toHaveLength(2)
      expect(problems(sql)).toEqual([['sql/copy-data', expect.stringMatching(/^copy/i)]])
    },
  )

  it.each<[string, string, string]>([
    ['string', "select 1; select 'a; select 2;", "'a;"],
    ['escape string', "select E'\\';", "E'\\';"],
    ['quoted identifier', 'select "a; x', '"a;'],
    ['dollar quote', 'do $x$ begin; $X$; x', '$x$'],
    ['comment', 'select 1; /* /* */ select 2;', '/*'],
    ['parenthesis', 'create table t ( a int; select (1); x', '('],
    ['body', 'create function f() returns int begin atomic select case when true then 1 end; x', 'begin'],
  ])('reports an unterminated %s where it opens', (_, sql, place) => {
    expect(problems(sql)).toEqual([['sql/unterminated', place]])
  })

  it.each<[string, string]>([
    ["select E'a", "Close the string with ' (inside of it a quote is written twice: '')."],
    ['do $body$ x', 'Close the string with $body$, spelled the same.'],
    ['select U&"a', 'Close the identifier with ", or look for a " too many before it.'],
    ['/* a', 'Close the comment with */ (comments nest: each /* needs its own).'],
  ])('says how to close %s', (sql, hint) => {
    expect(splitStatements(sql).problems.map((problem) => problem.hint)).toEqual([hint])
  })

  it('reports each meta-command and reads on in the next line', () => {
    const sql = "\\set ON_ERROR_STOP on\nselect 1;\n  \\echo it's\nselect 2 \\gexec\n\\i more.sql\nselect '\n\\q';"
    expect(texts(sql)).toEqual(['select 1', 'select 2', "select '\n\\q'"])
    expect(problems(sql)).toEqual([
      ['sql/meta-command', '\\set'],
      ['sql/meta-command', '\\echo'],
      ['sql/meta-command', '\\gexec'],
      ['sql/meta-command', '\\i'],
    ])
  })

  it.each<[string, string, RegExp]>([
    ['\\i roles/app.sql', '\\i', /^Put the text of roles\/app\.sql in place/],
    ['\\copy t from rows.csv csv', '\\copy', /^Use INSERT for the rows/],
    ['\\connect app', '\\connect', /the environment decides/],
    ['\\restrict abc', '\\restrict', /pg_dump writes \\restrict/],
    ['\\timing', '\\timing', /^Remove the line\.$/],
    ['\\', '\\', /^Remove the line\.$/],
  ])('says what to do about %s', (line, name, hint) => {
    const [problem] = splitStatements(line).problems
    expect(problem?.message).toBe(`${name} is a command of psql, not SQL: no server understands it.`)
    expect(problem?.hint).toMatch(hint)
  })

  it('skips the rows behind \\copy from stdin', () => {
    expect(problems("\\copy t from stdin\n1\tit's\n\\.\nselect 1;")).toEqual([['sql/meta-command', '\\copy']])
  })

  it('reports a NUL character and how it may have come', () => {
    const { problems: found } = splitStatements('s\0e\0l\0')
    expect(found.map(({ code, offset }) => [code, offset])).toEqual([['sql/nul-character', 1]])
    expect(found[0]?.hint).toContain('UTF-16')
  })

  it('gives directives, but none from a string, a block comment or another remark', () => {
    const sql =
      "--  Migration:  No-Transaction \nselect '\n-- migration: a'; /*\n-- migration: b\n*/ -- our migration: c"
    expect(splitStatements(sql).directives).toEqual([{ words: 'no-transaction', offset: 0 }])
  })

  it.each([
    ['quotes', "'"],
    ['opened comments', '/*'],
    ['dollars', '$'],
    ['tags', '$a$b'],
    ['parentheses', '('],
    ['escape strings', "E'a'\n"],
    ['escape strings with comments', "E'a' --\n"],
    ['end marks that are none', '\\.x\n'],
    ['spaces', ' '],
  ])('reads half a megabyte of %s in a moment', (_, part) => {
    const startedAt = performance.now()
    for (const head of ['', 'copy t from stdin;\n', '-- migration:', '\\copy ', "E'a'"]) {
      splitStatements(head + part.repeat(500_000 / part.length))
    }
    expect(performance.now() - startedAt).toBeLessThan(5000)
  })
})
