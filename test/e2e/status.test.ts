import { expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import { createDatabase, testServer } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const ITEMS = { 'database/001-items.sql': 'CREATE TABLE items (id int PRIMARY KEY);\n' }
const MORE = { 'database/002-more.sql': 'CREATE TABLE more (id int PRIMARY KEY);\n' }

test('status shows which migration is applied where, and writes nothing', async () => {
  await using dev = await createDatabase('dev')
  await using prod = await createDatabase('prod')
  await using project = createProject({ files: ITEMS, env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url } })
  await project.run(['sync', '--env', 'dev'])
  project.write('database/002-more.sql', MORE['database/002-more.sql'])

  const result = await project.run(['status'])

  expect(result).toMatchObject({ exitCode: 0, stderr: '' })
  expect(cellsOf(result.stdout)).toEqual({
    dev: 'prod',
    '001-items': '✓ · pending in prod',
    '002-more': '· · pending',
  })
  expect(result.stdout).toContain('1 applied, 1 pending')
  expect(result.stdout).toContain('The environments are not in sync.')
  expect(await prod.query("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).toEqual([])
  expect(await appliedNames(dev)).toEqual(['001-items'])
})

test('status --check exits 3 until all environments agree with the files', async () => {
  await using dev = await createDatabase('dev')
  await using prod = await createDatabase('prod')
  await using project = createProject({ files: ITEMS, env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url } })

  const before = await project.run(['status', '--check'])
  await project.run(['sync', '--yes'])
  const after = await project.run(['status', '--check'])
  project.write('database/001-items.sql', 'CREATE TABLE items (id bigint PRIMARY KEY);\n')
  const edited = await project.run(['status', '--check'])
  const unchecked = await project.run(['status'])

  expect(before).toMatchObject({ exitCode: 3 })
  expect(after).toMatchObject({ exitCode: 0 })
  expect(after.stdout).toContain('All environments are in sync.')
  expect(edited).toMatchObject({ exitCode: 3 })
  expect(edited.stdout).toContain('history/changed')
  expect(edited.stdout).toContain('edited after dev, prod ran it')
  expect(unchecked).toMatchObject({ exitCode: 0 })
  expect(await appliedNames(dev)).toEqual(['001-items'])
  expect(await appliedNames(prod)).toEqual(['001-items'])
})

test('one of three unreachable: status shows the others and exits 1, sync writes nothing anywhere', async () => {
  await using dev = await createDatabase('dev')
  await using prod = await createDatabase('prod')
  const { host, port, user, password } = testServer()
  await using project = createProject({
    files: ITEMS,
    env: {
      DATABASE_URL: dev.url,
      STAGING_DATABASE_URL: `postgres://${user}:${password}@${host}:${port}/not_there`,
      PROD_DATABASE_URL: prod.url,
    },
  })

  const text = await project.run(['status'])
  const check = await project.run(['status', '--check'])
  const json = await project.run(['status', '--json'])
  const sync = await project.run(['sync', '--yes'])
  const syncJson = await project.run(['sync', '--yes', '--json'])

  expect(text).toMatchObject({ exitCode: 1 })
  expect(cellsOf(text.stdout)).toMatchObject({ '001-items': expect.stringMatching(/^· \? ·/) })
  expect(text.stdout).toContain('CREATE DATABASE "not_there"')
  expect(check).toMatchObject({ exitCode: 1 })
  expect(json).toMatchObject({ exitCode: 1 })
  expect(json.json()).toMatchObject({
    inSync: false,
    environments: [
      { name: 'dev', reachable: true, error: null },
      { name: 'staging', reachable: false, error: { code: 'connection/no-database' } },
      { name: 'prod', reachable: true, error: null },
    ],
  })
  expect(sync).toMatchObject({ exitCode: 1 })
  expect(sync.stderr).toContain('staging could not be read')
  expect(syncJson).toMatchObject({ exitCode: 1 })
  expect(syncJson.json()).toMatchObject({ status: 'error', error: { code: 'connection/no-database' } })
  for (const database of [dev, prod]) expect(await tables(database)).toEqual([])
})

test('a migration that ran with another content elsewhere is found', async () => {
  await using dev = await createDatabase('dev')
  await using prod = await createDatabase('prod')
  await using project = createProject({ files: ITEMS })
  await project.run(['sync'], { env: { DATABASE_URL: dev.url } })
  project.write('database/001-items.sql', 'CREATE TABLE items (id bigint PRIMARY KEY);\n')
  await project.run(['sync', '--yes'], { env: { PROD_DATABASE_URL: prod.url } })
  const both = { env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url } }

  const text = await project.run(['status', '--check'], both)
  const json = await project.run(['status', '--json'], both)

  expect(text).toMatchObject({ exitCode: 3 })
  expect(cellsOf(text.stdout)).toMatchObject({ '001-items': '≠ ✓ edited after dev ran it' })
  expect(text.stdout).toContain('001-items ran with another content in prod than in dev.')
  expect(json.json()).toMatchObject({
    inSync: false,
    findings: [
      { code: 'history/changed', severity: 'block', environment: 'dev', migration: '001-items' },
      { code: 'history/differs-between-environments', severity: 'block', environment: 'prod', migration: '001-items' },
    ],
  })
  expect(await typeOfId(dev)).toBe('integer')
  expect(await typeOfId(prod)).toBe('bigint')
})

