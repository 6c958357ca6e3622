import type { Socket } from 'node:net'
import type postgres from 'postgres'
import { reach } from '../../core/kill-point.ts'
import type { Secret } from '../../core/secret.ts'
import { LostConnection, ServerFailure } from './session-failure.ts'
import { openSocket, sendCancel } from './socket.ts'
import type { Address } from './socket.ts'
import { passStandIns } from './stand-in.ts'
import { startTimer, timeoutSignal } from './time-limit.ts'

/** Who logs in, and where. */
export interface Login extends Address {
  readonly user: string
  readonly password: Secret | null
  readonly database: string
}

/** A NOTICE, INFO or WARNING of the server. */
export interface Notice {
  readonly message: string
}

/** Who hears what the server says while it carries out a message, in the order in which the server said it. */
export interface Listener {
  readonly onNotice: (notice: Notice) => void
  /** How the first value of a row begins, whichever statement it is of: 100 bytes at most; empty where there is none. */
  readonly onRow: (first: string) => void
}

/** Hears nothing. */
export const NOBODY: Listener = { onNotice: () => {}, onRow: () => {} }

export interface SessionOptions {
  /** Asked when the server has been silent for too long: whether the backend is still at work. Without it, it is not. */
  readonly isAtWork?: (pid: number) => Promise<boolean>
  /** To connect and log in. */
  readonly connectMs: number
  readonly signal: AbortSignal
}

/**
 * One login to one backend, never silently another: when the connection is lost, every call throws `LostConnection`,
 * and the session is dead. All text goes as simple-query messages (PostgreSQL manual, "Simple Query"), so that one
 * message of many statements is one round trip.
 */
export interface Session {
  /** The backend that answered the login; behind a pooler it may not be the one that runs a message. */
  readonly backendPid: number
  /**
   * Sends one message and returns the rows of its last statement that returned any, values as text. A message that is
   * still being written goes out when it is; what keeps it from being written breaks the connection.
   */
  ask(text: string | Promise<string>, silenceMs: number): Promise<readonly (readonly (string | null)[])[]>
  /**
   * Sends one message; the listener hears what the server says, as it comes. If the server says nothing for `silenceMs`,
   * the connection counts as lost.
   */
  send(text: string, silenceMs: number, listener: Listener): Promise<void>
  /** Sends one message and returns the tag of its last command: a COMMIT in a failed transaction answers ROLLBACK. */
  tag(text: string, silenceMs: number): Promise<string>
  /** Asks the server to cancel what it is doing for us, over a connection of its own. */
  cancel(): Promise<void>
  /** Says goodbye and leaves; waits for nobody. */
  close(): void
  /** Says goodbye and waits until the server has closed the connection, but not for long. */
  leave(): Promise<void>
  /** Drops the connection where it stands. */
  destroy(): void
}

/** Terminate: 'X', length 4 (PostgreSQL manual, "Message Formats"). */
const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4])

/** How long a server may take to close a connection that was given up, in milliseconds. */
const LEAVE_MS = 2_000

/**
 * Opens a session, its first message sent with the login's last: `hello` is asked at once, and its rows are returned
 * beside the session. A `hello` that is still being written is waited for when the login is done. Throws what the network
 * threw, `ServerFailure` or `LostConnection`.
 */
export async function openSession(
  login: Login,
  hello: string | Promise<string>,
  { connectMs, signal, isAtWork }: SessionOptions,
): Promise<{ readonly session: Session; readonly rows: readonly (readonly (string | null)[])[] }> {
  const deadline = AbortSignal.any([signal, timeoutSignal(connectMs, hello)])
  // Before the driver is told to connect: its own errors for a failed socket carry the connection's options.
  const opening = openSocket(login, deadline)
  // It is loaded while the server answers.
  const loading = import('postgres')
  const socket = await opening
  socket.on('error', () => {})
  reach('connected')
  const abort = (): void => void socket.destroy(deadline.reason instanceof Error ? deadline.reason : undefined)
  deadline.addEventListener('abort', abort, { once: true })
  try {
    const { default: createClient } = await loading
    const session = createSession(createClient, login, socket, isAtWork ?? (async () => false))
    const rows = await session.ask(hello, connectMs)
    reach('read')
    return { session, rows }
  } catch (cause) {
    const broken = socket.errored
    socket.destroy()
    if (cause instanceof ServerFailure) throw cause
    if (deadline.aborted) throw deadline.reason
    // What broke the socket says more than that it is closed.
    throw broken ?? cause
  } finally {
    deadline.removeEventListener('abort', abort)
  }
}

