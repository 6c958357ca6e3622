import { expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import { createCountingProxy } from '../support/proxy.ts'
import { createDatabase, testServer } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

/* Many databases on one server: no more of them are connected to at once than is allowed. */

const LOGIN = 3

test('of 12 databases on one server, --concurrency 3 connects to 3 at a time; all are read and brought up to date', async () => {
  await using proxy = await createCountingProxy({ serverPort: testServer().port })
  await using databases = await createDatabases(12)
  await using project = createProject({
    files: {
      'database/001-one.sql': 'CREATE TABLE one (id int);\n',
      'database/002-two.sql': 'CREATE TABLE two (id int);\n',
    },
    env: databases.urls(proxy.port),
  })

  const status = await project.run(['status', '--concurrency', '3', '--json'])

  expect(status.exitCode).toBe(0)
  expect(status.json()['environments']).toHaveLength(12)
  expect(proxy.mostOpen).toBe(3)
  expect(proxy.connections.map(({ flights }) => flights)).toEqual(Array.from({ length: 12 }, () => LOGIN + 1))

  const sync = await project.run(['sync', '--yes', '--concurrency', '3'])
  expect(sync).toMatchObject({ exitCode: 0 })
  expect(proxy.mostOpen).toBe(3)
  for (const database of databases.all) {
    expect(await database.query('SELECT migration_name FROM schema_migrations ORDER BY 1')).toEqual([
      { migration_name: '001-one' },
      { migration_name: '002-two' },
    ])
  }

  const verify = await project.run(['verify', '--concurrency', '3'])
  expect(verify.exitCode).toBe(0)
  expect(proxy.mostOpen).toBe(3)
  const check = await project.run(['status', '--check', '--concurrency=3'])
  expect(check.exitCode).toBe(0)
})

test('of the databases of one environment no more are connected to at once than the configuration file allows', async () => {
  await using proxy = await createCountingProxy({ serverPort: testServer().port })
  await using databases = await createDatabases(12)
  await using project = createProject({
    files: {
      'database/001-one.sql': 'CREATE TABLE one (id int);\n',
      'migration-manager.config.json': '{ "concurrency": 3 }',
    },
    env: { DATABASE_URLS: Object.values(databases.urls(proxy.port)).join('\n') },
  })

  const sync = await project.run(['sync', '--json'])

  expect(sync.exitCode).toBe(0)
  expect(proxy.mostOpen).toBe(3)
  for (const database of databases.all) {
    expect(await database.query('SELECT migration_name FROM schema_migrations')).toEqual([
      { migration_name: '001-one' },
    ])
  }
})

test('many databases that are written to at once are no reason for a warning', async () => {
  // The third wave of a fleet is the first that has more than eleven.
  await using databases = await createDatabases(1 + 10 + 12)
  await using project = createProject({
    files: { 'database/001-one.sql': 'CREATE TABLE one (id int);\nSELECT pg_sleep(0.3);\n' },
    env: { DATABASE_URLS: Object.values(databases.urls(testServer().port)).join('\n') },
  })

  const { exitCode, stderr } = await project.run(['sync', '--yes', '--concurrency', '30'])

  expect(exitCode).toBe(0)
  expect(stderr).not.toContain('Warning')
})

test('sync --atomic holds all databases together, however many may be connected to at once', async () => {
  await using databases = await createDatabases(4)
  await using project = createProject({
    files: { 'database/001-one.sql': 'CREATE TABLE one (id int);\n' },
    env: databases.urls(testServer().port),
  })

  const result = await project.run(['sync', '--yes', '--atomic', '--concurrency', '2'])

  expect(result).toMatchObject({ exitCode: 0 })
  for (const database of databases.all) {
    expect(await database.query('SELECT migration_name FROM schema_migrations')).toEqual([
      { migration_name: '001-one' },
    ])
  }
})

test.each(['0', '-1', '1.5', 'many', '1001', ''])(
  '--concurrency %s is refused before anything is connected to',
  async (value) => {
    await using project = createProject({ env: { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' } })

    const result = await project.run(['status', `--concurrency=${value}`])

    expect(result.exitCode).toBe(2)
    expect(result.stderr).toContain('--concurrency')
  },
)

interface Databases extends AsyncDisposable {
  readonly all: readonly TestDatabase[]
  /** The variables that name them, through whoever listens on `port`. */
  urls(port: number): Record<string, string>
}

async function createDatabases(count: number): Promise<Databases> {
  const all: TestDatabase[] = []
  for (let made = 0; made < count; made++) all.push(await createDatabase('crowd'))
  return {
    all,
    urls: (port) =>
      Object.fromEntries(
        all.map(({ url }, index) => {
          const address = new URL(url)
          address.port = `${port}`
          return [`T${index + 10}_DATABASE_URL`, address.href]
        }),
      ),
    async [Symbol.asyncDispose]() {
      for (const database of all) await database.drop()
    },
  }
}
