import postgres from 'postgres'
import { describe, expect, test, vi } from 'vitest'
import { postgresDriver } from '../../src/drivers/postgres/index.ts'
import { openSession } from '../../src/drivers/postgres/session.ts'
import type { Session } from '../../src/drivers/postgres/session.ts'
import { connectTo, FRESH, makeMigration, run } from '../contract/suite.ts'
import { createProject } from '../support/cli.ts'
import { findPgBouncer, POOL_SIZE, startPooler } from '../support/pooler.ts'
import { endpointOf, whatWaits } from '../support/postgres-connection.ts'
import { createDatabase, testServer } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const VERSION = findPgBouncer()

const INDEX_FILES = {
  'database/001-items.sql': 'CREATE TABLE items (id int PRIMARY KEY, name text);\n',
  'database/002-index.sql': 'CREATE INDEX CONCURRENTLY items_name ON items (name);\n',
}

test.runIf(VERSION === null)('SKIPPED: everything that needs a PgBouncer (apt-get install pgbouncer)', ({ skip }) => {
  expect(process.env['CI'], 'in CI a missing PgBouncer is a failure').not.toBe('true')
  process.stderr.write('SKIPPED: all tests with a real PgBouncer. Install it: apt-get install pgbouncer\n')
  skip('PgBouncer is not installed')
})

describe.runIf(VERSION !== null)('through PgBouncer in session mode', () => {
  test('status, plan and sync work, and so does a migration that cannot run in a transaction', async () => {
    await using database = await createDatabase('pooled')
    await using pooler = await startPooler(testServer(), { mode: 'session' })
    await using project = createProject({ files: INDEX_FILES, env: { DATABASE_URL: pooler.urlOf(database) } })

    const results = []
    for (const args of [['plan'], ['sync', '--yes'], ['status', '--check']]) results.push(await project.run(args))

    expect(results.map(({ exitCode, stderr }) => (exitCode === 0 ? 0 : stderr))).toEqual([0, 0, 0])
    expect(await database.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'items_name'::regclass")).toEqual([
      { indisvalid: true },
    ])
    await expectNoTraces(pooler.urlOf(database), database)
  })

  test('the lock of the session lasts, and is held against a run on the direct connection', async () => {
    await using database = await createDatabase('pooled')
    await using pooler = await startPooler(testServer(), { mode: 'session' })
    await using pooled = await connectTo(postgresDriver, endpointOf(pooler.urlOf(database)))
    await using direct = await connectTo(postgresDriver, endpointOf(database.url), { limits: { lockWaitMs: 0 } })

    expect(await pooled.read()).toMatchObject({ keepsSession: true })
    await pooled.withLock(async (locked) => {
      await locked.history()
      await expect(direct.withLock((other) => other.history())).rejects.toMatchObject({ code: 'lock/held' })
    })
    await expect(direct.withLock((other) => other.history())).resolves.toEqual([])
  })

  test('a pool of one backend has none for the trial: the pooler is taken for one without sessions', async () => {
    await using database = await createDatabase('pooled')
    await using pooler = await startPooler(testServer(), { mode: 'session', settings: { default_pool_size: 1 } })
    await using connection = await connectTo(postgresDriver, endpointOf(pooler.urlOf(database)))

    expect(await connection.read()).toMatchObject({ keepsSession: false })
  })
})

