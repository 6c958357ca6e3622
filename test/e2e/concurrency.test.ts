import { createHash } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { collect, createProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const EFFECTS = 'SELECT name, count(*)::int AS times FROM effect GROUP BY name ORDER BY name'
const HISTORY = 'SELECT migration_name, status FROM schema_migrations ORDER BY migration_name'

/** Ten migrations that each leave a row in a table without a key, so that running twice would show. */
const FILES = Object.fromEntries(
  Array.from({ length: 10 }, (_, index) => [
    `database/${index + 1}-step.sql`,
    `CREATE TABLE IF NOT EXISTS effect (name text);\nINSERT INTO effect VALUES ('step ${index + 1}');\nSELECT pg_sleep(0.02);\n`,
  ]),
)

async function expectEachOnce(database: TestDatabase): Promise<void> {
  const effects = await database.query(EFFECTS)
  expect(effects).toHaveLength(10)
  expect(effects.filter(({ times }) => times !== 1)).toEqual([])
  expect(await database.query(`SELECT count(*)::int AS rows FROM schema_migrations WHERE status = 'applied'`)).toEqual([
    { rows: 10 },
  ])
  expect(await database.query(`SELECT count(*)::int AS rows FROM schema_migrations_log WHERE event = 'apply'`)).toEqual(
    [{ rows: 10 }],
  )
}

test('two syncs at once: both end well, and each migration ran exactly once', async () => {
  await using dev = await createDatabase('dev')
  await using staging = await createDatabase('staging')
  await using project = createProject({
    files: FILES,
    env: { DATABASE_URL: dev.url, STAGING_DATABASE_URL: staging.url },
  })

  const results = await Promise.all([1, 2].map(() => project.run(['sync', '--yes', '--json'])))

  expect(results.map(({ exitCode, stdout }) => ({ exitCode, stdout }))).toMatchObject([
    { exitCode: 0 },
    { exitCode: 0 },
  ])
  for (const database of [dev, staging]) await expectEachOnce(database)
  const status = await project.run(['status', '--check'])
  expect(status.exitCode).toBe(0)
})

test('five syncs at once on a database that holds some already: each migration ran exactly once', async () => {
  await using dev = await createDatabase('dev')
  await using project = createProject({ files: FILES, env: { DATABASE_URL: dev.url } })
  await project.run(['sync', '--to', '3'])

  const results = await Promise.all([1, 2, 3, 4, 5].map(() => project.run(['sync', '--json'])))

  expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0, 0])
  const done = results.flatMap((result) => {
    const environments: readonly { readonly done: readonly { readonly name: string }[] }[] =
      result.json()['environments']
    return environments.flatMap(({ done: own }) => own.map(({ name }) => name))
  })
  expect(done.toSorted()).toEqual(['10-step', '4-step', '5-step', '6-step', '7-step', '8-step', '9-step'])
  await expectEachOnce(dev)
})

describe('a lock that a foreign session holds', () => {
  /** The key as src/drivers/postgres/lock.ts makes it; another release must find it there, so it may not change. */
  const KEY = createHash('sha256').update('migration-manager:public').digest().readBigInt64BE(0)
  const FEW = { 'database/1-a.sql': 'CREATE TABLE a (id int);\n' }
  const config = (lockWaitSeconds: number): Record<string, string> => ({
    'migration-manager.config.json': JSON.stringify({ timeouts: { lockWaitSeconds } }),
  })

  test('ends sync with 5, the holder named, and nothing written', async () => {
    await using dev = await createDatabase('dev')
    await using staging = await createDatabase('staging')
    await using project = createProject({
      files: { ...FEW, ...config(0) },
      env: { DATABASE_URL: dev.url, STAGING_DATABASE_URL: staging.url },
    })
    const [holder] = await dev.query(`SELECT pg_backend_pid() AS pid, pg_advisory_lock(${KEY})`)

    const human = await project.run(['sync', '--yes'])
    const json = await project.run(['sync', '--yes', '--json'])

    expect(human.exitCode).toBe(5)
    expect(human.stdout).toContain('lock/held')
    // Lines are not broken where nobody sees them break.
    expect(human.stdout).toContain(
      `Another run is at work on dev: pid ${String(holder?.['pid'])} (test-support, as postgres`,
    )
    expect(human.stdout).toMatch(/dev +nothing written, another run is at work/)
    expect(json.exitCode).toBe(5)
    expect(json.json()).toMatchObject({
      status: 'failed',
      environments: [
        { name: 'dev', status: 'locked', done: [], failed: { error: { code: 'lock/held' } } },
        { name: 'staging', status: 'skipped' },
      ],
    })
    for (const database of [dev, staging]) {
      expect(await database.query(`SELECT to_regclass('a') AS a, to_regclass('schema_migrations') AS history`)).toEqual(
        [{ a: null, history: null }],
      )
    }

    await dev.query(`SELECT pg_advisory_unlock(${KEY})`)
    expect((await project.run(['sync', '--yes'])).exitCode).toBe(0)
    expect(await dev.query(HISTORY)).toEqual([{ migration_name: '1-a', status: 'applied' }])
  })

  test('is not waited for with --lock-wait 0, whatever the configuration says', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({ files: { ...FEW, ...config(30) }, env: { DATABASE_URL: dev.url } })
    await dev.query(`SELECT pg_advisory_lock(${KEY})`)

    const { exitCode, stdout, stderr } = await project.run(['sync', '--lock-wait', '0'])

    expect(exitCode).toBe(5)
    expect(stdout).toContain('lock/held')
    expect(stderr).not.toContain('another run is at work')
    expect(await dev.query(`SELECT to_regclass('schema_migrations') AS history`)).toEqual([{ history: null }])
  })

  test('is waited for, and sync goes on when it is given back', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({ files: { ...FEW, ...config(30) }, env: { DATABASE_URL: dev.url } })
    await dev.query(`SELECT pg_advisory_lock(${KEY})`)
    const child = project.start(['sync'])
    let said = ''
    child.stderr.on('data', (text: string) => (said += text))
    const running = collect(child)
    await vi.waitFor(() => expect(said).toContain('dev: another run is at work: pid'), {
      timeout: 20_000,
      interval: 50,
    })
    expect(await dev.query(`SELECT to_regclass('schema_migrations') AS history`)).toEqual([{ history: null }])

    await dev.query(`SELECT pg_advisory_unlock(${KEY})`)
    const { exitCode, stdout } = await running

    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 })
    expect(await dev.query(HISTORY)).toEqual([{ migration_name: '1-a', status: 'applied' }])
  })

  test('does not stop status and plan, nor a sync that has nothing to do', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({ files: { ...FEW, ...config(0) }, env: { DATABASE_URL: dev.url } })
    await project.run(['sync'])
    await dev.query(`SELECT pg_advisory_lock(${KEY})`)

    const results = [await project.run(['status', '--check']), await project.run(['plan']), await project.run(['sync'])]

    expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0])
    expect(await dev.query(HISTORY)).toEqual([{ migration_name: '1-a', status: 'applied' }])
  })

  test('of another history schema does not matter', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({
      files: { ...FEW, ...config(0) },
      env: { DATABASE_URL: dev.url, MIGRATION_SCHEMA: 'migrations' },
    })
    await dev.query(`SELECT pg_advisory_lock(${KEY})`)

    const { exitCode } = await project.run(['sync'])

    expect(exitCode).toBe(0)
    expect(await dev.query('SELECT migration_name FROM migrations.schema_migrations')).toEqual([
      { migration_name: '1-a' },
    ])
  })
})

