import type { MigrationManagerError } from '../../core/errors.ts'
import type { Emit } from '../../core/event.ts'
import type { RunResult, StepFailure, StepResult } from '../../core/outcome.ts'
import type { Step } from '../../core/plan.ts'
import { describeServerFailure, ServerFailure } from './errors.ts'
import {
  describeMigrationFailure,
  escapedError,
  interruptedError,
  lostError,
  unknownError,
  unrunnableError,
} from './failure.ts'
import { isLoss } from './link.ts'
import type { Link } from './link.ts'
import { lockHeldError, waitForLock } from './lock-wait.ts'
import { composeFailure, composeMessage, GUARD } from './message.ts'
import type { Message, MessageContext, Part } from './message.ts'
import { pause } from './pause.ts'
import { followProgress } from './progress.ts'
import type { Progress } from './progress.ts'
import { readPart } from './part.ts'
import type { ReadPart } from './part.ts'
import { recover } from './recovery.ts'

/** At most so much goes into one message: the server holds it in memory, and logs it whole when it fails. */
const MAX_FILES = 100
const MAX_LENGTH = 1024 * 1024

/** How often a connection that is lost in the middle of a run is taken up again. */
const MAX_RECOVERIES = 3

/** Failures that leave nothing behind and may be gone at the next attempt: lock_timeout, deadlock, serialisation. */
const TRANSIENT: ReadonlySet<string> = new Set(['55P03', '40P01', '40001'])

export interface Run {
  readonly link: Link
  readonly context: MessageContext
  readonly emit: Emit
  readonly signal: AbortSignal
  /** Whether this session holds the migration lock. */
  readonly lock: { isHeld: boolean }
}

/** Where a run of steps stands. */
interface State {
  /** The next step. */
  at: number
  /** The history's digest to check when the lock is taken; null once that is done. */
  basis: string | null
  /** The lock is held and the tables are there. */
  isOpen: boolean
  /** The session is in a failed transaction. */
  isFailed: boolean
  /** One message for one file, and one for the opening: a syntax error in one file keeps its whole message from running. */
  isSingly: boolean
  retries: number
  recoveries: number
  readonly done: StepResult[]
}

/**
 * Runs steps in order on one database, many of them in one message, each as a transaction of its own SQL and its
 * history row. What the connection did not live to tell is read from the history; see `recover`.
 */
export async function runSteps(run: Run, steps: readonly Step[], basis: string): Promise<RunResult> {
  const state: State = {
    at: 0,
    basis,
    isOpen: false,
    isFailed: false,
    isSingly: false,
    retries: 0,
    recoveries: 0,
    done: [],
  }
  let result: RunResult | null = null
  while (result === null && state.at < steps.length) result = await takeTurn(run, state, steps)
  // Whoever goes on under the lock must not find a failed transaction; at worst that is said by what comes next.
  if (state.isFailed) await run.link.session.ask('ROLLBACK', 10_000).catch(() => {})
  return result ?? { kind: 'done', done: state.done }
}

/** Sends what comes next; returns null when the run goes on, or how it ended. */
async function takeTurn(run: Run, state: State, steps: readonly Step[]): Promise<RunResult | null> {
  if (run.signal.aborted) return stop(state, steps, 'failed', interruptedError(run))
  const parts = takeParts(steps, state)
  const unrunnable = parts.at(-1)
  if (unrunnable?.problem !== undefined) return stop(state, steps, 'failed', unrunnableError(run, unrunnable))
  return sendParts(run, state, steps, parts)
}

