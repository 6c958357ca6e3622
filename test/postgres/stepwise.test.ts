import { describe, expect, test, vi } from 'vitest'
import type { Connection } from '../../src/core/driver.ts'
import type { RunEvent } from '../../src/core/event.ts'
import type { Migration } from '../../src/core/migration.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import { planSync } from '../../src/core/plan.ts'
import { syncTarget } from '../../src/runner/sync-target.ts'
import { makeMigration } from '../contract/suite.ts'
import type { ConnectOptions } from '../contract/suite.ts'
import { createProxy } from '../contract/proxy.ts'
import { connectPostgres, whatWaits } from '../support/postgres-connection.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

/** What a later sync must be able to rely on: which of the steps are done, told by the server and not by what is there. */
describe('a step that the server refuses, because what it is for is so already', () => {
  test.each([
    ['DROP INDEX CONCURRENTLY t_odl;', '42704'],
    ['CREATE DATABASE postgres;', '42P04'],
    ['DROP DATABASE nowhere_at_all;', '3D000'],
    ['ALTER TABLE p DETACH PARTITION t CONCURRENTLY;', '42P01'],
  ])('%s fails with %s, again and again, and is never applied', async (text, engineCode) => {
    await using database = await createDatabase('steps')
    await database.query(
      'CREATE TABLE t (id int); CREATE INDEX t_old ON t (id); CREATE TABLE p (id int) PARTITION BY LIST (id)',
    )
    const files = [makeMigration('001-refused', text)]

    const first = await sync(database, files)
    const second = await sync(database, files)

    for (const outcome of [first, second]) {
      expect(outcome).toMatchObject({ status: 'failed', failed: { isResumable: false, error: { engineCode } } })
    }
    expect(await rows(database)).toEqual([])
  })

  test('at a later step it keeps its place there, and is refused again', async () => {
    await using database = await createDatabase('steps')
    await database.query('CREATE TABLE t (id int); CREATE INDEX t_old ON t (id)')
    const text = 'CREATE INDEX CONCURRENTLY t_new ON t (id);\nDROP INDEX CONCURRENTLY t_odl;'
    const files = [makeMigration('001-refused', text)]

    const outcomes = [await sync(database, files), await sync(database, files), await sync(database, files)]

    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({
        status: 'failed',
        failed: {
          isResumable: true,
          error: { engineCode: '42704', hint: expect.stringContaining('Steps 1 to 1 of 2') },
        },
      })
    }
    expect(await rows(database)).toEqual([{ migration_name: '001-refused', status: 'started', step: 1 }])
  })

  test('once it can be carried out, the next run does so', async () => {
    await using database = await createDatabase('steps')
    await database.query('CREATE TABLE t (id int)')
    const text = 'CREATE INDEX CONCURRENTLY t_new ON t (id);\nDROP INDEX CONCURRENTLY t_old;'
    const files = [makeMigration('001-refused', text)]

    await sync(database, files)
    await database.query('CREATE INDEX t_old ON t (id)')
    const outcome = await sync(database, files)

    expect(outcome).toMatchObject({ status: 'applied', done: [{ name: '001-refused' }] })
    expect(await indexes(database)).toEqual(['t_new'])
  })
})

describe('a step that was never sent is not in doubt', () => {
  /** The second step waits for nothing: the run is interrupted, or loses its connection, before it is sent. */
  const files = (second: string): readonly Migration[] => [
    makeMigration('001-two', `-- migration: no-transaction\nCREATE TABLE one (x int);\n${second}`),
  ]
  const BATCH = 'DO $$ BEGIN CREATE TABLE two (x int); COMMIT; END $$;'

  test('after an interruption before it, the next run carries it out', async () => {
    await using database = await createDatabase('steps')
    const interruption = new AbortController()

    const interrupted = await sync(database, files(BATCH), {
      signal: interruption.signal,
      emit: (event) => void (event.type === 'statement-started' && event.statement === 2 && interruption.abort()),
    })
    const again = await sync(database, files(BATCH))

    expect(interrupted).toMatchObject({ status: 'failed', failed: { error: { code: 'run/interrupted' } } })
    expect(again).toMatchObject({ status: 'applied', done: [{ name: '001-two' }] })
  })

  test('one that the server refuses is refused still, whoever is interrupted before it', async () => {
    await using database = await createDatabase('steps')
    await database.query('CREATE TABLE t (id int); CREATE INDEX t_old ON t (id)')
    const typo = files('DROP INDEX CONCURRENTLY t_odl;')
    const outcomes = []

    for (const isInterrupted of [false, true, false]) {
      const interruption = new AbortController()
      const outcome = await sync(database, typo, {
        signal: interruption.signal,
        emit: (event) => void (isInterrupted && event.type === 'statement-started' && interruption.abort()),
      })
      outcomes.push([outcome.status, outcome.failed?.error.engineCode ?? outcome.failed?.error.code])
    }

    expect(outcomes).toEqual([
      ['failed', '42704'],
      ['failed', 'run/interrupted'],
      ['failed', '42704'],
    ])
  })

  test('nor is it when the answer to the step before it was lost', async () => {
    await using database = await createDatabase('steps')
    await using proxy = await createProxy(database.server.port)
    await using connection = await connect(database, {}, proxy.port)
    await connection.prepare({ rename: false })
    await database.query('SELECT pg_advisory_lock(4711)')
    const gated = makeMigration(
      '001-two',
      `-- migration: no-transaction\nSELECT pg_advisory_xact_lock(4711);\n${BATCH}`,
    )

    const running = syncOver(connection, [gated])
    await vi.waitFor(async () => expect(await whatWaits(database)).toEqual(['advisory']), 10_000)
    proxy.muffle()
    await database.query('SELECT pg_advisory_unlock(4711)')
    await vi.waitFor(async () => expect(await rows(database)).toMatchObject([{ step: 1 }]), 10_000)
    proxy.cut()

    expect(await running).toMatchObject({ status: 'applied', done: [{ name: '001-two' }] })
  })
})

