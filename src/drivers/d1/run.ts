import { doneEvent } from '../../core/event.ts'
import { MigrationManagerError } from '../../core/errors.ts'
import { ownerOf } from '../../core/environment.ts'
import { digestHistory } from '../../core/history.ts'
import { reach } from '../../core/kill-point.ts'
import { hasMovedOn } from '../../core/moved-on.ts'
import type { RunResult, StepResult } from '../../core/outcome.ts'
import type { Step } from '../../core/plan.ts'
import { isLost, QueryFailure } from './client.ts'
import { findCulprit } from './culprit.ts'
import {
  lostError,
  readSqliteError,
  statementError,
  unknownError,
  unrecordedError,
  unverifiedError,
  unrunnableError,
} from './failure.ts'
import { interrupted, isFenced, isUnrecorded, recoverWaitOf, sendFenced, settle, takeLock } from './lock.ts'
import { announceWayBack, takeBookmark } from './bookmark.ts'
import { prepareTables } from './prepare.ts'
import type { Facts } from './reading.ts'
import { askPatiently, databaseTime, look, MAX_RECOVERIES } from './session.ts'
import type { Session } from './session.ts'
import { bodyOf, composeStep, durationIn, readStep } from './step-batch.ts'
import type { ReadStep } from './step-batch.ts'
import { appendLog, LOG } from './tables.ts'
import { isUnverified, problemOf } from './verification.ts'

/** What a batch may take: D1 ends it after 30 s (D1 documentation, "Limits"), and then it must still be heard of. */
const LONGEST_BATCH_MS = 30_000
const GRACE_MS = 5_000

export function batchDeadline({ target }: Session): number {
  return Math.min(target.limits.statementTimeoutMs, LONGEST_BATCH_MS) + GRACE_MS
}

/** How a step came out; `failed`: it is not applied, and that is final. */
type StepEnd =
  | { readonly kind: 'done'; readonly result: StepResult; readonly isOvertaken?: boolean }
  | { readonly kind: 'stale' }
  | { readonly kind: 'failed' | 'unknown'; readonly error: MigrationManagerError }

/** Runs steps in order, each as one batch of its history row and its statements behind the fence. */
export async function runSteps(session: Session, steps: readonly Step[], basis: string): Promise<RunResult> {
  const done: StepResult[] = []
  const [first] = steps
  if (first === undefined) return { kind: 'done', done }
  const environment = session.target.environment.name
  const stop = (step: Step, kind: 'failed' | 'unknown', error: MigrationManagerError): RunResult => ({
    kind,
    done,
    failed: { name: step.migration.name, error },
  })
  if (session.signal.aborted) return stop(first, 'failed', interrupted(environment))

  // Looked at before the lock is taken: a plan that does not fit must leave no trace.
  const seen = await look(session)
  if (isStale(session, seen, steps, basis)) return { kind: 'stale', done }
  const { limits } = session.target
  const facts = session.hold === null ? await takeLock(session, limits.lockWaitMs, session.signal, seen) : seen
  if (isStale(session, facts, steps, basis)) return { kind: 'stale', done }
  await prepareTables(session, { rename: false }, facts)

  for (const [index, step] of steps.entries()) {
    try {
      const end = session.signal.aborted
        ? ({ kind: 'failed', error: interrupted(environment) } as const)
        : await runStep(session, step, (now, isDone) =>
            isOvertaken(session, facts, now, steps.slice(0, index + Number(isDone))),
          )
      if (end.kind === 'stale') return { kind: 'stale', done }
      if (end.kind !== 'done') return stop(step, end.kind, end.error)
      done.push(end.result)
      if (end.isOvertaken === true) return { kind: 'stale', done }
    } catch (cause) {
      // What is applied already must be said, whatever the world came to since.
      if (!(cause instanceof MigrationManagerError) || done.length === 0) throw cause
      return stop(step, 'failed', cause)
    }
  }
  return { kind: 'done', done }
}

/** Whether steps no longer fit what the database says. */
function isStale({ target }: Session, facts: Facts, steps: readonly Step[], basis: string): boolean {
  if (digestHistory(facts.history) !== basis) return true
  if (facts.initialisedAs !== null && facts.initialisedAs !== ownerOf(target.environment)) return true
  const names = new Set(facts.history.map(({ name }) => name))
  return steps.some(({ kind, migration }) => names.has(migration.name) === (kind === 'apply'))
}

/** Whether somebody else had the lock while an answer was lost, and changed more than `done`, which this run did. */
function isOvertaken({ target }: Session, before: Facts, now: Facts, done: readonly Step[]): boolean {
  if (now.initialisedAs !== null && now.initialisedAs !== ownerOf(target.environment)) return true
  return hasMovedOn(before.history, now.history, { runId: target.runId, done, underWay: null })
}

