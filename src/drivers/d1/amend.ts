import { digestHistory } from '../../core/history.ts'
import { isRepaired } from '../../core/repair.ts'
import type { Repair } from '../../core/repair.ts'
import { announceWayBack, takeBookmark } from './bookmark.ts'
import { isLost, QueryFailure } from './client.ts'
import type { Query } from './client.ts'
import { describeFailure } from './errors.ts'
import { lostError, unknownError } from './failure.ts'
import { isFenced, isUnrecorded, sendFenced, settle, takeLock } from './lock.ts'
import { prepareTables } from './prepare.ts'
import { databaseTime, look, MAX_RECOVERIES } from './session.ts'
import type { Session } from './session.ts'
import { appendLog, HISTORY, NOW } from './tables.ts'

/**
 * Changes one row of the history under the lock; false when the history is not the one with the digest `basis`. After
 * a lost answer the row decides. Throws `outcome/unknown` where it could not be looked at in time.
 */
export async function amendHistory(session: Session, repair: Repair, basis: string): Promise<boolean> {
  const { target } = session
  const environment = target.environment.name
  if (session.hold === null) await takeLock(session, target.limits.lockWaitMs, session.signal)
  const seen = await look(session)
  if (digestHistory(seen.history) !== basis) return false
  const bookmark = await takeBookmark(session)
  announceWayBack(session, bookmark)
  await prepareTables(session, { rename: false }, seen)
  for (let recoveries = 0; ;) {
    const { migration, kind, before, after, reason } = repair
    const { query, end } = appendLog(
      session.author,
      session.logEnd,
      databaseTime(session),
      {
        event: kind,
        migration,
        checksum: after?.checksum ?? before?.checksum ?? null,
        outcome: 'done',
        detail: { reason, before, after, ...(bookmark === null ? {} : { bookmark }) },
      },
      {
        outcomeSql: `(SELECT 'done' WHERE ${after === null ? 'NOT ' : ''}EXISTS (SELECT 1 FROM ${HISTORY} WHERE migration_name = ?1))`,
      },
    )
    try {
      await sendFenced(session, [changeOf(session, repair), query], { withinMs: target.limits.connectMs })
      session.logEnd = end
      return true
    } catch (cause) {
      if (!isLost(cause) && !(cause instanceof QueryFailure)) throw cause
      const facts = await settle(session, isLost(cause) ? cause.retryAfterMs : 0)
      if (facts === null) throw unknownError(environment, `repair ${kind} ${migration}`, cause.message)
      if (isRepaired(repair, facts.history)) return true
      if (digestHistory(facts.history) !== basis || isUnrecorded(cause)) return false
      if (cause instanceof QueryFailure && !isFenced(cause)) throw describeFailure(cause, target.environment)
      if (++recoveries > MAX_RECOVERIES) throw lostError(target.environment, cause.message)
    }
  }
}

function changeOf({ author }: Session, { migration, before, after }: Repair): Query {
  if (after === null) return { sql: `DELETE FROM ${HISTORY} WHERE migration_name = ?1`, params: [migration] }
  const { status, checksum } = after
  const now = status === 'applied' ? NOW : 'NULL'
  if (before === null) {
    return {
      sql: `INSERT INTO ${HISTORY} (migration_name, checksum, status, applied_at, applied_by, run_id) VALUES (?1, ?2, ?3, ${now}, ?4, ?5)`,
      params: [migration, checksum, status, author.actor.osUser ?? author.role, author.runId],
    }
  }
  return {
    sql: `UPDATE ${HISTORY} SET checksum = ?2, status = ?3, applied_at = COALESCE(applied_at, ${now}) WHERE migration_name = ?1`,
    params: [migration, checksum, status],
  }
}