test('CREATE INDEX CONCURRENTLY IF NOT EXISTS over an index of another table is not applied', async () => {
  await using database = await createDatabase('steps')
  await database.query('CREATE TABLE t (id int); CREATE TABLE other (id int); CREATE INDEX i ON other (id)')

  const outcome = await sync(database, [makeMigration('001-i', 'CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (id);')])

  expect(outcome).toMatchObject({ status: 'failed', failed: { error: { engineCode: '42P07' } } })
  expect(await rows(database)).toEqual([])
})

describe('CREATE INDEX CONCURRENTLY over an index of that name', () => {
  test.each([
    ['CREATE INDEX CONCURRENTLY t_x ON t (nope);', 'failed'],
    ['CREATE INDEX CONCURRENTLY t_x ON t (lower(t.name));', 'failed'],
    ['CREATE INDEX CONCURRENTLY t_x ON t (id);', 'failed'],
    ['CREATE INDEX CONCURRENTLY t_x ON t (upper(t.name));', 'applied'],
    ['CREATE INDEX CONCURRENTLY t_x ON public.t (upper(name));', 'applied'],
  ])('%s: %s', async (text, status) => {
    await using database = await createDatabase('steps')
    await database.query('CREATE TABLE t (id int, name text); CREATE INDEX t_x ON t (upper(name))')

    const outcome = await sync(database, [makeMigration('001-index', text)])

    expect(outcome.status).toBe(status)
    expect(await rows(database)).toEqual(
      status === 'applied' ? [{ migration_name: '001-index', status: 'applied', step: 1 }] : [],
    )
  })
})

test('a migration of steps that another run was faster with is left out by the plan made anew', async () => {
  await using database = await createDatabase('steps')
  await database.query('CREATE TABLE t (id int)')
  const second = makeMigration('002-index', 'CREATE INDEX CONCURRENTLY t_id ON t (id);')
  const first = makeMigration(
    '001-faster',
    `INSERT INTO schema_migrations (migration_name, checksum, status, applied_at, applied_by)
     VALUES ('002-index', '${second.checksum}', 'applied', now(), 'another run');`,
  )

  const outcome = await sync(database, [first, second])

  expect(outcome).toMatchObject({ status: 'applied', done: [{ name: '001-faster' }], failed: null, left: [] })
})

test('an interrupted DO that commits in its middle is for a person to look at', async () => {
  await using database = await createDatabase('steps')
  await database.query('CREATE TABLE t (id int)')
  const batches = makeMigration(
    '001-batches',
    `-- migration: no-transaction
DO $$ BEGIN INSERT INTO t VALUES (1); COMMIT; PERFORM pg_sleep(20); INSERT INTO t VALUES (2); END $$;`,
  )
  const interruption = new AbortController()

  const running = sync(database, [batches], { signal: interruption.signal })
  await vi.waitFor(async () => expect(await database.query('SELECT * FROM t')).toHaveLength(1), 10_000)
  interruption.abort()
  const interrupted = await running
  const again = await sync(database, [batches])

  expect(interrupted).toMatchObject({
    status: 'failed',
    failed: {
      isResumable: true,
      error: {
        code: 'run/interrupted',
        hint: expect.stringMatching(/^Look whether it has committed a part .* repair abandon 001-batches --env dev/u),
      },
    },
  })
  expect(again).toMatchObject({ status: 'needs-person', failed: { error: { code: 'migration/undecided' } } })
})

