import { MigrationManagerError } from '../../core/errors.ts'
import { describeConnectFailure, LostConnection, ServerFailure } from './errors.ts'
import type { Place } from './errors.ts'
import { parseFacts, readMessage } from './reading.ts'
import type { Facts } from './reading.ts'
import { openSession } from './session.ts'
import type { Login, Session } from './session.ts'
import type { Tables } from './tables.ts'

/** What a link needs to find its database, now and again after a loss. */
export interface LinkOptions {
  readonly place: Place
  readonly login: Login
  readonly tables: Tables
  readonly key: string
  readonly connectMs: number
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
  /** Drops the session and opens another one to the same database. Throws what kept it from being opened. */
  reopen(signal: AbortSignal): Promise<void>
}

/** The port on which Supabase's pooler, by its documentation, is in transaction mode. */
const TRANSACTION_POOLER_PORT = 6543

/** Opens a link. Throws a `MigrationManagerError` for people. */
export async function openLink(options: LinkOptions, signal: AbortSignal): Promise<Link> {
  let { session, facts } = await open(options, signal)
  return {
    options,
    get session() {
      return session
    },
    get facts() {
      return facts
    },
    get hasSession() {
      return facts.pid === session.backendPid && options.login.port !== TRANSACTION_POOLER_PORT
    },
    async refresh() {
      try {
        facts = parseFacts(await session.ask(readMessage(options.tables, options.key), options.connectMs))
        return facts
      } catch (cause) {
        throw describeConnectFailure(cause, options.place)
      }
    },
    async reopen(again) {
      session.destroy()
      const next = await open(options, again)
      if (facts.databaseId !== '' && next.facts.databaseId !== facts.databaseId) {
        next.session.close()
        throw new MigrationManagerError(
          'target/other-database',
          `${options.place.environment} is another database now than when this run began.`,
          { hint: 'Look at what happened to the server, then run status.', environment: options.place.environment },
        )
      }
      ;({ session, facts } = next)
    },
  }
}

async function open(options: LinkOptions, signal: AbortSignal): Promise<{ session: Session; facts: Facts }> {
  const hello = readMessage(options.tables, options.key)
  try {
    const { session, rows } = await openSession(options.login, hello, { connectMs: options.connectMs, signal })
    return { session, facts: parseFacts(rows) }
  } catch (cause) {
    throw describeConnectFailure(cause, options.place)
  }
}

/** Whether what was thrown leaves open what the last message did: only the database knows. */
export function isLoss(cause: unknown): boolean {
  return cause instanceof LostConnection || (cause instanceof ServerFailure && cause.server.isFatal)
}
