import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { MigrationManagerError } from '../../core/errors.ts'
import type { Binaries } from './binaries.ts'
import { type Launcher, spawnAs } from './server-user.ts'
import { hasCode } from './system-error.ts'

/** The name of the server's socket file; the number is PostgreSQL's default port and never a TCP port here. */
export const SOCKET_FILE = '.s.PGSQL.5432'

/** With it PostgreSQL locks its data directory; in the data directory. */
export const LOCK_FILE = 'postmaster.pid'

const SHUTDOWN_MS = 15_000

export interface ServerOptions {
  readonly binaries: Binaries
  readonly launcher: Launcher
  readonly dataDir: string
  /** A folder of the server's user; its path must be short, since a socket's path has at most 107 bytes. */
  readonly socketDir: string
  /** Further settings of postgresql.conf. `port` must stay 5432: it names the socket file, unless it is given here. */
  readonly settings?: Readonly<Record<string, string>>
  /** File descriptor that the server's log goes to. */
  readonly logFd: number
  readonly timeoutMs: number
}

export interface RunningServer {
  readonly pid: number
  readonly socketPath: string
  /** Resolves when the server has ended, for whatever reason. Never rejects. */
  readonly ended: Promise<void>
  /** A fast shutdown: open transactions are rolled back, then the server ends. Resolves when it has. */
  stop(): Promise<void>
}

/**
 * Starts a PostgreSQL server on a cluster and resolves when it answers. It listens on a socket in `socketDir` only,
 * unless the settings say otherwise. Throws `embedded/start-failed` if it ends, or does not answer within `timeoutMs`.
 */
export async function spawnServer(options: ServerOptions): Promise<RunningServer> {
  const settings = {
    listen_addresses: '',
    port: '5432',
    ...options.settings,
    unix_socket_directories: options.socketDir,
  }
  const child = spawnAs(
    options.launcher,
    options.binaries.postgres,
    ['-D', options.dataDir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { stdio: ['ignore', options.logFd, options.logFd] },
  )
  const ended = new Promise<void>((resolve) => {
    child.on('error', () => resolve())
    child.on('exit', () => resolve())
  })
  const hasEnded = (): boolean => child.pid === undefined || child.exitCode !== null || child.signalCode !== null
  const stop = async (): Promise<void> => {
    if (!hasEnded()) child.kill('SIGINT')
    await Promise.race([ended, pause(SHUTDOWN_MS, undefined, { ref: false })])
    // Without a checkpoint: the next start recovers from the write-ahead log.
    if (!hasEnded()) child.kill('SIGQUIT')
    await ended
  }
  const socketPath = join(options.socketDir, SOCKET_FILE.replace('5432', settings.port))
  const deadline = Date.now() + options.timeoutMs
  while (!hasEnded() && Date.now() < deadline) {
    const lock = readServerLock(options.dataDir)
    if (lock?.isReady === true && lock.pid === child.pid) return { pid: lock.pid, socketPath, ended, stop }
    await Promise.race([ended, pause(10)])
  }
  const reason = hasEnded() ? 'ended while it was starting' : `did not answer within ${options.timeoutMs / 1000} s`
  await stop()
  throw new MigrationManagerError('embedded/start-failed', `The embedded PostgreSQL server ${reason}.`)
}

export interface ServerLock {
  readonly pid: number
  readonly isReady: boolean
  /** Key and id of the System V shared memory segment, separated by spaces; absent while the server is starting. */
  readonly sharedMemory: string | undefined
}

/**
 * Reads the lock file: line 1 is the server's process id, line 7 its shared memory, line 8 its state (`starting`,
 * `ready`, `standby`, `stopping`, padded with spaces); see src/include/utils/pidfile.h in PostgreSQL's source.
 */
export function readServerLock(dataDir: string): ServerLock | undefined {
  try {
    const lines = readFileSync(join(dataDir, LOCK_FILE), 'utf8').split('\n')
    return { pid: Number(lines[0]), isReady: lines[7]?.trim() === 'ready', sharedMemory: lines[6]?.trim() || undefined }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
