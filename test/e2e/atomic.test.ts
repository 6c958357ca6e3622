import { describe, expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const FILES = {
  'database/001-a.sql': 'CREATE TABLE a (id int PRIMARY KEY);\n',
  'database/002-b.sql':
    'CREATE TABLE b (id int REFERENCES a DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO a VALUES (1);\nINSERT INTO b VALUES (1);\n',
}

async function names(database: TestDatabase): Promise<readonly unknown[]> {
  const rows = await database.query(
    "SELECT CASE WHEN to_regclass('schema_migrations') IS NULL THEN 'no' ELSE 'yes' END AS has",
  )
  if (rows[0]?.['has'] !== 'yes') return []
  return (await database.query('SELECT migration_name AS n FROM schema_migrations ORDER BY 1')).map((row) => row['n'])
}

describe('sync --atomic', () => {
  test('commits in all environments', async () => {
    await using dev = await createDatabase('dev')
    await using prod = await createDatabase('prod')
    await using project = createProject({ files: FILES, env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url } })

    const result = await project.run(['sync', '--atomic', '--yes', '--json'])

    expect(result.exitCode).toBe(0)
    expect(result.json()).toMatchObject({
      status: 'applied',
      environments: [
        { name: 'dev', status: 'applied', done: [{ name: '001-a' }, { name: '002-b' }], failed: null, left: [] },
        { name: 'prod', status: 'applied', done: [{ name: '001-a' }, { name: '002-b' }], failed: null, left: [] },
      ],
    })
    expect(await names(dev)).toEqual(['001-a', '002-b'])
    expect(await names(prod)).toEqual(['001-a', '002-b'])
  })

  test('leaves every environment as it was when the last one fails', async () => {
    await using dev = await createDatabase('dev')
    await using prod = await createDatabase('prod')
    await prod.query('CREATE TABLE b (in_the_way int)')
    await using project = createProject({ files: FILES, env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url } })

    const result = await project.run(['sync', '--atomic', '--yes', '--json'])

    expect(result.exitCode).toBe(1)
    expect(result.json()).toMatchObject({
      status: 'failed',
      environments: [
        { name: 'dev', status: 'skipped', done: [], left: [{ name: '001-a' }, { name: '002-b' }] },
        { name: 'prod', status: 'failed', failed: { name: '002-b', error: { code: '42P07', line: 1 } } },
      ],
    })
    expect(await names(dev)).toEqual([])
    expect(await names(prod)).toEqual([])
    expect(await dev.query("SELECT to_regclass('a') AS a")).toEqual([{ a: null }])
  })

  test('finds a deferred constraint before any environment has committed', async () => {
    await using dev = await createDatabase('dev')
    await using prod = await createDatabase('prod')
    await using project = createProject({
      files: { ...FILES, 'database/003-c.sql': 'INSERT INTO b VALUES (7);\n' },
      env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url },
    })

    const result = await project.run(['sync', '--atomic', '--yes'])

    expect(result.exitCode).toBe(1)
    expect(result.stdout).toContain('migration/failed 23503')
    expect(await names(dev)).toEqual([])
    expect(await names(prod)).toEqual([])
  })

  test('refuses a migration that cannot run in a transaction, before any write', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({
      files: { ...FILES, 'database/003-v.sql': 'VACUUM;\n' },
      env: { DATABASE_URL: dev.url },
    })

    const result = await project.run(['sync', '--atomic', '--json'])

    expect(result.exitCode).toBe(4)
    expect(result.json()['findings']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          code: 'sql/not-atomic',
          migration: '003-v',
          hint: 'Sync it first without --atomic: migration-manager sync --to 003 --env dev',
        }),
      ]),
    )
    expect(await names(dev)).toEqual([])
  })

  test('that is run by two at once applies each migration exactly once', async () => {
    await using dev = await createDatabase('dev')
    await using prod = await createDatabase('prod')
    await using project = createProject({
      files: { ...FILES, 'database/003-s.sql': 'SELECT pg_sleep(0.3);\nCREATE TABLE mark AS SELECT 1 AS x;\n' },
      env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url },
    })

    const results = await Promise.all([1, 2].map(() => project.run(['sync', '--atomic', '--yes', '--json'])))
    const again = await project.run(['sync', '--atomic', '--yes', '--json'])

    expect(results.filter(({ exitCode }) => exitCode === 0).length).toBeGreaterThan(0)
    expect(again.json()).toMatchObject({ status: 'up-to-date' })
    for (const database of [dev, prod]) {
      expect(await names(database)).toEqual(['001-a', '002-b', '003-s'])
      expect(await database.query('SELECT count(*)::int AS n FROM mark')).toEqual([{ n: 1 }])
    }
  })
})
