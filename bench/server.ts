import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { findBinaries } from '../src/drivers/embedded/binaries.ts'
import { createCluster } from '../src/drivers/embedded/cluster.ts'
import { chooseServerUser, prepareLauncher } from '../src/drivers/embedded/server-user.ts'
import { spawnServer } from '../src/drivers/embedded/server.ts'
import { simpleQuery } from '../src/drivers/embedded/simple-query.ts'

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
  // Not the temporary folder of the environment: a socket's path has at most 107 bytes.
  const folder = mkdtempSync('/tmp/mm-bench-')
  try {
    const binaries = findBinaries(process.cwd())
    const user = chooseServerUser([])
    chownSync(folder, user.uid, user.gid)
    const launcher = prepareLauncher(user, binaries.postgres, folder)
    const dataDir = join(folder, 'data')
    const password = randomBytes(12).toString('hex')
    await createCluster({ binaries, launcher, dataDir, password })
    const port = await findFreePort()
    const logFd = openSync(join(folder, 'server.log'), 'a', 0o600)
    const server = await spawnServer({
      binaries,
      launcher,
      dataDir,
      socketDir: folder,
      logFd,
      timeoutMs: 30_000,
      settings: { listen_addresses: '127.0.0.1', port: `${port}`, max_connections: '150' },
    })
    closeSync(logFd)
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
        rmSync(folder, { recursive: true, force: true })
      },
    }
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true })
    throw cause
  }
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
