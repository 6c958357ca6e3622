import { expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const FILES = { 'database/001-items.sql': 'CREATE TABLE items (id int PRIMARY KEY);\n' }

test('two environments that are the same database are refused, however the address is written', async () => {
  await using database = await createDatabase('twice')
  await using project = createProject({
    files: FILES,
    env: { DATABASE_URL: database.url, PROD_DATABASE_URL: database.url.replace('127.0.0.1', 'localhost') },
  })

  for (const command of [['status'], ['plan'], ['sync', '--yes'], ['init', '--yes']]) {
    const result = await project.run([...command, '--json'])
    expect(result).toMatchObject({ exitCode: 8 })
    expect(result.json()).toMatchObject({ status: 'error', error: { code: 'target/same-database' } })
    expect(result.stdout).toContain('PROD_DATABASE_URL')
  }
  expect(await tables(database)).toEqual([])
})

test('the same database in two environments is refused also where the other one is not read', async () => {
  await using database = await createDatabase('twice')
  await using project = createProject({
    files: FILES,
    env: { DATABASE_URL: database.url, PROD_DATABASE_URL: `${database.url}?application_name=app` },
  })

  for (const command of [['sync'], ['init'], ['status'], ['repair', 'mark-applied', '001', '--reason', 'x', '--yes']]) {
    const result = await project.run([...command, '--env', 'dev', '--json'])
    expect(result).toMatchObject({ exitCode: 8 })
    expect(result.json()).toMatchObject({ status: 'error', error: { code: 'target/same-database' } })
  }
  expect(await tables(database)).toEqual([])
})

test('a database that was initialised as another environment is refused until init says otherwise', async () => {
  await using database = await createDatabase('mixed_up')
  await using project = createProject({ files: FILES })
  const asProd = { env: { PROD_DATABASE_URL: database.url } }
  await project.run(['sync'], { env: { DATABASE_URL: database.url } })
  project.write('database/002-more.sql', 'CREATE TABLE more (id int);\n')

  for (const command of [['status'], ['plan'], ['sync', '--yes'], ['init', '--yes']]) {
    const result = await project.run([...command, '--json'], asProd)
    expect(result).toMatchObject({ exitCode: 8 })
    expect(result.json()).toMatchObject({ status: 'error', error: { code: 'target/other-environment' } })
    expect(result.stdout).toContain('init --env prod --allow target/other-environment')
  }
  expect(await appliedNames(database)).toEqual(['001-items'])

  const renamed = await project.run(['init', '--env', 'prod', '--allow', 'target/other-environment', '--yes'], asProd)
  const result = await project.run(['sync', '--yes', '--json'], asProd)

  expect(renamed).toMatchObject({ exitCode: 0 })
  expect(result).toMatchObject({ exitCode: 0 })
  expect(result.json()).toMatchObject({ environments: [{ name: 'prod', status: 'applied' }] })
  expect(await appliedNames(database)).toEqual(['001-items', '002-more'])
})

test('a database of prod is not registered as dev unasked, nor while it is still that of prod', async () => {
  await using database = await createDatabase('prod')
  await using project = createProject({ files: FILES })
  await project.run(['sync', '--yes'], { env: { PROD_DATABASE_URL: database.url } })
  const rename = ['init', '--env', 'dev', '--allow', 'target/other-environment']

  const both = { DATABASE_URL: database.url, PROD_DATABASE_URL: database.url }
  const twice = await project.run([...rename, '--yes'], { env: both })
  const unasked = await project.run(rename, { env: { DATABASE_URL: database.url } })
  const still = await project.run(['status'], { env: { PROD_DATABASE_URL: database.url } })
  const confirmed = await project.run([...rename, '--yes'], { env: { DATABASE_URL: database.url } })

  expect(twice).toMatchObject({ exitCode: 8, stderr: expect.stringContaining('target/same-database') })
  expect(unasked).toMatchObject({ exitCode: 4, stdout: expect.stringContaining('policy/confirmation-needed') })
  expect(unasked.stdout).toContain('dev must be confirmed, and nobody is here to confirm.')
  expect(still).toMatchObject({ exitCode: 0 })
  expect(confirmed).toMatchObject({ exitCode: 0, stdout: 'dev  registered anew, was prod\n' })
})

test('a schema_migrations table of another tool stops everything and is left alone', async () => {
  await using dev = await createDatabase('dev')
  await using prod = await createDatabase('prod')
  await prod.query(
    "CREATE TABLE schema_migrations (version text PRIMARY KEY); INSERT INTO schema_migrations VALUES ('7')",
  )
  await using project = createProject({ files: FILES, env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url } })

  for (const command of [['status'], ['sync', '--yes'], ['init', '--yes']]) {
    const result = await project.run(command)
    expect(result).toMatchObject({ exitCode: 8 })
    expect(result.stdout + result.stderr).toContain('target/foreign-history')
    expect(result.stdout + result.stderr).toContain('MIGRATION_SCHEMA')
  }
  expect(await prod.query('SELECT * FROM schema_migrations')).toEqual([{ version: '7' }])
  expect(await tables(prod)).toEqual(['public.schema_migrations'])
  expect(await tables(dev)).toEqual([])

  const apart = await project.run(['sync', '--yes'], { env: { MIGRATION_SCHEMA: 'migrations' } })

  expect(apart).toMatchObject({ exitCode: 0 })
  expect(await prod.query('SELECT * FROM schema_migrations')).toEqual([{ version: '7' }])
  expect(await prod.query('SELECT migration_name FROM migrations.schema_migrations')).toEqual([
    { migration_name: '001-items' },
  ])
})

