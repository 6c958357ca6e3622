import type { Adoption, AdoptionSource } from '../../core/adoption.ts'
import { digestHistory } from '../../core/history.ts'
import { announceWayBack, takeBookmark } from './bookmark.ts'
import { isLost, QueryFailure } from './client.ts'
import type { Query } from './client.ts'
import { describeFailure } from './errors.ts'
import { lostError, unknownError } from './failure.ts'
import { isFenced, sendFenced, settle, takeLock } from './lock.ts'
import { prepareTables } from './prepare.ts'
import { batchDeadline } from './run.ts'
import { databaseTime, look, MAX_RECOVERIES } from './session.ts'
import type { Session } from './session.ts'
import { appendLog, HISTORY, NOW } from './tables.ts'
import type { LogEnd } from './tables.ts'

/** Writes the rows of what is taken over, all in one batch; see `Locked.adopt`. */
export async function adoptHistory(
  session: Session,
  source: AdoptionSource,
  adoptions: readonly Adoption[],
  basis: string,
): Promise<boolean> {
  const { target } = session
  const environment = target.environment.name
  if (digestHistory((await look(session)).history) !== basis) return false
  if (session.hold === null) await takeLock(session, target.limits.lockWaitMs, session.signal)
  const seen = await look(session)
  if (digestHistory(seen.history) !== basis) return false
  const bookmark = await takeBookmark(session)
  announceWayBack(session, bookmark)
  await prepareTables(session, { rename: false }, seen)
  for (let recoveries = 0; ;) {
    const { queries, end } = compose(session, source, adoptions, bookmark)
    try {
      await sendFenced(session, queries, { withinMs: batchDeadline(session) })
      session.logEnd = end
      return true
    } catch (cause) {
      if (!isLost(cause) && !(cause instanceof QueryFailure)) throw cause
      const facts = await settle(session, isLost(cause) ? cause.retryAfterMs : 0)
      if (facts === null) throw unknownError(environment, `adopt --from ${source}`, cause.message)
      const mine = new Set(facts.history.filter(({ runId }) => runId === target.runId).map(({ name }) => name))
      if (adoptions.every(({ migration }) => mine.has(migration.name))) return true
      if (digestHistory(facts.history) !== basis) return false
      if (cause instanceof QueryFailure && !isFenced(cause)) throw describeFailure(cause, target.environment)
      if (++recoveries > MAX_RECOVERIES) throw lostError(target.environment, cause.message)
    }
  }
}

function compose(
  session: Session,
  source: AdoptionSource,
  adoptions: readonly Adoption[],
  bookmark: string | null,
): { readonly queries: readonly Query[]; readonly end: LogEnd } {
  const { author } = session
  const { runId, role, actor } = author
  const queries: Query[] = []
  let end = session.logEnd
  for (const { migration, appliedAt } of adoptions) {
    const { name, checksum } = migration
    const event = appendLog(author, end, databaseTime(session), {
      event: 'adopt',
      migration: name,
      checksum,
      outcome: 'done',
      detail: {
        from: source,
        claimedAt: appliedAt === null ? null : appliedAt.toISOString(),
        ...(bookmark === null ? {} : { bookmark }),
      },
    })
    queries.push(
      {
        sql: `INSERT INTO ${HISTORY} (migration_name, checksum, status, applied_at, applied_by, run_id) VALUES (?1, ?2, 'applied', COALESCE(?3, ${NOW}), ?4, ?5)`,
        params: [name, checksum, appliedAt === null ? null : appliedAt.toISOString(), actor.osUser ?? role, runId],
      },
      event.query,
    )
    ;({ end } = event)
  }
  return { queries, end }
}
