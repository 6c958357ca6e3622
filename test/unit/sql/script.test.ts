import { describe, expect, it } from 'vitest'
import { readScript } from '../../../src/sql/script.ts'

function texts(sql: string): readonly string[] {
  return readScript(sql).statements.map(({ start, end }) => sql.slice(start, end))
}

function problems(sql: string): readonly (readonly [string, string])[] {
  return readScript(sql).problems.map(({ code, offset }) => [code, sql.slice(offset).split(';')[0] ?? ''])
}

describe('readScript', () => {
  it('reads a text once, however many ask', () => {
    expect(readScript('select 1;\nselect 2;')).toBe(readScript('select 1;\nselect 2;'))
  })

  it('takes a plain file as it is', () => {
    const sql = 'create table t (a int);\ninsert into t values (1)'
    expect(readScript(sql)).toEqual({
      statements: [
        { start: 0, end: 22 },
        { start: 24, end: 48 },
      ],
      ownTransaction: false,
      problems: [],
      nonTransactional: [],
      noTransaction: false,
      runsInSteps: false,
    })
  })

  it.each([
    ['begin; select 1; commit;', ['select 1']],
    ['-- head\nBEGIN TRANSACTION;\nselect 1;\nselect 2;\nEND WORK', ['select 1', 'select 2']],
    ['start transaction; commit and no chain; -- tail', []],
  ] as const)("takes off the file's own transaction: %s", (sql, expected) => {
    expect(readScript(sql).ownTransaction).toBe(true)
    expect(texts(sql)).toEqual(expected)
    expect(problems(sql)).toEqual([])
  })

  it.each<[string, readonly string[]]>([
    ['select 1; commit; select 2', ['commit']],
    ['select 1; rollback', ['rollback']],
    ['begin; select 1; rollback', ['begin', 'rollback']],
    ['begin; select 1', ['begin']],
    ['select 1; commit', ['commit']],
    ['commit', ['commit']],
    ['begin', ['begin']],
    ['begin; select 1; commit; begin; select 2; commit', ['commit', 'begin']],
    ['begin; select 1; commit; select 2', ['begin', 'commit']],
    ['select 1; begin; select 2; commit', ['begin', 'commit']],
    ['begin; select 1; commit and chain', ['begin', 'commit and chain']],
    ["begin; select 1; prepare transaction 'x'", ['begin', "prepare transaction 'x'"]],
    ['begin isolation level serializable; select 1; commit', ['begin isolation level serializable']],
    ['begin; create index concurrently i on t (a); commit', ['create index concurrently i on t (a)']],
  ])('refuses transaction control: %s', (sql, places) => {
    expect(problems(sql)).toEqual(places.map((place) => ['sql/transaction-control', place]))
  })

  it('says which words of BEGIN to remove', () => {
    const [problem] = readScript('begin read\n  only; select 1; commit').problems
    expect(problem?.message).toMatch(/^read only cannot take effect/)
    expect(problem?.hint).toBe('Write BEGIN alone.')
  })

  it("names the statement in the user's own words and tells the way out", () => {
    const [problem] = readScript('select 1;\nEND\n  work; select 2').problems
    expect(problem?.message).toBe('END work would commit the migration before it is recorded.')
    expect(problem?.hint).toContain('-- migration: no-transaction')
  })

  it.each([
    'savepoint a; select 1; release a',
    'savepoint a; select 1; rollback to savepoint A',
    'savepoint a; rollback to a; release savepoint a',
    'savepoint a; savepoint b; release a',
    'savepoint a; savepoint a; release a; release a',
    'begin; savepoint a; release a; commit',
  ])('lets savepoints pass that are closed: %s', (sql) => {
    expect(problems(sql)).toEqual([])
  })

  it.each<[string, readonly string[]]>([
    ['savepoint a', ['savepoint a']],
    ['savepoint a; savepoint b; release b', ['savepoint a']],
    ['savepoint a; savepoint a; release a', ['savepoint a']],
    ['savepoint "A"; release a', ['savepoint "A"', 'release a']],
    ['savepoint a; savepoint b; release a; rollback to b', ['rollback to b']],
  ])('refuses savepoints that do not pair: %s', (sql, places) => {
    expect(problems(sql)).toEqual(places.map((place) => ['sql/savepoint', place]))
  })

  it('lists what cannot run in a transaction', () => {
    const sql = 'select 1; create index concurrently i on t (a); vacuum t'
    expect(readScript(sql).nonTransactional).toEqual([
      { statement: { start: 10, end: 46 }, what: 'CREATE INDEX CONCURRENTLY' },
      { statement: { start: 48, end: 56 }, what: 'VACUUM' },
    ])
    expect(problems(sql)).toEqual([])
  })

  it('lets a file that says no-transaction handle its own transactions', () => {
    const sql = '-- migration: no-transaction\nbegin; update t set a = 1; commit; savepoint a; rollback; vacuum'
    const script = readScript(sql)
    expect([script.noTransaction, script.ownTransaction, script.problems]).toEqual([true, false, []])
    expect(texts(sql)).toHaveLength(6)
  })

  it.each<[string, string]>([
    ['begin; select 1; commit; begin; select 2', 'begin'],
    ['begin; commit and chain', 'commit and chain'],
  ])('refuses a transaction that is left open even then: %s', (sql, place) => {
    const found = problems(`-- migration: no-transaction\n${sql}`)
    expect(found).toEqual([['sql/transaction-control', place]])
  })

  it('does not find the directive in a remark that only mentions it', () => {
    expect(readScript('-- migration: no-transaction is not for us\nselect 1').noTransaction).toBe(false)
  })

  it('gives the problems of all kinds in the order of the text', () => {
    const codes = problems("savepoint a; \\q\ncommit; copy t from stdin;\n\\.\nselect 'a").map(([code]) => code)
    expect(codes).toEqual([
      'sql/savepoint',
      'sql/meta-command',
      'sql/transaction-control',
      'sql/copy-data',
      'sql/unterminated',
    ])
  })
})