describe.runIf(VERSION !== null)('through PgBouncer in transaction mode', () => {
  test.each([
    ['gives the last backend first', {}],
    ['goes round its backends', { server_round_robin: 1 }],
    ['cleans each backend before it is used again', { server_reset_query_always: 1 }],
    ['has one backend', { default_pool_size: 1 }],
  ])('a pooler that %s is seen to keep no session, quiet or busy', async (_, settings) => {
    await using database = await createDatabase('pooled')
    await using pooler = await startPooler(testServer(), { mode: 'transaction', settings })
    const url = pooler.urlOf(database)
    const read = async (): Promise<boolean> => {
      await using connection = await connectTo(postgresDriver, endpointOf(url))
      return (await connection.read()).keepsSession
    }

    const quiet = [await read(), await read()]
    await using _crowd = await createCrowd(url, 4)
    const busy = [await read(), await read(), await read(), await read()]

    expect(quiet).toEqual([false, false])
    expect(busy).toEqual([false, false, false, false])
  })

  test('eight runs at once apply twenty migrations exactly once each, and leave no lock or setting behind', async () => {
    await using database = await createDatabase('pooled')
    await using pooler = await startPooler(testServer(), { mode: 'transaction' })
    const url = pooler.urlOf(database)
    await using project = createProject({ env: { DATABASE_URL: url } })
    await database.query('CREATE TABLE effect (name text NOT NULL)')
    const names = Array.from({ length: 20 }, (_, index) => `${101 + index}-effect`)
    for (const name of names) {
      project.write(`database/${name}.sql`, `INSERT INTO effect VALUES ('${name}');\nSELECT pg_sleep(0.01);\n`)
    }

    const results = await Promise.all(Array.from({ length: 8 }, () => project.run(['sync', '--yes', '--json'])))

    expect(results.map(({ exitCode, stdout }) => (exitCode === 0 ? 0 : stdout))).toEqual(Array(8).fill(0))
    const done = results.flatMap((result) =>
      result.json()['environments'][0].done.map(({ name }: { name: string }) => name),
    )
    expect(done).toHaveLength(20)
    expect(new Set(done)).toEqual(new Set(names))
    expect((await database.query('SELECT name FROM effect ORDER BY name')).map(({ name }) => name)).toEqual(names)
    expect(
      await database.query("SELECT count(*)::int AS applied FROM schema_migrations WHERE status = 'applied'"),
    ).toEqual([{ applied: 20 }])
    await expectNoTraces(url, database)
  })

  test('status and plan tell what sync then does', async () => {
    await using database = await createDatabase('pooled')
    await using pooler = await startPooler(testServer(), { mode: 'transaction' })
    await using project = createProject({
      files: { 'database/001-items.sql': 'SET search_path = pg_catalog;\nCREATE TABLE public.items (id int);\n' },
      env: { DATABASE_URL: pooler.urlOf(database) },
    })

    const plan = await project.run(['plan', '--json'])
    const sync = await project.run(['sync', '--yes', '--json'])
    const status = await project.run(['status', '--json'])

    expect(plan.json()).toMatchObject({ status: 'planned', environments: [{ left: [{ name: '001-items' }] }] })
    expect(sync.json()).toMatchObject({ status: 'applied', environments: [{ done: [{ name: '001-items' }] }] })
    expect(status.json()).toMatchObject({ inSync: true, environments: [{ applied: 1, pending: 0 }] })
    await expectNoTraces(pooler.urlOf(database), database)
  })

  test('an interruption does not bring the pooler down', async () => {
    await using database = await createDatabase('pooled')
    await using pooler = await startPooler(testServer(), { mode: 'transaction' })
    await database.query('SELECT pg_advisory_lock(4711)')
    const slow = makeMigration('001-slow', 'SELECT pg_advisory_xact_lock(4711);')

    for (let time = 0; time < 6; time++) {
      const interruption = new AbortController()
      await using connection = await connectTo(postgresDriver, endpointOf(pooler.urlOf(database)), {
        signal: interruption.signal,
      })
      const running = run(connection, [slow], FRESH)
      await vi.waitFor(async () => expect(await whatWaits(database)).toEqual(['advisory']), 10_000)
      interruption.abort()
      expect(await running).toMatchObject({ kind: 'failed', failed: { error: { code: 'run/interrupted' } } })
    }
  })

  test('a failed migration is rolled back and leaves nothing on the backend', async () => {
    await using database = await createDatabase('pooled')
    await using pooler = await startPooler(testServer(), { mode: 'transaction' })
    const file = 'database/001-items.sql'
    await using project = createProject({
      files: { [file]: "CREATE TABLE items (id int);\nSET lock_timeout = '77s';\nSELECT 1 / 0;\n" },
      env: { DATABASE_URL: pooler.urlOf(database) },
    })

    const failed = await project.run(['sync', '--yes', '--json'])

    expect(failed).toMatchObject({ exitCode: 1 })
    expect(failed.json()['environments'][0].failed.error).toMatchObject({ code: '22012', file, line: 3 })
    expect(await database.query("SELECT to_regclass('items') AS items")).toEqual([{ items: null }])
    await expectNoTraces(pooler.urlOf(database), database)
  })

  test('a migration that cannot run in a transaction is refused with exit 8 before anything is written', async () => {
    await using database = await createDatabase('pooled')
    await using pooler = await startPooler(testServer(), { mode: 'transaction' })
    await using project = createProject({ files: INDEX_FILES, env: { DATABASE_URL: pooler.urlOf(database) } })

    const result = await project.run(['sync', '--yes', '--json'])

    expect(result).toMatchObject({ exitCode: 8 })
    expect(result.json()).toMatchObject({
      status: 'blocked',
      findings: expect.arrayContaining([
        expect.objectContaining({
          code: 'target/pooler-mode',
          severity: 'block',
          environment: 'dev',
          migration: '002-index',
          hint: expect.stringContaining('the direct connection or the session pooler into DATABASE_URL'),
        }),
      ]),
    })
    expect(await database.query("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")).toEqual([])
  })

  test('so says whoever runs it without the checks, with the variable to put another connection into', async () => {
    await using database = await createDatabase('pooled')
    await using pooler = await startPooler(testServer(), { mode: 'transaction' })
    await using connection = await connectTo(postgresDriver, endpointOf(pooler.urlOf(database)))

    const result = await run(connection, [makeMigration('001-vacuum', 'VACUUM;')], FRESH)

    expect(result).toMatchObject({
      kind: 'failed',
      failed: {
        error: {
          code: 'target/pooler-mode',
          hint: expect.stringContaining('the direct connection or the session pooler into DEV_DATABASE_URL in .env'),
        },
      },
    })
  })
})

