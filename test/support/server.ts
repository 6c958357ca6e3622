import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { inject } from 'vitest'
import type { TestServer } from './server.setup.ts'

/** A database of its own for one test, on the test run's server. `await using` drops it. */
export interface TestDatabase extends AsyncDisposable {
  readonly name: string
  /** Over TCP, with a password. */
  readonly url: string
  /** Over the Unix socket, without a password; in the form that libpq and psql understand. */
  readonly socketUrl: string
  readonly server: TestServer
  /** Runs one or more statements as `postgres` and resolves with the rows of the last one that has any. */
  query(sql: string): Promise<readonly Record<string, unknown>[]>
  /** Drops the database, also when others are still connected to it. May be called twice. */
  drop(): Promise<void>
}

/** The test run's server. Only in tests of the project "server". */
export function testServer(): TestServer {
  return inject('server')
}

/** Makes an empty database. `prefix` only helps a person who looks at the server's log. */
export async function createDatabase(prefix: string = 'test'): Promise<TestDatabase> {
  const server = testServer()
  const name = `${prefix}_${randomBytes(6).toString('hex')}`
  await runAlone(server, 'postgres', `CREATE DATABASE "${name}" TEMPLATE template0`)

  // Opened by the first query: many tests need none of their own.
  const sql = connectTo(server, name)
  const drop = async (): Promise<void> => {
    await sql.end({ timeout: 1 })
    await runAlone(server, 'postgres', `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)
  }
  return {
    name,
    url: `postgres://${server.user}:${server.password}@${server.host}:${server.port}/${name}`,
    socketUrl: `postgres://${server.user}@/${name}?host=${encodeURIComponent(server.socketDir)}&port=${server.port}`,
    server,
    query: (statements) => lastRows(sql, statements),
    drop,
    [Symbol.asyncDispose]: drop,
  }
}

async function runAlone(server: TestServer, database: string, statement: string): Promise<void> {
  const sql = connectTo(server, database)
  try {
    await sql.unsafe(statement)
  } finally {
    await sql.end({ timeout: 1 })
  }
}

async function lastRows(sql: postgres.Sql, statements: string): Promise<readonly Record<string, unknown>[]> {
  const result: unknown = await sql.unsafe(statements).simple()
  if (!Array.isArray(result)) return []
  // Several statements give an array of results, one gives its rows.
  const results = result.some(Array.isArray) ? result.filter(Array.isArray) : [result]
  return [...(results.findLast((rows) => rows.length > 0) ?? [])]
}

function connectTo(server: TestServer, database: string): postgres.Sql {
  return postgres({
    path: server.socketPath,
    user: server.user,
    database,
    max: 1,
    fetch_types: false,
    onnotice: () => {},
    connection: { application_name: 'test-support' },
  })
}
