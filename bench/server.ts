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
  createDatabase(name: string): Promise<void>
  dropDatabase(name: string): Promise<void>
  /** The connection string of a database, through whoever listens on `port`. */
  urlOf(database: string, port: number): string
}

/** Starts a server with PostgreSQL's own settings: a commit waits for the disk, as it does for a user. */
export async function startServer(): Promise<BenchServer> {
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
      settings: { listen_addresses: '127.0.0.1', port: `${port}` },
    })
    closeSync(logFd)
    const ask = (sql: string): ReturnType<typeof simpleQuery> =>
      simpleQuery({ socketPath: server.socketPath, database: 'postgres', sql, timeoutMs: 60_000 })
    return {
      port,
      folder,
      version: (await ask('SHOW server_version'))[0]?.[0] ?? '',
      async createDatabase(name) {
        await ask(`CREATE DATABASE ${name} TEMPLATE template0`)
      },
      async dropDatabase(name) {
        await ask(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
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
