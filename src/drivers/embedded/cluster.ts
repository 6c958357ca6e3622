import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { MigrationManagerError } from '../../core/errors.ts'
import type { Binaries } from './binaries.ts'
import { APPENDING, NEW, openOwnFile } from './own-file.ts'
import { type Launcher, type ServerUser, spawnAs } from './server-user.ts'
import { hasCode } from './system-error.ts'

export interface ClusterOptions {
  readonly binaries: Binaries
  readonly launcher: Launcher
  /** The data directory to be. Its parent must exist. */
  readonly dataDir: string
  /** Password of `postgres` for TCP connections. Without it only local sockets can log in, without any. */
  readonly password?: string
}

/** True if there is a complete cluster (a folder of databases) at `dataDir`. */
export function clusterExists(dataDir: string): boolean {
  return existsSync(join(dataDir, 'PG_VERSION'))
}

/** The PostgreSQL major version that wrote the cluster. */
export function clusterVersion(dataDir: string): number {
  return Number.parseInt(readFileSync(join(dataDir, 'PG_VERSION'), 'utf8'), 10)
}

/**
 * Makes a cluster with the superuser `postgres`, UTF-8, and code point order wherever PostgreSQL is run.
 * It appears at `dataDir` complete or not at all: what a crash leaves has another name and is removed by the next call.
 * Only one process may do this for one `dataDir` at a time. Throws `embedded/start-failed`.
 */
export async function createCluster(options: ClusterOptions): Promise<void> {
  const { dataDir, launcher, password } = options
  const prefix = `${dataDir}.new-`
  for (const name of readdirSync(dirname(dataDir))) {
    const path = join(dirname(dataDir), name)
    if (path.startsWith(prefix)) rmSync(path, { recursive: true, force: true })
  }
  const unfinished = `${prefix}${randomBytes(4).toString('hex')}`
  const cluster = join(unfinished, 'data')
  for (const folder of [unfinished, cluster]) mkdirSync(folder, { mode: 0o700 })
  for (const folder of [cluster, unfinished]) lchownSync(folder, launcher.user.uid, launcher.user.gid)
  const authentication = ['--auth-local=trust', `--auth-host=${password === undefined ? 'reject' : 'scram-sha-256'}`]
  if (password !== undefined) {
    const file = join(unfinished, 'password')
    write(file, NEW, password, launcher.user)
    authentication.push(`--pwfile=${file}`)
  }
  try {
    await runInitdb(options, [
      '--pgdata',
      cluster,
      '--username=postgres',
      '--encoding=UTF8',
      // The built-in provider (PostgreSQL 17) knows upper and lower case of every letter, which plain C does not.
      ...(launcher.majorVersion >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : []),
      '--locale=C',
      // The write-ahead log of an idle server is one segment, by default of 16 MB: more than all its data.
      '--wal-segsize=1',
      ...authentication,
    ])
    // Not with initdb's own --set, which only PostgreSQL 16 and later know.
    write(join(cluster, 'postgresql.conf'), APPENDING, "timezone = 'UTC'\nlog_timezone = 'UTC'\n", launcher.user)
    renameSync(cluster, dataDir)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

function write(file: string, how: number, content: string, user: ServerUser): void {
  const fd = openOwnFile(file, how, user)
  try {
    writeSync(fd, content)
  } finally {
    closeSync(fd)
  }
}

async function runInitdb({ binaries, launcher }: ClusterOptions, args: readonly string[]): Promise<void> {
  const child = spawnAs(launcher, binaries.initdb, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  try {
    child.stdout?.resume()
    const complaint = child.stderr === null ? '' : text(child.stderr)
    if ((await exited) === 0) return
    throw new MigrationManagerError(
      'embedded/start-failed',
      `initdb could not create the embedded PostgreSQL server:\n${(await complaint).trim()}`,
    )
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'EACCES')) throw error
    throw new MigrationManagerError('embedded/start-failed', `${binaries.initdb} cannot be started.`, { cause: error })
  }
}