describe.runIf(VERSION !== null)('through PgBouncer in statement mode', () => {
  test('a migration is one message, so it is applied as a whole or not at all even there', async () => {
    await using database = await createDatabase('pooled')
    await using pooler = await startPooler(testServer(), { mode: 'statement' })
    await using project = createProject({
      files: {
        'database/001-items.sql': 'CREATE TABLE items (id int);\nINSERT INTO items VALUES (1);\n',
        'database/002-bad.sql': 'INSERT INTO items VALUES (2);\nSELECT 1 / 0;\n',
      },
      env: { DATABASE_URL: pooler.urlOf(database) },
    })

    const result = await project.run(['sync', '--yes', '--json'])

    // The pooler hangs up before the server's own words about the failure are through.
    expect(result).toMatchObject({ exitCode: 1 })
    expect(result.json()).toMatchObject({
      status: 'failed',
      environments: [{ done: [{ name: '001-items' }], failed: { name: '002-bad' }, left: [] }],
    })
    expect(await database.query('SELECT migration_name FROM schema_migrations')).toEqual([
      { migration_name: '001-items' },
    ])
    expect(await database.query('SELECT id FROM items')).toEqual([{ id: 1 }])
  })
})

/** Clients that keep a pooler busy with short queries until they are disposed of. */
async function createCrowd(url: string, size: number): Promise<AsyncDisposable> {
  const sql = postgres(url, { max: size, fetch_types: false, prepare: false })
  const end = new AbortController()
  const work = async (): Promise<void> => {
    while (!end.signal.aborted) await sql.unsafe('SELECT pg_sleep(random() * 0.005)').simple()
  }
  const working = Array.from({ length: size }, work)
  await sql.unsafe('SELECT 1').simple()
  return {
    async [Symbol.asyncDispose]() {
      end.abort()
      await Promise.all(working)
      await sql.end()
    },
  }
}

const TRACES = `SELECT pg_backend_pid()::text, concat_ws(' ', current_setting('lock_timeout'), current_setting('statement_timeout'),
  current_setting('idle_in_transaction_session_timeout'), current_setting('client_connection_check_interval'),
  current_setting('tcp_keepalives_idle') = '30', current_setting('tcp_user_timeout'),
  current_setting('search_path'), current_setting('row_security'), session_user, current_user)`

/** Every backend of the pool has the server's own settings, and nobody holds an advisory lock or an open transaction. */
async function expectNoTraces(url: string, database: TestDatabase): Promise<void> {
  const own = '(SELECT oid FROM pg_database WHERE datname = current_database())'
  const locks = await database.query(`SELECT * FROM pg_locks WHERE locktype = 'advisory' AND database = ${own}`)
  const open = await database.query(
    `SELECT * FROM pg_stat_activity WHERE datid = ${own} AND state LIKE 'idle in transaction%'`,
  )
  const backends = await database.query(
    `SELECT pid::text FROM pg_stat_activity WHERE datid = ${own} AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
  )
  const seen = new Map<string, string>()
  const sessions: Session[] = []
  for (let client = 0; client < POOL_SIZE; client++) {
    // An open transaction keeps its backend in every mode, so the next client is shown another one.
    const { session, rows } = await openSession(endpointOf(url), `BEGIN;${TRACES}`, {
      connectMs: 10_000,
      signal: new AbortController().signal,
    })
    sessions.push(session)
    seen.set(rows[0]?.[0] ?? '', rows[0]?.[1] ?? '')
  }
  for (const session of sessions) session.destroy()

  expect(locks).toEqual([])
  expect(open).toEqual([])
  expect(seen.size).toBe(POOL_SIZE)
  expect([...seen.keys()]).toEqual(expect.arrayContaining(backends.map(({ pid }) => pid)))
  expect(new Set(seen.values())).toEqual(new Set(['0 0 0 0 f 0 "$user", public on postgres postgres']))
}
