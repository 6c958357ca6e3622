import type { Connection, Locked, Target } from '../../core/driver.ts'
import { MigrationManagerError } from '../../core/errors.ts'
import type { Emit } from '../../core/event.ts'
import type { LogEntry } from '../../core/log.ts'
import { findLostTables } from '../../core/lost-tables.ts'
import { adoptHistory } from './adopt.ts'
import { amendHistory } from './amend.ts'
import { readClaims } from './claims.ts'
import { isLost, QueryFailure } from './client.ts'
import type { D1Client } from './client.ts'
import { describeFailure } from './errors.ts'
import { holderInTheWay, releaseLock, takeLock } from './lock.ts'
import { LOG_PAGE, logQuery, parseLog } from './log.ts'
import type { Pause } from '../pause.ts'
import { isPrepared, prepareTables } from './prepare.ts'
import type { Facts } from './reading.ts'
import { runSteps } from './run.ts'
import { askPatiently, createSession, look, unreachable } from './session.ts'
import type { Session } from './session.ts'
import { identityOf } from './url.ts'
import type { D1Endpoint } from './url.ts'
import { takeSnapshot } from './snapshot.ts'
import { verifyMigrations } from './verification.ts'

/** Opens the way to a database, which is not told of it yet. */
export type OpenClient = (target: Target<D1Endpoint>, signal: AbortSignal) => Promise<D1Client>

/** Opens a connection to a D1 database, and reads it once. */
export async function connectD1(
  { openClient, pause }: { readonly openClient: OpenClient; readonly pause: Pause },
  target: Target<D1Endpoint>,
  emit: Emit,
  signal: AbortSignal,
): Promise<Connection> {
  const { environment } = target
  let client: D1Client
  // A local database is a process to start, and perhaps a file to make: not for files that are bad.
  await target.expected
  try {
    client = await openClient(target, signal)
  } catch (cause) {
    throw explain(cause, target)
  }
  const session = createSession(client, target, emit, signal, pause)
  try {
    const facts = await look(session)
    if (facts.state === 'foreign') throw foreignTable(environment.name, facts.columns)
    return createConnection(session, facts)
  } catch (cause) {
    await client.close()
    throw explain(cause, target)
  }
}

function createConnection(session: Session, first: Facts): Connection {
  const { target, client } = session
  const { limits } = target
  /** What was read with the connection; null once something else was done over it. */
  let fresh: Facts | null = first

  async function readAgain(): Promise<Facts> {
    try {
      return await look(session)
    } catch (cause) {
      throw explain(cause, target)
    }
  }

  async function workUnderLock<T>(work: () => Promise<T>): Promise<T> {
    fresh = null
    try {
      return await work()
    } catch (cause) {
      throw explain(cause, target)
    } finally {
      await releaseLock(session)
    }
  }

  return {
    async read() {
      const facts = fresh ?? (await readAgain())
      fresh = null
      return {
        databaseId: identityOf(target.environment.endpoint),
        initialisedAs: facts.initialisedAs,
        history: facts.history,
        // Nothing lasts from one request to the next, and nothing of ours has to.
        keepsSession: true,
        lockHolder: holderInTheWay(session, facts.lock),
        dependents: facts.dependents,
        findings: findLostTables(target.environment.name, { ...facts, hasRows: facts.history.length > 0 }),
      }
    },

    async log() {
      try {
        if (!(await look(session)).hasLog) return []
        const entries: LogEntry[] = []
        for (;;) {
          const behind = entries.at(-1)?.id ?? -Infinity
          const page = await askPatiently(session, session.signal, async (ask) => {
            const [rows = []] = await ask([logQuery(Number.isFinite(behind) ? behind : Number.MIN_SAFE_INTEGER)])
            return parseLog(rows)
          })
          entries.push(...page)
          if (page.length < LOG_PAGE) return entries
        }
      } catch (cause) {
        throw explain(cause, target)
      }
    },

    async snapshot() {
      try {
        return await takeSnapshot(session)
      } catch (cause) {
        throw explain(cause, target)
      }
    },

    async verify(migrations) {
      try {
        return await verifyMigrations(session, migrations)
      } catch (cause) {
        throw explain(cause, target)
      }
    },

    async claims(source, migrations) {
      try {
        return await readClaims(session, source, migrations)
      } catch (cause) {
        throw explain(cause, target)
      }
    },

    async prepare({ rename }) {
      fresh = null
      const seen = await readAgain()
      if (isPrepared(session, seen, rename)) return false
      return workUnderLock(async () => {
        const facts = await takeLock(session, limits.lockWaitMs, session.signal, seen)
        return prepareTables(session, { rename }, facts)
      })
    },

    async withLock(work) {
      const locked: Locked = {
        async history() {
          if (session.hold !== null) return (await look(session)).history
          return (await takeLock(session, limits.lockWaitMs, session.signal)).history
        },
        run: (steps, basis) => runSteps(session, steps, basis),
        amend: (repair, basis) => amendHistory(session, repair, basis),
        adopt: (source, adoptions, basis) => adoptHistory(session, source, adoptions, basis),
      }
      return workUnderLock(() => work(locked))
    },

    async [Symbol.asyncDispose]() {
      await client.close()
    },
  }
}

/** What nobody further in could explain, as an error for people; what is none of ours stays as it is. */
function explain(cause: unknown, { environment }: Target<D1Endpoint>): unknown {
  if (cause instanceof QueryFailure) return describeFailure(cause, environment)
  if (isLost(cause)) return unreachable(environment, cause.message)
  return cause
}

/** Other tools keep a table of this name: touch nothing. */
function foreignTable(environment: string, columns: readonly string[]): MigrationManagerError {
  return new MigrationManagerError(
    'target/foreign-history',
    `${environment} has a table schema_migrations of another tool (columns: ${columns.join(', ')}).`,
    {
      environment,
      hint: 'It is left as it is. A D1 database has one schema only: rename that table (ALTER TABLE schema_migrations RENAME TO …) if nothing uses it any more.',
    },
  )
}
