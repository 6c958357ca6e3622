import { stepOf } from '../../core/history.ts'
import type { Migration } from '../../core/migration.ts'
import type { Step } from '../../core/plan.ts'
import type { Unit } from '../../sql/steps.ts'
import type { SqlSource } from '../../core/sql-source.ts'
import { GUARD, keepOthersOut, localSettings } from './message-context.ts'
import type { MessageContext } from './message-context.ts'
import { doBlock, quoteLiteral } from './quote.ts'
import { appendLog } from './tables.ts'

/** A raise of the guard that says that somebody else has changed the row. */
const STALE = `RAISE EXCEPTION 'the history has moved on' USING ERRCODE = '${GUARD.stale}'`

/** A migration that is carried out, or taken back, step by step. */
export type StepwiseWork = Pick<Step, 'kind' | 'migration'>

/** How a row is claimed. */
export interface Claim {
  /** How many steps an earlier run has done; null for a new claim. */
  readonly resumeAt: number | null
  /** The digests of all steps, for the log: a rollback's file can be edited before another run goes on with it. */
  readonly steps: readonly string[]
}

/**
 * Claims a migration in a transaction of its own, so that everybody sees that it has been started: a new row, or the row
 * of one that is to be taken back, with no step done; or the row of an earlier run at the step where that one stopped.
 * Then sets the limits for what follows.
 */
export function claimMessage(
  context: MessageContext,
  { kind, migration }: StepwiseWork,
  { resumeAt, steps }: Claim,
): string {
  const { tables, key, runId, limits } = context
  const name = quoteLiteral(migration.name)
  const run = quoteLiteral(runId)
  const fresh =
    kind === 'apply'
      ? `IF EXISTS (SELECT FROM ${tables.history} WHERE migration_name = ${name}) THEN ${STALE}; END IF;
INSERT INTO ${tables.history} (migration_name, checksum, status, step, applied_by, run_id) VALUES (${name}, ${quoteLiteral(migration.checksum)}, 'started', ${stepOf({ kind, done: 0 })}, session_user, ${run});`
      : `UPDATE ${tables.history} SET status = 'started', applied_at = NULL, step = ${stepOf({ kind, done: 0 })}, run_id = ${run} WHERE migration_name = ${name} AND status = 'applied';
IF NOT FOUND THEN ${STALE}; END IF;`
  const claim =
    resumeAt === null
      ? fresh
      : `UPDATE ${tables.history} SET run_id = ${run} WHERE migration_name = ${name} AND status = 'started' AND step = ${stepOf({ kind, done: resumeAt })};
IF NOT FOUND THEN ${STALE}; END IF;`
  return `BEGIN;${localSettings(context)}
${doBlock(`BEGIN
${keepOthersOut({ key })}
${claim}
${kind === 'apply' ? '' : `${beginning(context, migration, steps)};`}
END`)}
COMMIT;SET lock_timeout = ${limits.lockTimeoutMs};SET statement_timeout = ${limits.statementTimeoutMs};`
}

function beginning({ tables, runId, author }: MessageContext, migration: Migration, steps: readonly string[]): string {
  return appendLog(tables, runId, author, {
    event: 'begin-rollback',
    migration: quoteLiteral(migration.name),
    checksum: quoteLiteral(migration.checksum),
    outcome: "'started'",
    durationMs: 'NULL',
    detail: quoteLiteral(JSON.stringify({ steps })),
  })
}

/** The statement that says that a unit is done; it fails unless the row is still ours and at this unit. */
export function saveStep(
  { tables, key, runId }: MessageContext,
  { kind, migration }: StepwiseWork,
  unit: number,
): string {
  // A file may have dropped the lock (pg_advisory_unlock_all); if another run has it by now, this one must end.
  return doBlock(`BEGIN
IF NOT pg_catalog.pg_try_advisory_lock(${key}) THEN RAISE EXCEPTION 'another run holds the lock' USING ERRCODE = '${GUARD.locked}'; END IF;
UPDATE ${tables.history} SET step = ${stepOf({ kind, done: unit + 1 })} WHERE migration_name = ${quoteLiteral(migration.name)} AND status = 'started' AND step = ${stepOf({ kind, done: unit })} AND run_id = ${quoteLiteral(runId)};
IF NOT FOUND THEN ${STALE}; END IF;
END`)
}