describe('a table that somebody else has locked', () => {
  const ALTER = { 'database/1-alter.sql': 'CREATE TABLE other (id int);\nALTER TABLE busy ADD name text;\n' }
  const CONFIG = { 'migration-manager.config.json': '{ "timeouts": { "lockSeconds": 1 } }' }

  test('is given time: the migration is tried again until it gets through', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({ files: { ...ALTER, ...CONFIG }, env: { DATABASE_URL: dev.url } })
    await dev.query('CREATE TABLE busy (id int)')
    await dev.query('BEGIN; LOCK TABLE busy IN ACCESS SHARE MODE')
    const child = project.start(['sync'])
    let said = ''
    child.stderr.on('data', (text: string) => (said += text))
    const running = collect(child)
    await vi.waitFor(() => expect(said).toContain('attempt 2 of 11'), { timeout: 20_000, interval: 50 })
    expect(said).toContain('dev: 1-alter: canceling statement due to lock timeout')

    await dev.query('COMMIT')
    const { exitCode, stdout } = await running

    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 })
    expect(await dev.query(HISTORY)).toEqual([{ migration_name: '1-alter', status: 'applied' }])
    expect(await dev.query('SELECT id, name FROM busy')).toEqual([])
  })

  test('does not keep ^C from ending the run at once', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({ files: { ...ALTER, ...CONFIG }, env: { DATABASE_URL: dev.url } })
    await dev.query('CREATE TABLE busy (id int)')
    await dev.query('BEGIN; LOCK TABLE busy IN ACCESS SHARE MODE')
    const child = project.start(['sync'])
    let said = ''
    child.stderr.on('data', (text: string) => (said += text))
    const running = collect(child)
    await vi.waitFor(() => expect(said).toContain('attempt 2 of 11'), { timeout: 20_000, interval: 50 })

    child.kill('SIGINT')
    const { exitCode, stdout } = await running

    expect(exitCode).toBe(130)
    expect(stdout).toContain('1-alter rolled back')
    await dev.query('COMMIT')
    expect(await dev.query(HISTORY)).toEqual([])
    expect(await dev.query(`SELECT to_regclass('other') AS other`)).toEqual([{ other: null }])
  })
})

test('what another run applies between two of our migrations is not applied again, and shown as applied', async () => {
  const others = 'CREATE TABLE theirs ();\n'
  const checksum = `sha256:${createHash('sha256').update(others).digest('hex')}`
  await using database = await createDatabase('overtaken')
  await using project = createProject({
    files: {
      // In place of the other run: its row is there before our second migration begins.
      'database/001-ours.sql': `CREATE TABLE ours ();\nINSERT INTO schema_migrations (migration_name, checksum, status, applied_at, applied_by) VALUES ('002-theirs', '${checksum}', 'applied', now(), 'other');\n`,
      'database/002-theirs.sql': others,
      'database/003-ours.sql': 'CREATE TABLE more ();\n',
    },
    env: { DATABASE_URL: database.url },
  })

  const result = await project.run(['sync', '--yes'])
  const after = await project.run(['status', '--all'])

  expect(result).toMatchObject({ exitCode: 0 })
  expect(result.stderr).toContain('applied 003-ours')
  expect(result.stdout).toContain('dev  2 migrations applied')
  expect(result.stdout).not.toContain('pending')
  expect(after.stdout).toContain('dev  3 applied')
  expect(
    await database.query("SELECT to_regclass('theirs')::text AS theirs, to_regclass('more')::text AS more"),
  ).toEqual([{ theirs: null, more: 'more' }])
  expect(
    await database.query(
      "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    ),
  ).toEqual([])
})
