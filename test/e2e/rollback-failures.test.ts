import { describe, expect, test } from 'vitest'
import type { Parsed } from '../support/cli.ts'
import { createAppliedPair } from '../support/applied-pair.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const FILES = {
  'database/001-a.sql': 'CREATE TABLE a (id int);\n-- Rollback:\n-- DROP TABLE a;\n',
  'database/002-b.sql': 'CREATE TABLE b (id int);\n-- Rollback:\n-- DROP TABLE not_there;\n',
  'database/003-c.sql': 'CREATE TABLE c (id int);\n-- Rollback:\n-- DROP TABLE c;\n',
}

/** What of the three migrations is there: their tables, and their rows. */
async function stateOf(database: TestDatabase): Promise<string> {
  const [found] = await database.query(`SELECT
    (SELECT string_agg(relname, '' ORDER BY relname) FROM pg_class WHERE relname IN ('a', 'b', 'c')) AS tables,
    (SELECT string_agg(right(migration_name, 1), '' ORDER BY migration_name) FROM schema_migrations) AS rows`)
  return `${String(found?.['tables'])} ${String(found?.['rows'])}`
}

describe('a rollback of several migrations', () => {
  test('that fails in its middle keeps what it took back, and goes on from there when it is mended', async () => {
    await using ground = await createAppliedPair(FILES)
    const { dev, prod, project } = ground

    const failed = await project.run(['rollback', '--to', '0', '--yes', '--json'])
    const between = [await stateOf(dev), await stateOf(prod)]
    const status = await project.run(['status', '--json'])
    project.write('database/002-b.down.sql', 'DROP TABLE b;\n')
    const mended = await project.run(['rollback', '--to', '0', '--yes'])
    const log = await project.run(['history', '--check', '--json', '--env', 'prod'])

    expect(failed.exitCode).toBe(1)
    expect(failed.json()).toMatchObject({
      status: 'failed',
      environments: [
        {
          name: 'prod',
          status: 'failed',
          done: [{ name: '003-c' }],
          failed: { name: '002-b', error: { code: '42P01', file: 'database/002-b.sql', line: 3, column: 4 } },
          left: [{ name: '001-a' }],
        },
        { name: 'dev', status: 'skipped', done: [] },
      ],
    })
    expect(between).toEqual(['abc abc', 'ab ab'])
    expect(status.json()['findings']).toEqual([])
    expect(mended.exitCode).toBe(0)
    expect([await stateOf(dev), await stateOf(prod)]).toEqual(['null null', 'null null'])
    expect(log.exitCode).toBe(0)
    const events = log.json()['environments'][0].entries.map(({ event, migration }: Parsed) => [event, migration])
    expect(events.slice(4)).toEqual([
      ['rollback', '003-c'],
      ['fail', '002-b'],
      ['rollback', '002-b'],
      ['rollback', '001-a'],
    ])
  })

  test('that fails in the second environment leaves the first one taken back, and says so', async () => {
    await using ground = await createAppliedPair(FILES)
    const { dev, prod, project } = ground
    await dev.query('CREATE VIEW rests_on_c AS SELECT * FROM c')

    const failed = await project.run(['rollback', '--yes', '--json'])
    const between = [await stateOf(dev), await stateOf(prod)]
    await dev.query('DROP VIEW rests_on_c')
    const mended = await project.run(['rollback', '--yes', '--json'])

    expect(failed.exitCode).toBe(1)
    expect(failed.json()['environments']).toMatchObject([
      { name: 'prod', status: 'applied', done: [{ name: '003-c' }] },
      { name: 'dev', status: 'failed', failed: { name: '003-c', error: { code: '2BP01' } } },
    ])
    expect(between).toEqual(['abc abc', 'ab ab'])
    expect(mended.json()['environments']).toMatchObject([
      { name: 'prod', status: 'up-to-date', done: [] },
      { name: 'dev', status: 'applied', done: [{ name: '003-c' }] },
    ])
    expect([await stateOf(dev), await stateOf(prod)]).toEqual(['ab ab', 'ab ab'])
  })

  test.each([
    ['prose', '-- Rollback:\n-- call Ana, she has the dump\n', 'sql/rollback-not-sql'],
    ['prose behind SQL', '-- Rollback:\n-- DROP TABLE b;\n-- and then call Ana\n', 'sql/rollback-not-sql'],
    ['missing', '', 'rollback/none'],
    ['half a statement', '-- Rollback:\n-- DROP TABLE\n', 'sql/rollback-not-sql'],
  ])('takes nothing back anywhere when one block below the newest is %s', async (_what, block, code) => {
    await using ground = await createAppliedPair({
      ...FILES,
      'database/002-b.sql': `CREATE TABLE b (id int);\n${block}`,
    })
    const { dev, prod, project } = ground

    const result = await project.run(['rollback', '--to', '0', '--yes', '--json'])

    expect(result.exitCode).toBe(4)
    expect(result.json()['findings']).toContainEqual(
      expect.objectContaining({ code, severity: 'block', migration: '002-b' }),
    )
    expect([await stateOf(dev), await stateOf(prod)]).toEqual(['abc abc', 'abc abc'])
  })
})

test('a migration below others is taken back where that is allowed, and comes again only where its lateness is', async () => {
  await using ground = await createAppliedPair({ ...FILES, 'database/002-b.down.sql': 'DROP TABLE b;\n' })
  const { dev, prod, project } = ground

  const refused = await project.run(['rollback', '--only', '2', '--yes'])
  const taken = await project.run(['rollback', '--only', '2', '--yes', '--allow', 'rollback/not-latest'])
  const between = [await stateOf(dev), await stateOf(prod)]
  const late = await project.run(['sync', '--yes', '--json'])
  const again = await project.run(['sync', '--yes', '--allow', 'history/out-of-order'])

  expect(refused.exitCode).toBe(4)
  expect(refused.stdout).toContain('003-c came after it')
  expect(taken.exitCode).toBe(0)
  expect(between).toEqual(['ac ac', 'ac ac'])
  expect(late.exitCode).toBe(4)
  expect(late.json()['findings']).toMatchObject([{ code: 'history/out-of-order' }, { code: 'history/out-of-order' }])
  expect(again.exitCode).toBe(0)
  expect([await stateOf(dev), await stateOf(prod)]).toEqual(['abc abc', 'abc abc'])
})

test('a block that was edited since is not run even where another environment ran it as it is now', async () => {
  await using ground = await createAppliedPair(FILES)
  await using late = await createDatabase('late')
  const { dev, prod, project } = ground
  project.write('database/003-c.sql', 'CREATE TABLE c (id int);\n-- Rollback:\n-- DROP TABLE a, c;\n')
  const env = { LATE_DATABASE_URL: late.url, MIGRATION_ENVIRONMENTS: 'dev,prod,late' }
  const allow = ['--allow', 'history/changed,history/not-promoted']
  expect((await project.run(['sync', '--yes', ...allow], { env })).exitCode).toBe(0)

  const result = await project.run(['rollback', '--yes', '--json'], { env })

  expect(result.exitCode).toBe(4)
  expect(result.json()['findings']).toMatchObject([
    { code: 'history/changed', environment: 'prod', migration: '003-c' },
    { code: 'history/changed', environment: 'dev', migration: '003-c' },
  ])
  expect([await stateOf(dev), await stateOf(prod), await stateOf(late)]).toEqual(['abc abc', 'abc abc', 'abc abc'])
})