/** `isOvertakenBy` is asked after a lost answer, with what is so now and whether the step is done. */
async function runStep(
  session: Session,
  step: Step,
  isOvertakenBy: (now: Facts, isDone: boolean) => boolean,
): Promise<StepEnd> {
  const environment = session.target.environment.name
  const read = readStep(step)
  if (read.problem !== undefined) {
    return { kind: 'failed', error: unrunnableError(environment, read.source, read.problem) }
  }
  const body = bodyOf(read)
  const bookmark = await takeBookmark(session)
  announceWayBack(session, bookmark)
  for (let recoveries = 0; ;) {
    const { queries, logEnd } = composeStep(session, step, body, bookmark)
    let cause: unknown
    try {
      reach('sending')
      const answers = await sendFenced(session, queries, {
        withinMs: batchDeadline(session),
        signal: session.signal,
      })
      reach('answered')
      session.logEnd = logEnd
      return finish(session, step, durationIn(answers))
    } catch (thrown) {
      cause = thrown
    }
    if (!isLost(cause) && !(cause instanceof QueryFailure)) throw cause
    const reason = cause.message
    if (isLost(cause)) {
      session.emit({ type: 'waiting', environment, what: `${reason}; looking at what was done` })
    }
    reach('recovering')
    // Also after a plain "no": it may be the answer to a second copy, while the first one was carried out.
    const facts = await settle(session, isLost(cause) ? cause.retryAfterMs : 0)
    if (facts === null) return { kind: 'unknown', error: unknownError(environment, step.migration.name, reason) }
    const row = facts.history.find(({ name }) => name === step.migration.name)
    if (step.kind === 'revert' ? row === undefined : row?.runId === session.target.runId) {
      const isOurs = row !== undefined || (await hasRevertedIt(session, step))
      if (isOurs === null) return { kind: 'unknown', error: unknownError(environment, step.migration.name, reason) }
      return isOurs
        ? { ...finish(session, step, row?.durationMs ?? 0), isOvertaken: isOvertakenBy(facts, true) }
        : { kind: 'stale' }
    }
    if (isOvertakenBy(facts, false)) return { kind: 'stale' }
    if (session.signal.aborted) return { kind: 'failed', error: interrupted(environment) }
    if (cause instanceof QueryFailure && !isFenced(cause)) return fail(session, step, read, cause)
    if (++recoveries > MAX_RECOVERIES) return { kind: 'failed', error: lostError(session.target.environment, reason) }
  }
}

function finish(session: Session, step: Step, durationMs: number): Extract<StepEnd, { kind: 'done' }> {
  const result = { name: step.migration.name, durationMs }
  session.emit(doneEvent(session.target.environment.name, step.kind, result))
  return { kind: 'done', result }
}

/**
 * Of a migration that was taken back there is no row left; who did it says the log. Null where that could not be asked in
 * time: it is taken back, so that it failed must not be said, and whether by this run is not known.
 */
async function hasRevertedIt(session: Session, { migration }: Step): Promise<boolean | null> {
  const query = {
    sql: `SELECT 1 FROM ${LOG} WHERE event = 'rollback' AND migration_name = ?1 AND run_id = ?2`,
    params: [migration.name, session.target.runId],
  }
  try {
    const [rows = []] = await askPatiently(session, AbortSignal.timeout(recoverWaitOf(session)), (ask) => ask([query]))
    return rows.length > 0
  } catch (cause) {
    if (!(cause instanceof MigrationManagerError) && !(cause instanceof QueryFailure)) throw cause
    return null
  }
}

/** The database refused a statement: find which, and tell the log. */
async function fail(session: Session, step: Step, read: ReadStep, cause: QueryFailure): Promise<StepEnd> {
  const environment = session.target.environment.name
  const { migration } = step
  reach('failed')
  session.emit({ type: 'migration-failed', environment, migration: migration.name })
  if (isUnrecorded(cause)) return { kind: 'failed', error: unrecordedError(environment, migration) }
  const error = readSqliteError(cause.message)
  const culprit = await findCulprit(session, bodyOf(read))
  const query = culprit === null ? undefined : read.queries[culprit - read.statements.length]
  const failure =
    query === undefined
      ? statementError(environment, read.source, error, culprit === null ? null : offsetOf(read, culprit, error.offset))
      : unverifiedError(environment, migration, query, isUnverified(cause) ? null : problemOf(query, cause))
  await tellLog(session, step, failure.engineCode ?? failure.code)
  return { kind: 'failed', error: failure }
}

/** Where in the file a statement fails; SQLite counts bytes of UTF-8, and from the statement's own beginning. */
function offsetOf({ source, statements }: ReadStep, index: number, bytes: number | null): number | null {
  const statement = statements[index]
  if (statement === undefined) return null
  const sql = source.sql.slice(statement.start, statement.end)
  return statement.start + (bytes === null ? 0 : Buffer.from(sql, 'utf8').subarray(0, bytes).toString('utf8').length)
}

/** A courtesy: what is true is that the migration was not applied. The code only: the words may hold row data. */
async function tellLog(session: Session, { migration }: Step, code: string): Promise<void> {
  const { query, end } = appendLog(session.author, session.logEnd, databaseTime(session), {
    event: 'fail',
    migration: migration.name,
    checksum: migration.checksum,
    outcome: 'failed',
    detail: { code },
  })
  try {
    await sendFenced(session, [query], { withinMs: session.target.limits.connectMs })
    session.logEnd = end
  } catch {
    // Whether it was written is not known, so the lock may not be ours any more: whoever goes on takes it anew.
    session.hold = null
  }
}
