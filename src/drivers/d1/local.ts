import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { MigrationManagerError } from '../../core/errors.ts'
import { findProgram } from '../program.ts'
import { LostAnswer, QueryFailure } from './client.ts'
import type { D1Client, Query, RequestOptions, Rows } from './client.ts'
import type { LocalAnswer, LocalRequest, LocalTask } from './local-host.ts'
import type { LocalEndpoint } from './url.ts'

/** What answers one request. */
type Reply = Extract<LocalAnswer, { readonly id: number }>

/** The process that runs one local database, shared by all connections of this process to it. */
interface Host {
  readonly child: ChildProcess
  readonly isReady: Promise<void>
  readonly waiting: Map<number, (answer: Reply | null) => void>
  users: number
  requests: number
}

/** How long starting workerd may take at least, in milliseconds: a busy machine needs its time. */
const START_MS = 30_000

const hosts = new Map<string, Host>()

/**
 * Speaks to a database in wrangler's local state, which miniflare runs in a process of its own (see local-host.ts).
 * Throws `d1/not-installed` or `d1/start-failed`.
 */
export async function createLocalClient(
  endpoint: LocalEndpoint,
  { withinMs, signal }: RequestOptions,
): Promise<D1Client> {
  const key = JSON.stringify([endpoint.persistDir, endpoint.databaseId])
  const host = hosts.get(key) ?? startHost(endpoint, key)
  host.users++
  let isOpen = true
  const close = async (): Promise<void> => {
    if (!isOpen) return
    isOpen = false
    if (--host.users === 0) await endHost(host, key)
  }
  try {
    await within(host.isReady, Math.max(withinMs, START_MS), signal)
  } catch (cause) {
    await close()
    throw cause
  }
  return {
    batch: (queries, options) => ask(host, queries, options),
    // A local database has no Time Travel.
    bookmark: async () => null,
    close,
  }
}

async function ask(host: Host, queries: readonly Query[], options: RequestOptions): Promise<readonly Rows[]> {
  const id = ++host.requests
  const request: LocalRequest = { id, queries: queries.map(({ sql, params }) => ({ sql, params: params ?? [] })) }
  const answered = new Promise<Reply | null>((resolve) => host.waiting.set(id, resolve))
  // A host that is gone answers nothing; its end settles what waits.
  if (host.child.connected) host.child.send(request)
  else host.waiting.get(id)?.(null)
  try {
    const answer = await within(answered, options.withinMs, options.signal)
    if (answer === null) throw new LostAnswer('the process that runs the local database has ended')
    if (answer.kind === 'rows') return answer.rows
    throw answer.kind === 'refused' ? new QueryFailure(answer.message) : new LostAnswer(answer.message)
  } finally {
    host.waiting.delete(id)
  }
}

function startHost({ projectDir, persistDir, databaseId }: LocalEndpoint, key: string): Host {
  const task: LocalTask = { projectDir, persistDir, databaseId }
  // A session of its own, so that ^C does not reach it, and an environment without our secrets.
  const child = fork(findProgram('d1/local-host', 'd1/start-failed'), [JSON.stringify(task)], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: [],
    env: keepVariables('PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'SYSTEMROOT'),
  })
  const waiting: Host['waiting'] = new Map()
  const isReady = new Promise<void>((resolve, reject) => {
    child.on('message', (answer: LocalAnswer) => {
      switch (answer.kind) {
        case 'ready':
          return resolve()
        case 'absent':
          return reject(notInstalled())
        case 'broken':
          return reject(startFailed(persistDir, answer.message))
        case 'rows':
        case 'refused':
        case 'lost':
          waiting.get(answer.id)?.(answer)
      }
    })
    child.once('error', (cause) => reject(startFailed(persistDir, cause.message)))
    child.once('exit', () => {
      hosts.delete(key)
      reject(startFailed(persistDir, 'its process ended'))
      for (const settle of waiting.values()) settle(null)
    })
  })
  isReady.catch(() => {})
  const host: Host = { child, isReady, waiting, users: 0, requests: 0 }
  hosts.set(key, host)
  return host
}

/** How long a host may take to end, in milliseconds, before it is ended. */
const END_MS = 5_000

async function endHost({ child }: Host, key: string): Promise<void> {
  hosts.delete(key)
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), END_MS)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    if (child.connected) child.disconnect()
  })
}

async function within<T>(promise: Promise<T>, withinMs: number, signal: AbortSignal | undefined): Promise<T> {
  let stop = (): void => {}
  const stopped = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new LostAnswer(`no answer within ${Math.ceil(withinMs / 1000)} s`)), withinMs)
    const interrupt = (): void => reject(new LostAnswer('the run was interrupted'))
    if (signal?.aborted === true) interrupt()
    signal?.addEventListener('abort', interrupt)
    stop = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', interrupt)
    }
  })
  return Promise.race([promise, stopped]).finally(() => stop())
}

function keepVariables(...names: readonly string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  )
}

function notInstalled(): MigrationManagerError {
  return new MigrationManagerError(
    'd1/not-installed',
    'An environment with a d1-local: URL needs the npm package miniflare, which is not installed.',
    { hint: 'npm install --save-dev miniflare@4' },
  )
}

function startFailed(persistDir: string, message: string): MigrationManagerError {
  return new MigrationManagerError('d1/start-failed', `The local D1 database could not be started: ${message}.`, {
    hint: `Is ${persistDir} a folder of wrangler's that this user may write to? Is miniflare 4 installed with its program workerd (without --omit=optional)?`,
  })
}