test('another MIGRATION_SCHEMA does not apply everything once more', async () => {
  await using database = await createDatabase('dev')
  await using project = createProject({ files: FILES, env: { DATABASE_URL: database.url } })
  const elsewhere = { env: { MIGRATION_SCHEMA: 'migrations' } }

  const first = await project.run(['sync', '--yes'])
  const refused = []
  for (const command of ['status', 'plan', 'sync', 'init']) {
    const result = await project.run([command, '--yes', '--json'], elsewhere)
    refused.push([command, result.exitCode, result.json()['findings'][0]])
  }
  const repaired = await project.run(
    ['repair', 'mark-applied', '001-items', '--env', 'dev', '--reason', 'x', '--yes', '--json'],
    elsewhere,
  )
  const before = await tables(database)
  const moved = await project.run(['sync', '--yes', '--allow', 'history/elsewhere', '--dry-run'], elsewhere)
  await database.query(String(/CREATE SCHEMA .*;/u.exec(refused[0]?.[2].hint)?.[0]))
  const after = await project.run(['status', '--check'], elsewhere)

  expect(first).toMatchObject({ exitCode: 0 })
  const finding = expect.objectContaining({
    code: 'history/elsewhere',
    severity: 'block',
    message: 'dev has no history in the schema migrations, but one of migration-manager in public.',
    hint: expect.stringContaining('Was MIGRATION_SCHEMA=public meant?'),
  })
  expect(refused).toEqual([
    ['status', 0, finding],
    ['plan', 4, finding],
    ['sync', 4, finding],
    ['init', 4, finding],
  ])
  expect({ exitCode: repaired.exitCode, code: repaired.json()['error']?.code }).toEqual({
    exitCode: 4,
    code: 'history/elsewhere',
  })
  expect(before).not.toContain('migrations.schema_migrations')
  expect(moved).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('001-items') })
  expect(after).toMatchObject({ exitCode: 0 })
})

test('the name of a schema that holds a history is one word of the advice', async () => {
  await using database = await createDatabase('dev')
  await using project = createProject({ files: FILES, env: { DATABASE_URL: database.url } })

  await project.run(['sync', '--yes'], { env: { MIGRATION_SCHEMA: 'x;touch pwn' } })
  const status = await project.run(['status', '--json'])

  expect(status.json()['findings'][0].hint).toContain("Was MIGRATION_SCHEMA='x;touch pwn' meant?")
})

async function appliedNames(database: TestDatabase): Promise<readonly unknown[]> {
  const rows = await database.query(
    "SELECT migration_name FROM schema_migrations WHERE status = 'applied' ORDER BY migration_name",
  )
  return rows.map((row) => row['migration_name'])
}

async function tables(database: TestDatabase): Promise<readonly unknown[]> {
  const rows = await database.query(
    `SELECT schemaname || '.' || tablename AS found FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY schemaname || '.' || tablename COLLATE "C"`,
  )
  return rows.map((row) => row['found'])
}
