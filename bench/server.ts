import { simpleQuery } from '../src/drivers/embedded/simple-query.ts'
import { createTestCluster } from '../test/support/cluster.ts'
import { findFreePort } from '../test/support/free-port.ts'

/** A PostgreSQL server that lives as long as the benchmark; over TCP it asks for a password (SCRAM), without TLS. */
export interface BenchServer extends AsyncDisposable {
  readonly port: number
  readonly version: string
  /** For files of the benchmark; it goes when the server goes. */
  readonly folder: string
  /** As a copy of `template`, if one is given. */
  createDatabase(name: string, template?: string): Promise<void>
  dropDatabase(name: string): Promise<void>
  /** The first value that a query gives, as text. */
  ask(database: string, sql: string): Promise<string | null>
  /** The connection string of a database, through whoever listens on `port`. */
  urlOf(database: string, port: number): string
}

/**
 * Starts a server with PostgreSQL's own settings (a commit waits for the disk, as it does for a user), but for room for
 * 100 databases that are spoken to at once.
 */
export async function startServer(): Promise<BenchServer> {
  const starting = start()
  // Interrupted, it leaves neither a server nor its folder behind.
  const stop = async (): Promise<never> => {
    await (await starting)[Symbol.asyncDispose]()
    process.exit(1)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop())
  return starting
}

async function start(): Promise<BenchServer> {
  // On the disk, whatever the tests are told: a commit is to wait for it.
  const cluster = await createTestCluster({ name: 'bench', isOnDisk: true })
  try {
    const { folder, password } = cluster
    const port = await findFreePort()
    const server = await cluster.start(port, { max_connections: '150' })
    const ask = async (database: string, sql: string): Promise<string | null> =>
      (await simpleQuery({ socketPath: server.socketPath, database, sql, timeoutMs: 60_000 }))[0]?.[0] ?? null
    return {
      port,
      folder,
      version: (await ask('postgres', 'SHOW server_version')) ?? '',
      ask,
      async createDatabase(name, template = 'template0') {
        await ask('postgres', `CREATE DATABASE ${name} TEMPLATE ${template}`)
      },
      async dropDatabase(name) {
        await ask('postgres', `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
      },
      urlOf: (database, through) => `postgres://postgres:${password}@127.0.0.1:${through}/${database}`,
      async [Symbol.asyncDispose]() {
        await server.stop()
        cluster.remove()
      },
    }
  } catch (cause) {
    cluster.remove()
    throw cause
  }
}
