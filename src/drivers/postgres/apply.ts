import { doneEvent } from '../../core/event.ts'
import { MigrationManagerError } from '../../core/errors.ts'
import { reach } from '../../core/kill-point.ts'
import type { RunResult } from '../../core/outcome.ts'
import { sourceOf } from '../../core/plan.ts'
import type { Step } from '../../core/plan.ts'
import { findCulprit } from './culprit.ts'
import { describeServerFailure } from './errors.ts'
import { LostConnection, ServerFailure } from './session-failure.ts'
import { describeMigrationFailure, escapedError, interruptedError, poolerError, unrunnableError } from './failure.ts'
import { isLoss } from './link.ts'
import { waitForLock } from './lock-wait.ts'
import { hasForgottenRows } from './history-row.ts'
import { composeFailure, composeMessage, LEAVE, unlock } from './message.ts'
import { GUARD } from './message-context.ts'
import type { Message, Part } from './message.ts'
import { followProgress } from './progress.ts'
import type { Progress } from './progress.ts'
import { readPart } from './part.ts'
import { isCommitted } from './recovery.ts'
import { isTransient, sendInterruptibly, waitToRetry } from './run.ts'
import type { Run } from './run.ts'
import { takeUpAgain } from './loss.ts'
import { isOvertaken, stop } from './run-state.ts'
import type { State } from './run-state.ts'
import { NOBODY } from './session.ts'
import { runStepwise } from './stepwise.ts'
import type { StepwisePart } from './stepwise-end.ts'

/** At most so much goes into one message: the server holds it in memory, and logs it whole when it fails. */
const MAX_FILES = 100
const MAX_LENGTH = 1024 * 1024

/**
 * Runs steps in order on one database, many of them in one message, each as a transaction of its own SQL and its
 * history row. What the connection did not live to tell is read from the history; see `recover`.
 */
export async function runSteps(run: Run, steps: readonly Step[], basis: string): Promise<RunResult> {
  const state: State = {
    at: 0,
    before: run.link.facts.history,
    basis,
    isOpen: false,
    rows: run.link.hasSession ? 'prepared' : 'written-out',
    isFailed: false,
    isSingly: false,
    retries: 0,
    recoveries: 0,
    done: [],
  }
  let result: RunResult | null = null
  try {
    while (result === null && state.at < steps.length) result = await takeTurn(run, state, steps)
  } catch (cause) {
    // What is applied already must be said, whatever the world came to since.
    if (!(cause instanceof MigrationManagerError) || state.done.length === 0) throw cause
    result = stop(state, steps, 'failed', cause)
  }
  if (state.isFailed) await leaveTransaction(run)
  return result ?? { kind: 'done', done: state.done }
}

/**
 * Whoever goes on under the lock must not find a failed transaction. An opening that failed may have taken the session
 * lock before, and that outlives the rollback. If this is not heard, what comes next will say so.
 */
async function leaveTransaction({ link, context, lock }: Run): Promise<void> {
  await link.session.ask(`${LEAVE}${lock.isHeld ? '' : unlock(context)}`, 10_000).catch(() => {})
}

/** Does what comes next; returns null when the run goes on, or how it ended. */
async function takeTurn(run: Run, state: State, steps: readonly Step[]): Promise<RunResult | null> {
  if (run.signal.aborted) return stop(state, steps, 'failed', interruptedError(run))
  const step = steps[state.at]
  const first = step === undefined ? null : readPart(step)
  if (step === undefined || first === null) return null
  switch (first.kind) {
    case 'unrunnable':
      return stop(state, steps, 'failed', unrunnableError(run, first.source, first.problem))
    case 'transaction':
      return sendParts(run, state, steps, takeParts(steps, state, first))
    case 'steps':
      if (!run.link.hasSession) return stop(state, steps, 'failed', poolerError(run, first.migration))
      // A statement that must stand alone cannot share its message with the opening.
      return state.isOpen ? takeSteps(run, state, steps, first) : sendParts(run, state, steps, [])
  }
}

/** Carries out the next step as a migration of steps of its own. */
async function takeSteps(
  run: Run,
  state: State,
  steps: readonly Step[],
  part: StepwisePart,
): Promise<RunResult | null> {
  let isBehind = false
  const end = await runStepwise(run, part, steps[state.at]?.resumeAt ?? null, (history) => {
    isBehind = isOvertaken(run, state, steps, history, part.migration.name)
    return isBehind
  })
  switch (end.kind) {
    case 'done':
      state.done.push({ name: part.migration.name, durationMs: end.durationMs })
      state.at++
      return isBehind ? { kind: 'stale', done: state.done } : null
    case 'stale':
      // The claim, or the row of a step, has failed in a transaction of its own.
      state.isFailed = true
      return { kind: 'stale', done: state.done }
    case 'failed':
    case 'needs-person':
    case 'unknown':
      return stop(state, steps, end.kind, end.error, end.isResumable)
  }
}

