import { MigrationManagerError } from '../../core/errors.ts'
import { reach } from '../../core/kill-point.ts'
import { describeNotAtomic } from '../../core/not-atomic.ts'
import type { Held, HoldResult } from '../../core/outcome.ts'
import type { Step } from '../../core/plan.ts'
import { findCulprit } from './culprit.ts'
import { describeServerFailure } from './errors.ts'
import { ServerFailure } from './session-failure.ts'
import { describeMigrationFailure, escapedError, interruptedError, lostError, unrunnableError } from './failure.ts'
import { isLoss } from './link.ts'
import { lockHeldError, waitForLock } from './lock-wait.ts'
import { hasForgottenRows } from './history-row.ts'
import type { RowStatements } from './history-row.ts'
import { composeFailure, composeMessage } from './message.ts'
import { GUARD, silenceOf } from './message-context.ts'
import type { Message, Part } from './message.ts'
import { readPart } from './part.ts'
import { followProgress } from './progress.ts'
import type { Progress } from './progress.ts'
import { recover } from './recovery.ts'
import { isTransient, sendInterruptibly, waitToRetry } from './run.ts'
import type { Run } from './run.ts'

/**
 * Carries out all steps in one transaction and leaves it open. What fails leaves nothing behind: the transaction is
 * rolled back, here or by the server when the connection is gone.
 */
export async function holdSteps(run: Run, steps: readonly Step[], basis: string): Promise<HoldResult> {
  const parts: Part[] = []
  for (const step of steps) {
    const { migration } = step
    const part = readPart(step)
    if (part.kind === 'unrunnable') return failed(migration.name, unrunnableError(run, part.source, part.problem))
    if (part.kind === 'steps') return failed(migration.name, notAtomicError(run, step, steps))
    parts.push(part)
  }
  let rows: RowStatements = run.link.hasSession ? 'prepared' : 'written-out'
  for (let attempt = 0, isRolledBack = true; ; isRolledBack = false) {
    if (run.signal.aborted) return failed(parts[0]?.migration.name ?? '', interruptedError(run))
    const message = composeMessage(run.context, {
      rollback: !isRolledBack,
      opening: { basis, rename: false, kinds: steps.map(({ kind }) => kind) },
      parts,
      rows,
      holds: true,
      unlock: false,
    })
    const { progress, listener } = followProgress(run.context, parts, run.emit)
    try {
      await sendInterruptibly(run, message.text, message.silenceMs, listener)
      run.lock.isHeld = true
      reach('held')
      return { kind: 'held', done: progress.ended, held: createHeld(run, steps) }
    } catch (cause) {
      if (isLoss(cause)) return failed(nameAt(parts, progress), lostError(run))
      if (!(cause instanceof ServerFailure)) throw cause
      run.lock.isHeld = run.lock.isHeld || progress.hasOpened
      const { code } = cause.server
      if (hasForgottenRows(run.context, cause.server)) {
        rows = 'written-out'
      } else if (code === GUARD.locked) {
        await waitForLock(run.link, run.context, run.emit, run.signal)
        run.lock.isHeld = true
      } else if (isTransient(code) && attempt < run.context.limits.lockRetries && !run.signal.aborted) {
        attempt++
        await waitToRetry(run, nameAt(parts, progress), cause, attempt)
      } else {
        return refuse(run, parts, { cause, progress, message })
      }
    }
  }
}

interface Refused {
  readonly cause: ServerFailure
  readonly progress: Progress
  readonly message: Message
}

async function refuse(run: Run, parts: readonly Part[], refused: Refused): Promise<HoldResult> {
  const { cause, progress, message } = refused
  const { code, position } = cause.server
  // An interruption is no failed attempt: the log is not told of it. It is, of a file that has ended the transaction.
  const isInterrupted = run.signal.aborted && code !== GUARD.escaped
  if (code === GUARD.stale || isInterrupted) {
    await run.link.session.ask('ROLLBACK', silenceOf(run.context)).catch(() => {})
    // The lock may have been taken before this failed, and a session lock outlives the rollback.
    run.lock.isHeld = true
    return code === GUARD.stale ? { kind: 'stale' } : failed(nameAt(parts, progress), interruptedError(run))
  }
  const culprit = findCulprit(message, parts, progress, position)
  const part = parts[culprit.part]
  if (part === undefined || (progress.hasBegun && !progress.hasOpened)) {
    await run.link.session.ask('ROLLBACK', silenceOf(run.context)).catch(() => {})
    throw describeServerFailure(cause.server, run.link.options.place)
  }
  const { migration } = part
  const error = describeMigrationFailure(run, part, { cause, progress, culprit })
  if (progress.hasOpened) {
    await run.link.session
      .ask(composeFailure(run.context, migration, { code: error.engineCode ?? error.code }), silenceOf(run.context))
      .then(
        () => (run.lock.isHeld = false),
        () => {},
      )
  }
  if (code === GUARD.escaped) return failed(migration.name, escapedError(run, migration))
  run.emit({ type: 'migration-failed', environment: run.context.environment, migration: migration.name })
  return failed(migration.name, error)
}

function createHeld(run: Run, steps: readonly Step[]): Held {
  const { link, context } = run
  const { session, facts } = link
  return {
    async check() {
      const [row] = await session.ask('SELECT pg_catalog.pg_backend_pid()::text', context.limits.connectMs)
      // Behind a transaction pooler the transaction keeps whichever backend it was begun on.
      if (context.hasSession && row?.[0] !== String(facts.pid)) throw lockHeldError(link, null)
    },
    async commit() {
      try {
        return (await session.tag('COMMIT', silenceOf(context))) === 'COMMIT' ? 'committed' : 'rolled-back'
      } catch (cause) {
        if (!isLoss(cause)) return 'rolled-back'
      }
      const history = await recover(run)
      if (history === null) return 'unknown'
      run.lock.isHeld = true
      const rows = new Map(history.map((row) => [row.name, row]))
      const isDone = steps.every(({ kind, migration }) => {
        const row = rows.get(migration.name)
        return kind === 'revert' ? row === undefined : row?.runId === context.runId
      })
      return isDone ? 'committed' : 'rolled-back'
    },
    async rollback() {
      // If this does not arrive, the end of the connection rolls back.
      await session.ask('ROLLBACK', context.limits.connectMs).catch(() => session.destroy())
    },
  }
}

function failed(name: string, error: MigrationManagerError): HoldResult {
  return { kind: 'failed', failed: { name, error } }
}

function nameAt(parts: readonly Part[], { part }: Progress): string {
  return (parts[part] ?? parts[0])?.migration.name ?? ''
}

function notAtomicError({ context }: Run, step: Step, steps: readonly Step[]): MigrationManagerError {
  const { environment } = context
  const { code, message, hint } = describeNotAtomic(step, [{ environment, steps }])
  return new MigrationManagerError(code, message, { environment, hint })
}
