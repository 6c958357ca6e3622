import { expect, vi } from 'vitest'
import { postgresDriver } from '../../src/drivers/postgres/index.ts'
import { parsePostgresUrl } from '../../src/drivers/postgres/url.ts'
import type { PostgresEndpoint } from '../../src/drivers/postgres/url.ts'
import { createDatabase } from '../support/server.ts'
import { describeDriver } from './driver.ts'
import type { ContractDatabase } from './driver.ts'
import { createProxy } from './proxy.ts'

/** A migration that waits asks for this advisory lock; the suite's own session holds it until `release`. */
const GATE = 4711

const WAITING = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = ${GATE} AND NOT granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

/** Everything of the database that is not PostgreSQL's own, and each table's content. */
const CONTENTS = `SELECT COALESCE(string_agg(relname || ':' || query_to_xml('SELECT * FROM ' || oid::regclass, true, true, '')::text, E'\\n' ORDER BY relname), '') AS contents
  FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`

describeDriver('postgres', postgresDriver, openDatabase)

async function openDatabase(): Promise<ContractDatabase<PostgresEndpoint>> {
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
