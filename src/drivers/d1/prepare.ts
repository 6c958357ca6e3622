import { randomUUID } from 'node:crypto'
import { ownerOf } from '../../core/environment.ts'
import { isLost, QueryFailure } from './client.ts'
import { lostError, unknownError } from './failure.ts'
import { isFenced, sendFenced, settle } from './lock.ts'
import type { Facts } from './reading.ts'
import { databaseTime, MAX_RECOVERIES } from './session.ts'
import type { Session } from './session.ts'
import { appendLog, CREATE_TABLES } from './tables.ts'
import { describeFailure } from './errors.ts'

/** Whether the tables are there and the database knows an environment; with `rename`, this one. */
export function isPrepared({ target }: Session, facts: Facts, rename: boolean): boolean {
  if (facts.initialisedAs === null || facts.state !== 'ours') return false
  return !rename || facts.initialisedAs === ownerOf(target.environment)
}

/**
 * Makes the tables and registers the database, under the lock, where `seen` says that it has to be. Returns whether it
 * had to be.
 */
export async function prepareTables(
  session: Session,
  { rename }: { readonly rename: boolean },
  seen: Facts,
): Promise<boolean> {
  const { target, author, emit } = session
  const environment = target.environment.name
  let facts = seen
  for (let recoveries = 0; ;) {
    if (isPrepared(session, facts, rename)) return recoveries > 0
    const { query, end } = appendLog(author, session.logEnd, databaseTime(session), {
      event: 'init',
      migration: null,
      checksum: null,
      outcome: 'done',
      detail: { environment: ownerOf(target.environment), id: randomUUID() },
    })
    try {
      await sendFenced(session, [...CREATE_TABLES, query], {
        withinMs: target.limits.connectMs,
        signal: session.signal,
      })
      session.logEnd = end
      emit({ type: 'prepared', environment })
      return true
    } catch (cause) {
      if (!isLost(cause) && !(cause instanceof QueryFailure)) throw cause
      const found = await settle(session, isLost(cause) ? cause.retryAfterMs : 0)
      if (found === null) throw unknownError(environment, 'the making of the history tables', cause.message)
      facts = found
      if (isPrepared(session, facts, rename)) {
        emit({ type: 'prepared', environment })
        return true
      }
      if (cause instanceof QueryFailure && !isFenced(cause)) throw describeFailure(cause, target.environment)
      if (++recoveries > MAX_RECOVERIES) throw lostError(target.environment, cause.message)
    }
  }
}