/** Sends one message; returns null when the run goes on, or how it ended. */
async function sendParts(
  run: Run,
  state: State,
  steps: readonly Step[],
  parts: readonly Part[],
): Promise<RunResult | null> {
  const { link, context, emit } = run
  const isOpeningAlone = !state.isOpen && state.isSingly
  const sent = isOpeningAlone ? [] : parts
  const message = composeMessage(context, {
    rollback: state.isFailed,
    opening: state.isOpen ? null : { basis: state.basis, rename: false },
    parts: sent,
    unlock: state.at + sent.length === steps.length,
  })
  const { progress, listen } = followProgress(context, sent, emit)
  try {
    await sendInterruptibly(run, message, listen)
    state.isFailed = false
    settle(state, progress)
    if (state.at === steps.length) run.lock.isHeld = false
    return null
  } catch (cause) {
    settle(state, progress)
    if (isLoss(cause)) return takeUpAgain(run, state, steps, sent.length - progress.applied.length)
    if (!(cause instanceof ServerFailure)) throw cause
    state.isFailed = true
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

  async function sendInterruptibly(
    { signal }: Run,
    { text, silenceMs }: Message,
    onNotice: Parameters<Link['session']['send']>[2],
  ): Promise<void> {
    // A cancel that arrives between two statements is lost, so it is sent until the message has ended.
    let timer: NodeJS.Timeout | undefined
    let cancelling = Promise.resolve()
    const cancel = (): void => {
      cancelling = link.session.cancel().catch(() => {})
      timer = setTimeout(cancel, 500)
    }
    signal.addEventListener('abort', cancel, { once: true })
    try {
      await link.session.send(text, silenceMs, onNotice)
    } finally {
      signal.removeEventListener('abort', cancel)
      clearTimeout(timer)
      // One that is still on its way would hit the next message.
      await cancelling
    }
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
      return { kind: 'stale' }
    }
    if (signal.aborted) return stop(state, steps, 'failed', interruptedError(run))
    if (code !== GUARD.locked) throw describeServerFailure(cause.server, link.options.place)
    await waitForLock(link, context, emit, signal)
    run.lock.isHeld = true
    return null
  }
  if (code === GUARD.stale || (code === '23505' && cause.server.constraint === 'schema_migrations_pkey')) {
    return state.done.length === 0 ? { kind: 'stale' } : stop(state, steps, 'failed', lockHeldError(link, null))
  }

  const part = (position === null ? null : message.findPosition(position))?.part ?? progress.part
  const broken = sent[part] ?? sent[0]
  if (broken === undefined) throw describeServerFailure(cause.server, link.options.place)
  const { migration } = broken
  if (code === GUARD.escaped) return stop(state, steps, 'needs-person', escapedError(run, migration))
  if (signal.aborted) return stop(state, steps, 'failed', interruptedError(run))
  if (TRANSIENT.has(code) && state.retries < context.limits.lockRetries) {
    state.retries++
    emit({
      type: 'waiting',
      environment: context.environment,
      what: `${migration.name}: ${cause.server.message}; attempt ${state.retries + 1} of ${context.limits.lockRetries + 1}`,
    })
    // Full jitter, so that two runs that block each other do not meet again.
    await pause(Math.random() * Math.min(15_000, 500 * 2 ** state.retries), signal)
    return null
  }
  emit({ type: 'migration-failed', environment: context.environment, migration: migration.name })
  const error = describeMigrationFailure(run, broken, failed)
  // The log is told as a courtesy: what is true is that the migration was rolled back.
  if (state.isOpen) {
    await link.session
      .send(composeFailure(context, migration, code), 10_000, () => {})
      .then(
        () => (run.lock.isHeld = state.isFailed = false),
        () => {},
      )
  }
  return stop(state, steps, 'failed', error)
}

/** The connection was lost with `inFlight` steps under way: reconnect, take the lock, and let the history decide. */
async function takeUpAgain(
  run: Run,
  state: State,
  steps: readonly Step[],
  inFlight: number,
): Promise<RunResult | null> {
  state.isFailed = false
  run.lock.isHeld = false
  // Known to the last: the connection broke behind the last commit.
  if (state.at === steps.length) return null
  const history = await recover(run)
  if (history === null)
    return stop(state, steps, inFlight === 0 ? 'failed' : 'unknown', unknownError(run, steps[state.at]))
  run.lock.isHeld = true
  state.isOpen = false
  state.basis = null
  const rows = new Map(history.map((row) => [row.name, row]))
  for (let left = inFlight; left > 0; left--) {
    const step = steps[state.at]
    const row = step === undefined ? undefined : rows.get(step.migration.name)
    if (step === undefined || row === undefined) break
    if (row.status === 'started') return stop(state, steps, 'needs-person', escapedError(run, step.migration))
    if (row.runId === run.context.runId) {
      const durationMs = row.durationMs ?? 0
      state.done.push({ name: row.name, durationMs })
      run.emit({ type: 'migration-applied', environment: run.context.environment, migration: row.name, durationMs })
    }
    state.at++
  }
  // Only now: what the last loss left open is decided by the history, too.
  const isHopeless = ++state.recoveries > MAX_RECOVERIES && state.at < steps.length
  return isHopeless ? stop(state, steps, 'failed', lostError(run)) : null
}

function takeParts(steps: readonly Step[], state: State): ReadPart[] {
  const parts: ReadPart[] = []
  let length = 0
  for (let at = state.at; at < steps.length && parts.length < (state.isSingly ? 1 : MAX_FILES); at++) {
    const step = steps[at]
    if (step === undefined) break
    length += step.migration.up.length
    if (parts.length > 0 && length > MAX_LENGTH) break
    const part = readPart(step.migration)
    // What cannot be run ends the message before it, and is reported when its turn comes.
    if (part.problem !== undefined && parts.length > 0) break
    parts.push(part)
    if (part.problem !== undefined) break
  }
  return parts
}

function stop(
  state: State,
  steps: readonly Step[],
  kind: 'failed' | 'needs-person' | 'unknown',
  error: MigrationManagerError,
): RunResult {
  const failed: StepFailure = { name: steps[state.at]?.migration.name ?? '', error }
  return { kind, done: state.done, failed }
}