test('a migration of steps that is interrupted before its claim has no row, and nothing says that it has', async () => {
  await using database = await createDatabase('steps')
  const interruption = new AbortController()
  await using connection = await connect(database, { signal: interruption.signal })
  await connection.prepare({ rename: false })
  // The claim waits for somebody who may have the row already.
  const files = [makeMigration('001-index', 'CREATE INDEX CONCURRENTLY t_id ON t (id);')]
  await database.query('CREATE TABLE t (id int)')
  await database.query(
    "BEGIN; INSERT INTO schema_migrations (migration_name, checksum, status, applied_by) VALUES ('001-index', 'x', 'started', 'x')",
  )

  const running = syncOver(connection, files)
  await vi.waitFor(async () => expect(await whatWaits(database)).toEqual(['transactionid']), 10_000)
  interruption.abort()
  const outcome = await running
  await database.query('ROLLBACK')

  expect(outcome).toMatchObject({
    status: 'failed',
    failed: { isResumable: false, error: { code: 'run/interrupted' } },
  })
  expect(await rows(database)).toEqual([])
})

test('a migration of steps whose last answer is lost is told as applied', async () => {
  await using database = await createDatabase('steps')
  await using proxy = await createProxy(database.server.port)
  const events: RunEvent[] = []
  // The last step waits until the log is locked; the last word waits for the log, and its answer gets lost.
  const files = [makeMigration('001-gate', '-- migration: no-transaction\nSELECT pg_advisory_xact_lock(4711);')]
  await using connection = await connect(database, { emit: (event) => void events.push(event) }, proxy.port)
  await connection.prepare({ rename: false })
  await database.query('SELECT pg_advisory_lock(4711)')

  const running = syncOver(connection, files)
  await vi.waitFor(async () => expect(await whatWaits(database)).toEqual(['advisory']), 10_000)
  await database.query('BEGIN; LOCK TABLE schema_migrations_log IN EXCLUSIVE MODE; SELECT pg_advisory_unlock(4711)')
  await vi.waitFor(async () => expect(await whatWaits(database)).toEqual(['relation']), 10_000)
  proxy.muffle()
  await database.query('COMMIT')
  await vi.waitFor(
    async () => expect(await rows(database)).toEqual([{ migration_name: '001-gate', status: 'applied', step: 1 }]),
    10_000,
  )
  proxy.cut()

  expect(await running).toMatchObject({ status: 'applied', done: [{ name: '001-gate' }] })
  expect(events).toContainEqual(expect.objectContaining({ type: 'migration-applied', migration: '001-gate' }))
})

test('a migration of steps goes no further when somebody took another one back while its connection was lost', async () => {
  await using database = await createDatabase('steps')
  await database.query('CREATE TABLE t (id int)')
  const files = [
    makeMigration('001-before', 'INSERT INTO t VALUES (1);'),
    makeMigration(
      '002-gate',
      '-- migration: no-transaction\nSELECT pg_advisory_xact_lock(4711);\nINSERT INTO t VALUES (2);',
    ),
  ]
  await database.query('SELECT pg_advisory_lock(4711)')

  const running = sync(database, files)
  await vi.waitFor(async () => expect(await whatWaits(database)).toEqual(['advisory']), 10_000)
  await database.query("DELETE FROM schema_migrations WHERE migration_name = '001-before'")
  await database.query(
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted",
  )
  await database.query('SELECT pg_advisory_unlock(4711)')

  expect(await running).toMatchObject({ status: 'blocked', done: [{ name: '001-before' }] })
  expect(await database.query('SELECT id FROM t')).toEqual([{ id: 1 }])
})

/** Syncs as the environment `dev`, over a connection of its own. */
async function sync(database: TestDatabase, files: readonly Migration[], options?: ConnectOptions): Promise<Outcome> {
  await using connection = await connect(database, options)
  return syncOver(connection, files)
}

async function syncOver(connection: Connection, files: readonly Migration[]): Promise<Outcome> {
  const { history } = await connection.read()
  const plan = (rowsNow: typeof history) => planSync('dev', files, rowsNow, { allow: new Set() })
  return syncTarget(connection, plan(history), plan, () => {})
}

/** Nothing is tried a second time. */
function connect(database: TestDatabase, options: ConnectOptions = {}, port?: number): Promise<Connection> {
  return connectPostgres(database, { ...options, limits: { lockRetries: 0, ...options.limits } }, port)
}

function rows(database: TestDatabase): Promise<readonly Record<string, unknown>[]> {
  return database.query('SELECT migration_name, status, step FROM schema_migrations ORDER BY 1')
}

async function indexes(database: TestDatabase): Promise<readonly unknown[]> {
  const found = await database.query("SELECT indexname FROM pg_indexes WHERE tablename = 't' ORDER BY 1")
  return found.map(({ indexname }) => indexname)
}