/** Sends one message; returns null when the run goes on, or how it ended. */
async function sendParts(
  run: Run,
  state: State,
  steps: readonly Step[],
  parts: readonly Part[],
): Promise<RunResult | null> {
  const { context, emit } = run
  const isOpeningAlone = !state.isOpen && state.isSingly
  const sent = isOpeningAlone ? [] : parts
  const message = composeMessage(context, {
    rollback: state.isFailed,
    opening: state.isOpen ? null : { basis: state.basis, rename: false, kinds: steps.map(({ kind }) => kind) },
    parts: sent,
    rows: state.rows,
    holds: false,
    unlock: state.at + sent.length === steps.length,
  })
  const { progress, listener } = followProgress(context, sent, emit)
  try {
    await sendInterruptibly(run, message.text, message.silenceMs, listener)
    // An answer without the last marker is no answer to this message.
    if (progress.applied.length < sent.length) throw new LostConnection('the answer was cut short')
    state.isFailed = false
    settle(state, progress)
    if (state.at === steps.length) run.lock.isHeld = false
    return null
  } catch (cause) {
    settle(state, progress)
    if (isLoss(cause)) return takeUpAgain(run, state, steps, sent.length - progress.applied.length)
    if (!(cause instanceof ServerFailure)) throw cause
    state.isFailed = true
    // A cancel that came too late hits what stands behind the last commit: everything is applied, and nothing failed.
    if (state.at === steps.length) return null
    const step = steps[state.at]
    // The statements ran and the commit was not announced: a cancel that came during it hits what stands behind it.
    if (step !== undefined && progress.ended.length > progress.applied.length) {
      const committed = await isCommitted(run, step).catch(() => null)
      // Nothing could be asked any more: the connection was lost on top of it.
      if (committed === null) return takeUpAgain(run, state, steps, sent.length - progress.applied.length)
      if (committed) {
        const [last] = progress.ended.slice(-1)
        settle(state, { ...progress, applied: last === undefined ? [] : [last] })
        if (last !== undefined) emit(doneEvent(context.environment, step.kind, last))
        return null
      }
    }
    return handleFailure(run, state, steps, { cause, progress, message, sent })
  }

  function settle(current: State, { applied, hasOpened }: Progress): void {
    if (hasOpened) {
      current.isOpen = true
      current.basis = null
      run.lock.isHeld = true
    }
    if (applied.length > 0) current.retries = 0
    current.done.push(...applied)
    current.at += applied.length
  }
}

interface Failed {
  readonly cause: ServerFailure
  readonly progress: Progress
  readonly message: Message
  readonly sent: readonly Part[]
}

async function handleFailure(
  run: Run,
  state: State,
  steps: readonly Step[],
  failed: Failed,
): Promise<RunResult | null> {
  const { cause, progress, message, sent } = failed
  const { code, position } = cause.server
  const { link, context, emit, signal } = run

  if (!progress.hasBegun) {
    // The server could not parse the message, so nothing of it ran, the files before the bad one included.
    const isAlone = sent.length === 1 && state.isOpen
    if (!isAlone && sent.length > 0) {
      state.isSingly = true
      return null
    }
  } else if (!state.isOpen || code === GUARD.locked) {
    if (code === GUARD.stale) {
      // The lock was taken before the history was looked at, and a session lock outlives the rollback.
      run.lock.isHeld = true
      return { kind: 'stale', done: state.done }
    }
    if (signal.aborted) return stop(state, steps, 'failed', interruptedError(run))
    if (code !== GUARD.locked) throw describeServerFailure(cause.server, link.options.place)
    await waitForLock(link, context, emit, signal)
    run.lock.isHeld = true
    return null
  }
  if (hasForgottenRows(context, cause.server)) {
    state.rows = 'written-out'
    return null
  }
  if (
    code === GUARD.stale ||
    (code === '23505' && progress.statement < 0 && cause.server.constraint === 'schema_migrations_pkey')
  ) {
    return { kind: 'stale', done: state.done }
  }

  const culprit = findCulprit(message, sent, progress, position)
  const broken = sent[culprit.part] ?? sent[0]
  if (broken === undefined) throw describeServerFailure(cause.server, link.options.place)
  const { migration } = broken
  if (code === GUARD.escaped) return stop(state, steps, 'needs-person', escapedError(run, migration))
  if (signal.aborted) return stop(state, steps, 'failed', interruptedError(run))
  if (isTransient(code) && state.retries < context.limits.lockRetries) {
    state.retries++
    await waitToRetry(run, migration.name, cause, state.retries)
    return null
  }
  reach('failed')
  emit({ type: 'migration-failed', environment: context.environment, migration: migration.name })
  const error = describeMigrationFailure(run, broken, { cause, progress, culprit })
  // The log is told as a courtesy: what is true is that the migration was rolled back.
  if (state.isOpen) {
    await link.session
      .send(composeFailure(context, migration, { code: error.engineCode ?? error.code }), 10_000, NOBODY)
      .then(
        () => (run.lock.isHeld = state.isFailed = false),
        () => {},
      )
  }
  return stop(state, steps, 'failed', error)
}

/** The next migrations that run in a transaction and fit into one message; what runs otherwise ends it. */
function takeParts(steps: readonly Step[], state: State, first: Part): readonly Part[] {
  const parts: Part[] = [first]
  let length = first.source.sql.length
  for (const step of steps.slice(state.at + 1)) {
    length += sourceOf(step).sql.length
    if (state.isSingly || parts.length === MAX_FILES || length > MAX_LENGTH) break
    const part = readPart(step)
    if (part.kind !== 'transaction') break
    parts.push(part)
  }
  return parts
}