function createSession(
  createClient: typeof postgres,
  login: Login,
  socket: Socket,
  isAtWork: (pid: number) => Promise<boolean>,
): Session & { backendPid: number } {
  let listener: Listener = NOBODY
  let backend: { pid: number; secret: number } = { pid: 0, secret: 0 }
  let handedOver = false
  // postgres.js does not notice a socket that was closed before it took it over: without this, a query waits for ever.
  const lost = new Promise<never>((_, reject) => {
    const lose = (): void => reject(new LostConnection('the connection was lost'))
    if (socket.destroyed) lose()
    else socket.once('close', lose)
  })
  lost.catch(() => {})

  // The types of postgres.js know neither `socket` nor a backoff of false.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const options = {
    host: login.host,
    port: login.port,
    path: '',
    user: login.user,
    pass: () => login.password?.reveal() ?? '',
    database: login.database,
    // Everything below is said, so that no PG… variable of the environment changes it.
    ssl: false,
    max: 1,
    prepare: false,
    fetch_types: false,
    idle_timeout: 0,
    max_lifetime: 0,
    connect_timeout: 0,
    keep_alive: 10,
    backoff: false,
    debug: false,
    // The lexer reads strings as the standard has them; a role may have another default, and a start-up parameter wins.
    connection: { application_name: 'migration-manager', standard_conforming_strings: 'on' },
    // The socket is ours, and there is no second one: postgres.js would reconnect in the middle of a run.
    socket: () => {
      if (handedOver) throw new LostConnection('the connection was lost')
      handedOver = true
      return socket
    },
    onnotice: (notice: Record<string, string | undefined>) => listener.onNotice({ message: notice['message'] ?? '' }),
  } as unknown as postgres.Options<Record<string, never>>
  const sql = createClient(options)
  const standInFor = passStandIns(socket)

  async function message(text: string | Promise<string>, silenceMs: number, heard: Listener | null): Promise<unknown> {
    let isAnswered = false
    const silence = startTimer(silenceMs, text, () => void endSilence())
    const endSilence = async (): Promise<void> => {
      // A file may allow its statements more time than we do.
      const isBusy = await isAtWork(backend.pid)
      // The answer may have come while somebody else was asked.
      if (isAnswered) return
      if (isBusy) silence.refresh()
      else socket.destroy()
    }
    listener = {
      onNotice(notice) {
        silence.refresh()
        heard?.onNotice(notice)
      },
      onRow(first) {
        silence.refresh()
        heard?.onRow(first)
      },
    }
    try {
      const query = sql.unsafe(standInFor(text)).simple()
      // Rows that are listened to are not kept, and not read: a file may select what it likes.
      if (heard === null) void query.values()
      else void query.raw().forEach((row) => listener.onRow(firstText(row)))
      // Racing awaits it, and awaiting is what sends it: postgres.js queries are lazy.
      const result: unknown = await Promise.race([query, lost])
      backend = backendOf(query) ?? backend
      return result
    } catch (cause) {
      throw translate(cause)
    } finally {
      isAnswered = true
      clearTimeout(silence)
      listener = NOBODY
    }
  }

  return {
    get backendPid() {
      return backend.pid
    },
    async ask(text, silenceMs) {
      return lastRows(await message(text, silenceMs, null))
    },
    async send(text, silenceMs, heard) {
      await message(text, silenceMs, heard)
    },
    async tag(text, silenceMs) {
      const result = await message(text, silenceMs, null)
      const last: unknown = Array.isArray(result) && !('command' in result) ? result.at(-1) : result
      return typeof last === 'object' && last !== null && 'command' in last ? String(last.command) : ''
    },
    async cancel() {
      if (backend.pid === 0) return
      await sendCancel(login, backend, AbortSignal.timeout(5_000))
    },
    close() {
      reach('closing')
      // The process need not wait for the server's end of the stream.
      if (!socket.destroyed) socket.end(TERMINATE)
      socket.unref()
    },
    async leave() {
      reach('closing')
      if (socket.destroyed) return
      socket.end(TERMINATE)
      const timer = setTimeout(() => socket.destroy(), LEAVE_MS)
      await lost.catch(() => {})
      clearTimeout(timer)
    },
    destroy() {
      socket.destroy()
    },
  }
}

/** The backend that postgres.js ran a query on: it keeps pid and secret of BackendKeyData in `state`. */
function backendOf(query: object): { readonly pid: number; readonly secret: number } | null {
  const state: unknown = Reflect.get(query, 'state')
  if (typeof state !== 'object' || state === null || !('pid' in state) || !('secret' in state)) return null
  const { pid, secret } = state
  return typeof pid === 'number' && typeof secret === 'number' ? { pid, secret } : null
}

function firstText(row: unknown): string {
  const first: unknown = Array.isArray(row) ? row[0] : null
  return Buffer.isBuffer(first) ? first.toString('utf8', 0, Math.min(first.length, 100)) : ''
}

/** A simple query of several statements answers with one result for each that returned rows, or with a single one. */
function lastRows(result: unknown): readonly (readonly (string | null)[])[] {
  if (!Array.isArray(result)) return []
  if (!('command' in result)) return lastRows(result.at(-1))
  return result.map((row: unknown) =>
    Array.isArray(row) ? row.map((value) => (value === null ? null : String(value))) : [],
  )
}

function translate(cause: unknown): Error {
  if (cause instanceof LostConnection) return cause
  // PgBouncer sends the severity only in the field that a server translates.
  const severity = textOf(cause, 'severity') ?? textOf(cause, 'severity_local')
  const code = textOf(cause, 'code')
  if (severity === null || code === null) {
    return new LostConnection(cause instanceof Error ? cause.message : 'the connection was lost')
  }
  const position = textOf(cause, 'position')
  return new ServerFailure({
    code,
    message: textOf(cause, 'message') ?? '',
    hint: textOf(cause, 'hint'),
    position: position === null ? null : Number(position),
    constraint: textOf(cause, 'constraint_name'),
    isFatal: severity === 'FATAL' || severity === 'PANIC',
  })
}

/** A field of an error, also one that it inherits; null when it is no text. */
function textOf(cause: unknown, name: string): string | null {
  const value: unknown = typeof cause === 'object' && cause !== null ? Reflect.get(cause, name) : null
  return typeof value === 'string' ? value : null
}
