import type { Step } from '../../core/plan.ts'
import { sourceOf } from '../../core/plan.ts'
import type { SqlSource } from '../../core/sql-source.ts'
import type { ScriptProblem } from '../../sql/problem.ts'
import { readSqliteScript } from '../../sql/sqlite/script.ts'
import { findSqliteVerifyQueries } from '../../sql/sqlite/verify.ts'
import type { VerifyQuery } from '../../sql/verify.ts'
import type { Query, Rows } from './client.ts'
import { ELAPSED_MS } from './lock.ts'
import { databaseTime } from './session.ts'
import type { Session } from './session.ts'
import { appendLog, HISTORY, LOG, NOW } from './tables.ts'
import type { LogEnd } from './tables.ts'
import { guardOf } from './verification.ts'

/** A step's text, read for how it must be run. */
export interface ReadStep {
  readonly source: SqlSource
  /** UTF-16 offsets into the text. */
  readonly statements: readonly { readonly start: number; readonly end: number }[]
  /** What must be so once it has run; nothing when a migration is taken back. */
  readonly queries: readonly VerifyQuery[]
  readonly problem: ScriptProblem | undefined
}

export function readStep(step: Step): ReadStep {
  const source = sourceOf(step)
  const { statements, problems } = readSqliteScript(source.sql)
  const queries = step.kind === 'revert' ? [] : findSqliteVerifyQueries(source.sql, source.file)
  return { source, statements, queries, problem: problems[0] }
}

/** What a step sends of its own: its statements, and behind them a guard for each of its verify queries. */
export function bodyOf({ source, statements, queries }: ReadStep): readonly Query[] {
  return [...statements.map(({ start, end }) => ({ sql: source.sql.slice(start, end) })), ...queries.map(guardOf)]
}

/**
 * The batch of one step, to be sent behind the fence: its history row first, its statements, its event in the log. It
 * fails as a whole unless the row is there in the end (or gone, when the migration is taken back). The last answer is how long it took, see `durationIn`.
 */
export function composeStep(
  session: Session,
  step: Step,
  body: readonly Query[],
  bookmark: string | null,
): { readonly queries: readonly Query[]; readonly logEnd: LogEnd } {
  const { migration } = step
  const { author } = session
  const { runId, role, actor } = author
  const isRevert = step.kind === 'revert'
  const mine = [migration.name, runId] as const
  const { query: event, end: logEnd } = appendLog(
    author,
    session.logEnd,
    databaseTime(session),
    {
      event: isRevert ? 'rollback' : 'apply',
      migration: migration.name,
      checksum: migration.checksum,
      outcome: isRevert ? 'done' : 'applied',
      detail: bookmark === null ? {} : { bookmark },
    },
    {
      // Measured once: the log, the history and what is said agree to the millisecond.
      durationSql: isRevert ? ELAPSED_MS : `(SELECT duration_ms FROM ${HISTORY} WHERE migration_name = ?1)`,
      outcomeSql: isRevert
        ? `(SELECT 'done' WHERE NOT EXISTS (SELECT 1 FROM ${HISTORY} WHERE migration_name = ?1))`
        : `(SELECT 'applied' FROM ${HISTORY} WHERE migration_name = ?1 AND run_id = ?2 AND status = 'applied')`,
    },
  )
  const measure = { sql: `SELECT duration_ms AS duration FROM ${LOG} WHERE id = ?1`, params: [logEnd.id] }
  if (isRevert) {
    // What another run has taken back in between must not be taken back again: without its row the batch fails.
    const guard = {
      sql: `INSERT INTO ${LOG} (id, at, event, outcome, role, detail, previous_hash, hash) SELECT -1, '', '', '', NULL, '', '', '' WHERE NOT EXISTS (SELECT 1 FROM ${HISTORY} WHERE migration_name = ?1)`,
      params: [migration.name],
    }
    const erase = { sql: `DELETE FROM ${HISTORY} WHERE migration_name = ?1`, params: [migration.name] }
    return { queries: [guard, erase, ...body, event, measure], logEnd }
  }
  const begin = {
    sql: `INSERT INTO ${HISTORY} (migration_name, checksum, status, applied_by, run_id) VALUES (?1, ?2, 'started', ?3, ?4)`,
    params: [migration.name, migration.checksum, actor.osUser ?? role, runId],
  }
  const finish = {
    sql: `UPDATE ${HISTORY} SET status = 'applied', applied_at = ${NOW}, duration_ms = ${ELAPSED_MS} WHERE migration_name = ?1 AND run_id = ?2`,
    params: mine,
  }
  return { queries: [begin, ...body, finish, event, measure], logEnd }
}

/** How long the batch of `composeStep` took, in milliseconds, by its answer. */
export function durationIn(answers: readonly Rows[]): number {
  const duration = answers.at(-1)?.[0]?.['duration']
  return typeof duration === 'number' ? duration : 0
}
