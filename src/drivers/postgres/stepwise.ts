import { doneEvent } from '../../core/event.ts'
import { findHalfway } from '../../core/history.ts'
import type { AppliedMigration } from '../../core/history.ts'
import { reach } from '../../core/kill-point.ts'
import { describeServerFailure } from './errors.ts'
import { editedRollbackError, escapedError, lostError, unknownError, unverifiedError } from './failure.ts'
import { isLoss } from './link.ts'
import { lockHeldError } from './lock-wait.ts'
import { GUARD } from './message-context.ts'
import { recover } from './recovery.ts'
import { digestUnits, readResumption } from './resumption.ts'
import { MAX_RECOVERIES } from './run.ts'
import type { Run } from './run.ts'
import { ServerFailure } from './session-failure.ts'
import { ask, logFailure, send } from './standing.ts'
import { interrupted, workOf } from './stepwise-end.ts'
import type { StepwiseEnd, StepwisePart } from './stepwise-end.ts'
import { claimMessage, finishMessage } from './stepwise-message.ts'
import { carryOutUnit } from './stepwise-unit.ts'

/**
 * Carries out a migration that cannot run in one transaction: claims its row, then does one unit after the other and
 * saves each in the row, so that whoever comes next, this run or a later one, goes on where it stopped. The lock is held
 * throughout. `resumeAt` is the unit at which an earlier run stopped, perhaps in the middle of it; null for a new claim.
 * `isOvertaken` is asked with the history after a lost connection: somebody else may have had the lock.
 */
export async function runStepwise(
  run: Run,
  part: StepwisePart,
  resumeAt: number | null,
  isOvertaken: (history: readonly AppliedMigration[]) => boolean,
): Promise<StepwiseEnd> {
  const began = Date.now()
  const { migration } = part
  const memory: Memory = { maybeSent: undefined }
  let at = resumeAt
  for (let recoveries = 0; ; recoveries++) {
    try {
      return await carryOut(run, part, at, began, memory)
    } catch (cause) {
      if (!isLoss(cause)) throw cause
    }
    const history = await recover(run)
    if (history === null) {
      const note = 'It is carried out step by step, and how many of its steps are done is not known.'
      return { kind: 'unknown', error: unknownError(run, migration.name, note), isResumable: true }
    }
    run.lock.isHeld = true
    const isBehind = isOvertaken(history)
    const row = history.find(({ name }) => name === migration.name)
    const isDone = part.isRevert ? row === undefined : row?.status === 'applied'
    // Another run may have been faster; what was taken back has no row that could say so.
    if (isDone && row !== undefined && row.runId !== run.context.runId) return { kind: 'stale' }
    if (isDone) return finished(run, part, row?.durationMs ?? Date.now() - began)
    const halfway = row === undefined ? null : findHalfway(row)
    if (row?.status === 'started' && halfway === null)
      return { kind: 'needs-person', error: escapedError(run, migration), isResumable: false }
    if (isBehind || (halfway !== null && halfway.kind !== workOf(part).kind)) return { kind: 'stale' }
    if (recoveries === MAX_RECOVERIES) {
      const note = halfway === null ? undefined : `Steps 1 to ${halfway.done} of ${part.units.length} are done.`
      return { kind: 'failed', error: lostError(run, note), isResumable: halfway !== null }
    }
    at = halfway?.done ?? null
  }
}

/** What is remembered across lost connections. */
interface Memory {
  /** The last step that an earlier run, or this one, may have sent, by its index; undefined before the log was asked. */
  maybeSent: number | null | undefined
}

async function carryOut(
  run: Run,
  part: StepwisePart,
  resumeAt: number | null,
  began: number,
  memory: Memory,
): Promise<StepwiseEnd> {
  const { context } = run
  const { migration, units } = part
  const first = resumeAt ?? 0
  let isClaimed = resumeAt !== null
  let done = first
  try {
    const earlier = resumeAt === null ? null : await readResumption(run, part, resumeAt)
    if (earlier?.isSame === false)
      return { kind: 'failed', error: editedRollbackError(run, part, first), isResumable: true }
    // Only what was there before this run's first claim tells of an earlier run.
    if (memory.maybeSent === undefined) memory.maybeSent = earlier?.isUntouched === false ? resumeAt : null
    await send(run, claimMessage(context, workOf(part), { resumeAt, steps: digestUnits(part) }))
    isClaimed = true
    reach('claimed')
    for (const unit of units.slice(0, first)) {
      if (unit.kind === 'setting') await send(run, part.source.sql.slice(unit.statement.start, unit.statement.end))
    }
    for (const [index, unit] of units.entries()) {
      if (index < first) continue
      run.emit({
        type: 'statement-started',
        environment: context.environment,
        migration: migration.name,
        statement: index + 1,
        statements: units.length,
      })
      const doubt = { isRaised: memory.maybeSent === index }
      const end = await carryOutUnit(run, part, unit, index, doubt).finally(() => {
        if (doubt.isRaised) memory.maybeSent = index
      })
      if (end !== null) return end
      done = index + 1
    }
    const refusal = await refuseUnverified(run, part)
    if (refusal !== null) return refusal
    const durationMs = Date.now() - began
    await send(run, finishMessage(context, workOf(part), units.length, durationMs))
    reach('finished')
    return finished(run, part, durationMs)
  } catch (cause) {
    if (!(cause instanceof ServerFailure) || isLoss(cause)) throw cause
    const { code } = cause.server
    if (code === GUARD.stale) return { kind: 'stale' }
    // Not the file's own statements but ours: the claim, the row of a step, the last word.
    if (run.signal.aborted) return interrupted(run, part, done, { isResumable: isClaimed })
    const error =
      code === GUARD.locked
        ? lockHeldError(run.link, null)
        : describeServerFailure(cause.server, run.link.options.place)
    return { kind: 'failed', error, isResumable: isClaimed }
  }
}

function finished({ context, emit }: Run, { isRevert, migration }: StepwisePart, durationMs: number): StepwiseEnd {
  emit(doneEvent(context.environment, isRevert ? 'revert' : 'apply', { name: migration.name, durationMs }))
  return { kind: 'done', durationMs }
}

/** All steps are done, and the file's queries are asked: null when each answers true. What is done stays. */
async function refuseUnverified(run: Run, part: StepwisePart): Promise<StepwiseEnd | null> {
  const { migration, queries, units } = part
  if (queries.length === 0) return null
  // A question that is asked after the interruption would not be cancelled, and a cancelled one is no answer.
  if (run.signal.aborted) return interrupted(run, part, units.length)
  const { answers } = await ask(run, part)
  if (run.signal.aborted) return interrupted(run, part, units.length)
  const index = answers.findIndex(({ isTrue }) => isTrue !== true)
  const query = queries[index]
  if (query === undefined) return null
  run.emit({ type: 'migration-failed', environment: run.context.environment, migration: migration.name })
  const problem = answers[index]?.problem ?? { code: GUARD.unverified, message: '' }
  const note = `All ${units.length} steps are done, and stay. Mend what is missing and run sync again: it asks again.`
  await logFailure(run, migration, { code: problem.code })
  return { kind: 'failed', error: unverifiedError(run, migration, query, problem, note), isResumable: true }
}