/** Statements in one transaction with the step that they are; the step first, so that it is also the fence. */
export function unitMessage(
  context: MessageContext,
  work: StepwiseWork & { readonly source: SqlSource },
  unit: Extract<Unit, { kind: 'transaction' | 'setting' }>,
  index: number,
): { readonly text: string; readonly spans: readonly { readonly messageStart: number; readonly fileStart: number }[] } {
  const statements = unit.kind === 'setting' ? [unit.statement] : unit.statements
  const begin = unit.kind === 'setting' ? 'BEGIN;' : `BEGIN ${unit.modes};`
  // Modes of the file's own BEGIN must come before any query, so the fence stands behind them and the settings.
  let text = `${begin}${localSettings(context)}${saveStep(context, work, index)}\n`
  const spans = statements.map(({ start, end }) => {
    const span = { messageStart: text.length, fileStart: start }
    text += `${work.source.sql.slice(start, end)}\n;`
    return span
  })
  return { text: `${text}COMMIT;`, spans }
}

/** Writes the row that says that the whole migration is applied, or takes it away, with the event in the log. */
export function finishMessage(
  context: MessageContext,
  { kind, migration }: StepwiseWork,
  units: number,
  durationMs: number,
): string {
  const { tables, runId } = context
  const entry = appendLog(tables, runId, context.author, {
    event: kind === 'apply' ? 'apply' : 'rollback',
    migration: quoteLiteral(migration.name),
    checksum: quoteLiteral(migration.checksum),
    outcome: kind === 'apply' ? "'applied'" : "'done'",
    durationMs: String(durationMs),
    detail: quoteLiteral(JSON.stringify({ steps: units })),
  })
  const change =
    kind === 'apply'
      ? `UPDATE ${tables.history} SET status = 'applied', applied_at = pg_catalog.clock_timestamp(), duration_ms = ${durationMs}`
      : `DELETE FROM ${tables.history}`
  return `RESET ALL;${context.sessionSettings}BEGIN;${localSettings(context)}
${doBlock(`BEGIN
${change}
WHERE migration_name = ${quoteLiteral(migration.name)} AND status = 'started' AND step = ${stepOf({ kind, done: units })} AND run_id = ${quoteLiteral(runId)};
IF NOT FOUND THEN ${STALE}; END IF;
${entry};
END`)}
COMMIT;`
}

/** Takes back the claim of a migration of which nothing has been done: it is as it was, by the log where there is a row. */
export function withdrawMessage(
  { tables, runId, sessionSettings }: MessageContext,
  { kind, migration }: StepwiseWork,
): string {
  const name = quoteLiteral(migration.name)
  const change =
    kind === 'apply'
      ? `DELETE FROM ${tables.history} h`
      : `UPDATE ${tables.history} h SET status = 'applied', step = NULL, run_id = l.run_id, applied_at = COALESCE(l.at, pg_catalog.clock_timestamp())
FROM (SELECT (SELECT a FROM ${tables.log} a WHERE a.migration_name = ${name} AND a.outcome IN ('applied', 'done') AND a.event <> 'rollback' ORDER BY a.id DESC LIMIT 1) AS entry) latest,
LATERAL (SELECT (latest.entry).run_id, (latest.entry).at) l`
  return `ROLLBACK;RESET ALL;${sessionSettings}${change} WHERE h.migration_name = ${name} AND h.status = 'started' AND h.run_id = ${quoteLiteral(runId)};`
}