test('a renamed file is recognised by its content', async () => {
  await using database = await createDatabase('renamed')
  await using project = createProject({ files: ITEMS, env: { DATABASE_URL: database.url } })
  await project.run(['sync'])
  project.remove('database/001-items.sql')
  project.write('database/001-things.sql', ITEMS['database/001-items.sql'])

  const status = await project.run(['status', '--check'])
  const sync = await project.run(['sync', '--json'])

  expect(status).toMatchObject({ exitCode: 3 })
  expect(status.stdout).toContain('its file is now called database/001-things.sql')
  expect(status.stdout).toContain('Name it 001-items.sql again')
  expect(sync).toMatchObject({ exitCode: 4 })
  expect(await appliedNames(database)).toEqual(['001-items'])
})

test('of 1,000 migrations in three environments status shows what differs and counts the rest', async () => {
  await using dev = await createDatabase('dev')
  await using staging = await createDatabase('staging')
  await using prod = await createDatabase('prod')
  const names = Array.from({ length: 1_000 }, (_, index) => `${`${index + 1}`.padStart(4, '0')}-step`)
  await using project = createProject({
    files: Object.fromEntries(names.map((name) => [`database/${name}.sql`, `SELECT '${name}';\n`])),
    env: { DATABASE_URL: dev.url, STAGING_DATABASE_URL: staging.url, PROD_DATABASE_URL: prod.url },
  })
  const synced = await project.run(['sync', '--yes', '--quiet'])
  await prod.query("DELETE FROM schema_migrations WHERE migration_name IN ('0999-step', '1000-step')")

  const short = await project.run(['status'])
  const all = await project.run(['status', '--all'])
  const json = await project.run(['status', '--json'])

  expect(synced).toMatchObject({ exitCode: 0 })
  expect(short).toMatchObject({ exitCode: 0 })
  expect(Object.keys(cellsOf(short.stdout)).filter((name) => name.endsWith('-step'))).toEqual([
    '0999-step',
    '1000-step',
  ])
  expect(short.stdout).toContain('… and 998 more migrations applied everywhere (--all shows them)')
  expect(short.stdout.split('\n').length).toBeLessThan(20)
  expect(Object.keys(cellsOf(all.stdout)).filter((name) => name.endsWith('-step'))).toEqual(names)
  expect(json.json()['migrations']).toHaveLength(1_000)
  expect(await dev.query('SELECT count(*)::int AS n FROM schema_migrations')).toEqual([{ n: 1_000 }])
})

/** The rows of the table in a text: what stands behind the first word of each line, its blanks made single. */
function cellsOf(text: string): Record<string, string> {
  const [table = ''] = text.split('\n\n')
  return Object.fromEntries(
    table.split('\n').map((line) => {
      const [name = '', ...rest] = line.trim().split(/\s+/)
      return [name, rest.join(' ')]
    }),
  )
}

async function appliedNames(database: TestDatabase): Promise<readonly unknown[]> {
  const rows = await database.query('SELECT migration_name FROM schema_migrations ORDER BY migration_name')
  return rows.map((row) => row['migration_name'])
}

async function tables(database: TestDatabase): Promise<readonly unknown[]> {
  const rows = await database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
  return rows.map((row) => row['tablename'])
}

async function typeOfId(database: TestDatabase): Promise<unknown> {
  const [row] = await database.query(
    "SELECT data_type FROM information_schema.columns WHERE table_name = 'items' AND column_name = 'id'",
  )
  return row?.['data_type']
}
