import { MigrationManagerError } from '../../core/errors.ts'
import { findExpected } from '../../core/expected-history.ts'
import type { ExpectedHistories } from '../../core/expected-history.ts'
import { describeConnectFailure, describeSessionFailure } from './errors.ts'
import { LostConnection, ServerFailure } from './session-failure.ts'
import type { Place } from './session-failure.ts'
import { parseFacts, readMessage, unreadable } from './reading.ts'
import type { Facts } from './reading.ts'
import { keepsBackend } from './pool-mode.ts'
import { openSession } from './session.ts'
import type { Login, Session } from './session.ts'
import { quoteLiteral } from './quote.ts'
import type { Tables } from './tables.ts'

/** What a link needs to find its database, now and again after a loss. */
export interface LinkOptions {
  readonly place: Place
  readonly login: Login
  readonly tables: Tables
  readonly key: string
  readonly connectMs: number
  /** Histories that need not be sent with the first answer. Later ones are for those who must know each row. */
  readonly expected?: Promise<ExpectedHistories | null> | undefined
}

/** The way to one database: the session of the moment, and how to get another one when it is lost. */
export interface Link {
  readonly options: LinkOptions
  readonly session: Session
  /** What the database said when this session began, or when it was last asked. */
  readonly facts: Facts
  /** Behind a transaction pooler, the backend changes from message to message: no lock or setting of a session lasts. */
  readonly hasSession: boolean
  /** Asks the database again, over the session there is. */
  refresh(): Promise<Facts>
  /**
   * Drops the session, opens another one to the same database and ends the old backend if it is idle, so that nothing that
   * is still on its way to it can be carried out any more. Throws what kept it from that.
   */
  reopen(signal: AbortSignal): Promise<void>
}

/** Opens a link. Throws a `MigrationManagerError` for people. */
export async function openLink(options: LinkOptions, signal: AbortSignal): Promise<Link> {
  let { session, facts, sessionPid } = await open(options, signal, options.expected)
  /** Backends that a message may still be on its way to; a second loss must not make forget the first. */
  const abandoned = new Map<string, Facts>()
  return {
    options,
    get session() {
      return session
    },
    get facts() {
      return facts
    },
    get hasSession() {
      return facts.pid === sessionPid
    },
    async refresh() {
      try {
        facts = parseFacts(await session.ask(readMessage(options.tables, options.key), options.connectMs))
        return facts
      } catch (cause) {
        throw describeSessionFailure(cause, options.place)
      }
    },
    async reopen(again) {
      session.destroy()
      if (facts.pid === session.backendPid) abandoned.set(`${facts.pid} ${facts.backendStart}`, facts)
      const next = await open(options, again)
      if (facts.databaseId !== '' && next.facts.databaseId !== facts.databaseId) {
        next.session.close()
        throw new MigrationManagerError(
          'target/other-database',
          `${options.place.environment} is another database now than when this run began.`,
          { hint: 'Look at what happened to the server, then run status.', environment: options.place.environment },
        )
      }
      ;({ session, facts, sessionPid } = next)
      // A standby does not see the backends of its primary.
      if (facts.isStandby) return
      for (const [key, old] of abandoned) {
        await endIdleBackend(session, old, options.connectMs)
        abandoned.delete(key)
      }
    },
  }
}

/**
 * Ends a backend, known by its pid and its start, that is idle: a message to it may still be on its way, and must never
 * be read. One that is at work is left to end its work; it holds the lock, so whoever takes the lock after it knows.
 */
async function endIdleBackend(session: Session, { pid, backendStart }: Facts, withinMs: number): Promise<void> {
  if (backendStart === '') return
  const look = `SELECT CASE WHEN state = 'active' THEN 'active' ELSE pg_catalog.pg_terminate_backend(pid)::text END
FROM pg_catalog.pg_stat_activity WHERE pid = ${pid} AND pg_catalog.to_jsonb(backend_start)#>>'{}' = ${quoteLiteral(backendStart)}`
  const deadline = Date.now() + withinMs
  for (;;) {
    const [row] = await session.ask(look, withinMs)
    if (row === undefined || row[0] === 'active') return
    if (Date.now() > deadline) throw new LostConnection('the old backend did not end')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

interface Opened {
  readonly session: Session
  readonly facts: Facts
  /** The backend that the session keeps; null behind a transaction pooler. */
  readonly sessionPid: number | null
}

async function open(
  options: LinkOptions,
  signal: AbortSignal,
  expected?: Promise<ExpectedHistories | null>,
): Promise<Opened> {
  const { login, place, connectMs, tables, key } = options
  const hello = expected?.then((known) => readMessage(tables, key, known?.lengths.keys())) ?? readMessage(tables, key)
  let session: Session | undefined
  try {
    const opened = await openSession(login, hello, {
      connectMs,
      signal,
      isAtWork: (pid) => isAtWork(options, pid),
    })
    session = opened.session
    const facts = completeFacts(parseFacts(opened.rows), (await expected) ?? null)
    const isKept = await keepsBackend(login, session, facts.pid, { connectMs, signal })
    return { session, facts, sessionPid: isKept ? facts.pid : null }
  } catch (cause) {
    session?.destroy()
    throw session === undefined ? describeConnectFailure(cause, place) : describeSessionFailure(cause, place)
  }
}

/** The rows that were not sent because their digest was enough. */
function completeFacts(facts: Facts, expected: ExpectedHistories | null): Facts {
  const { expectedDigest } = facts
  if (expectedDigest === null) return facts
  const history = expected === null ? null : findExpected(expected, expectedDigest)
  if (history === null) throw unreadable()
  return { ...facts, history }
}

/** Whether what was thrown leaves open what the last message did: only the database knows. */
export function isLoss(cause: unknown): boolean {
  return cause instanceof LostConnection || (cause instanceof ServerFailure && cause.server.isFatal)
}

/** Whether a backend is at work, asked over another connection; no answer counts as no. */
async function isAtWork({ login, connectMs }: LinkOptions, pid: number): Promise<boolean> {
  const query = `SELECT state FROM pg_catalog.pg_stat_activity WHERE pid = ${pid}`
  try {
    const { session, rows } = await openSession(login, query, { connectMs, signal: AbortSignal.timeout(connectMs) })
    session.close()
    return rows[0]?.[0] === 'active'
  } catch {
    return false
  }
}
