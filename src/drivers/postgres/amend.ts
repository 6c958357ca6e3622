import { isRepaired } from '../../core/repair.ts'
import type { Repair } from '../../core/repair.ts'
import { describeSessionFailure } from './errors.ts'
import { lostError, unknownError } from './failure.ts'
import { isLoss } from './link.ts'
import { waitForLock } from './lock-wait.ts'
import { composeMessage } from './message.ts'
import { GUARD, keepOthersOut, localSettings } from './message-context.ts'
import type { MessageContext } from './message-context.ts'
import { followProgress } from './progress.ts'
import { doBlock, quoteLiteral, quoteNullable } from './quote.ts'
import { recover } from './recovery.ts'
import { MAX_RECOVERIES } from './run.ts'
import type { Run } from './run.ts'
import { ServerFailure } from './session-failure.ts'
import { appendLog } from './tables.ts'

/**
 * Changes one row of the history under the lock; false when the history is not the one with the digest `basis`. After
 * a lost connection the row decides. Throws `outcome/unknown` where it could not be looked at in time.
 */
export async function amendHistory(run: Run, repair: Repair, basis: string): Promise<boolean> {
  const { link, context, emit, signal, lock } = run
  for (let recoveries = 0; ;) {
    const { progress, listener } = followProgress(context, [], emit)
    const message = composeMessage(context, {
      rollback: false,
      opening: { basis, rename: false, kinds: [] },
      behind: amendMessage(context, repair),
      parts: [],
      rows: 'written-out',
      holds: false,
      unlock: true,
    })
    try {
      await link.session.send(message.text, message.silenceMs, listener)
      lock.isHeld = false
      return true
    } catch (cause) {
      if (isLoss(cause)) {
        lock.isHeld = false
        const history = await recover(run)
        if (history === null) {
          const what = `repair ${repair.kind} ${repair.migration}`
          throw unknownError(run, what, 'Its one row is changed, with an entry in the log, or as it was.')
        }
        lock.isHeld = true
        if (isRepaired(repair, history)) return true
        if (++recoveries > MAX_RECOVERIES) throw lostError(run, 'Nothing was changed.')
        continue
      }
      lock.isHeld = lock.isHeld || progress.hasOpened
      if (!(cause instanceof ServerFailure)) throw describeSessionFailure(cause, link.options.place)
      await link.session.ask('ROLLBACK', context.limits.connectMs).catch(() => {})
      if (cause.server.code === GUARD.stale) return false
      if (cause.server.code !== GUARD.locked) throw describeSessionFailure(cause, link.options.place)
      await waitForLock(link, context, emit, signal)
      lock.isHeld = true
    }
  }
}

/** The transaction that changes one row of the history by hand, and writes into the log what it was and why. */
function amendMessage(context: MessageContext, { kind, migration, before, after, reason }: Repair): string {
  const { tables, runId } = context
  const name = quoteLiteral(migration)
  const fits =
    before === null
      ? `NOT EXISTS (SELECT FROM ${tables.history} WHERE migration_name = ${name})`
      : `EXISTS (SELECT FROM ${tables.history} WHERE migration_name = ${name} AND status = ${quoteLiteral(before.status)} AND checksum = ${quoteLiteral(before.checksum)})`
  const entry = appendLog(tables, runId, context.author, {
    event: kind,
    migration: name,
    checksum: quoteNullable(after?.checksum ?? before?.checksum ?? null),
    outcome: "'done'",
    durationMs: 'NULL',
    detail: quoteLiteral(JSON.stringify({ reason, before, after })),
  })
  return `BEGIN;${localSettings(context)}SET LOCAL row_security = off;
${doBlock(`BEGIN
${keepOthersOut(context)}
IF NOT ${fits} THEN RAISE EXCEPTION 'the history has moved on' USING ERRCODE = '${GUARD.stale}'; END IF;
${changeOf(context, name, before, after)}
${entry};
END`)}
COMMIT;`
}

function changeOf(
  { tables, runId }: MessageContext,
  name: string,
  before: Repair['before'],
  after: Repair['after'],
): string {
  if (after === null) return `DELETE FROM ${tables.history} WHERE migration_name = ${name};`
  const status = quoteLiteral(after.status)
  const checksum = quoteLiteral(after.checksum)
  const now = after.status === 'applied' ? 'pg_catalog.clock_timestamp()' : 'NULL'
  if (before === null) {
    return `INSERT INTO ${tables.history} (migration_name, checksum, status, applied_at, applied_by, run_id) VALUES (${name}, ${checksum}, ${status}, ${now}, session_user, ${quoteLiteral(runId)});`
  }
  return `UPDATE ${tables.history} SET checksum = ${checksum}, status = ${status}, applied_at = COALESCE(applied_at, ${now}) WHERE migration_name = ${name};`
}
