import { expect, test, vi } from 'vitest'
import { postgresDriver } from '../../src/drivers/postgres/index.ts'
import { parsePostgresUrl } from '../../src/drivers/postgres/url.ts'
import type { PostgresEndpoint } from '../../src/drivers/postgres/url.ts'
import { createDatabase } from '../support/server.ts'
import { describeDriver } from './driver.ts'
import { connectTo, FRESH, makeMigration, run } from './suite.ts'
import type { ContractDatabase } from './suite.ts'
import { createProxy } from './proxy.ts'

/** A migration that waits asks for this advisory lock; the suite's own session holds it until `release`. */
const GATE = 4711

const WAITING = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = ${GATE} AND NOT granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

/** Everything of the database that is not PostgreSQL's own, and each table's content. */
const CONTENTS = `SELECT COALESCE(string_agg(relname || ':' || query_to_xml('SELECT * FROM ' || oid::regclass, true, true, '')::text, E'\\n' ORDER BY relname), '') AS contents
  FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`

describeDriver('postgres', postgresDriver, openDatabase)

test('a syntax error in one of many files keeps those before it, and is found in its own file', async () => {
  await using database = await openDatabase()
  await using connection = await connectTo(postgresDriver, database.endpoint)

  const result = await run(
    connection,
    [
      makeMigration('001-a', database.textOf('001-a', 'works')),
      makeMigration('002-b', `SELECT '🎉';\nSELECT 'é🎉', 1 FROM WHERE;\n`),
      makeMigration('003-c', database.textOf('003-c', 'works')),
    ],
    FRESH,
  )

  expect(result).toMatchObject({
    kind: 'failed',
    done: [{ name: '001-a' }],
    failed: {
      name: '002-b',
      error: { engineCode: '42601', at: { file: 'database/002-b.sql', line: 2, column: 21 } },
    },
  })
  expect(await database.effects()).toEqual(['001-a'])
})

test('a run that is interrupted while its opening waits gives the lock back', async () => {
  await using database = await openDatabase()
  const interruption = new AbortController()
  await using connection = await connectTo(postgresDriver, database.endpoint, { signal: interruption.signal })
  await connection.prepare({ rename: false })
  await database.query('BEGIN; LOCK TABLE schema_migrations_log')

  const running = run(connection, [makeMigration('001-a', database.textOf('001-a', 'works'))], FRESH)
  await until(async () => expect(await database.query('SELECT FROM pg_locks WHERE NOT granted')).toHaveLength(1))
  interruption.abort()

  expect(await running).toMatchObject({ kind: 'failed', done: [], failed: { error: { code: 'run/interrupted' } } })
  await database.query('ROLLBACK')
  await using other = await connectTo(postgresDriver, database.endpoint, { limits: { lockWaitMs: 0 } })
  await expect(other.withLock((locked) => locked.history())).resolves.toEqual([])
})

test('a connection that breaks while the server works on: what the server commits later counts, and is not run again', async () => {
  await using database = await openDatabase()
  const waits: string[] = []
  await using connection = await connectTo(postgresDriver, database.endpoint, {
    emit: (event) => void (event.type === 'waiting' && waits.push(event.what)),
  })

  const running = run(connection, [makeMigration('001-a', database.textOf('001-a', 'waits'))], FRESH)
  await database.whenWaiting()
  database.cut()
  await until(async () => expect(waits.some((what) => what.startsWith('another run is at work'))).toBe(true))
  await database.release()

  expect(await running).toMatchObject({ kind: 'done', done: [{ name: '001-a' }] })
  expect(await database.effects()).toEqual(['001-a'])
})

/** What the tests of this engine alone need besides. */
interface PostgresDatabase extends ContractDatabase<PostgresEndpoint> {
  query(sql: string): Promise<readonly Record<string, unknown>[]>
  /** Breaks the connection on the way; the server does not notice at once. */
  cut(): void
}

async function openDatabase(): Promise<PostgresDatabase> {
  const database = await createDatabase('contract')
  const proxy = await createProxy(database.server.port)
  await database.query(`CREATE SCHEMA contract; CREATE TABLE contract.effect (id serial, name text NOT NULL);
    SELECT pg_advisory_lock(${GATE})`)
  const url = parsePostgresUrl(database.url.replace(`:${database.server.port}/`, `:${proxy.port}/`), {
    projectDir: '/nowhere',
  })
  if (!url.ok) throw new Error(url.message)

  const release = async (): Promise<void> => {
    await database.query(`SELECT pg_advisory_unlock(${GATE})`)
  }
  const effects = async (): Promise<readonly string[]> =>
    (await database.query('SELECT name FROM contract.effect ORDER BY id')).map((row) => String(row['name']))

  return {
    endpoint: url.endpoint,
    query: (sql) => database.query(sql),
    cut: () => proxy.cut(),
    textOf(name, behaviour) {
      const effect = `INSERT INTO contract.effect (name) VALUES (${literal(name)});\n`
      if (behaviour === 'fails') return `${effect}SELECT 1 / 0;\n`
      return behaviour === 'waits' ? `${effect}SELECT pg_advisory_xact_lock_shared(${GATE});\n` : effect
    },
    effects,
    async contents() {
      const [row] = await database.query(CONTENTS)
      return String(row?.['contents'])
    },
    async tamper(name, checksum) {
      await database.query(
        `UPDATE schema_migrations SET checksum = ${literal(checksum)} WHERE migration_name = ${literal(name)}`,
      )
    },
    async whenWaiting() {
      await until(async () => expect(await database.query(WAITING)).toHaveLength(1))
    },
    release,
    async terminate() {
      const [row] = await database.query(WAITING)
      const pid = Number(row?.['pid'])
      await database.query(`SELECT pg_terminate_backend(${pid})`)
      await until(async () =>
        expect(await database.query(`SELECT FROM pg_stat_activity WHERE pid = ${pid}`)).toEqual([]),
      )
    },
    async commitUnheard(name) {
      proxy.muffle()
      await release()
      await until(async () => expect(await effects()).toContain(name))
      proxy.cut()
    },
    setReachable: (isReachable) => proxy.setReachable(isReachable),
    async [Symbol.asyncDispose]() {
      await database.drop()
      await proxy[Symbol.asyncDispose]()
    },
  }
}

function until(condition: () => Promise<void>): Promise<void> {
  return vi.waitFor(condition, { timeout: 10_000, interval: 10 })
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
