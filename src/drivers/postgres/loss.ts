import { doneEvent } from '../../core/event.ts'
import type { RunResult } from '../../core/outcome.ts'
import type { Step } from '../../core/plan.ts'
import { escapedError, lostError, unknownError, unreachableError } from './failure.ts'
import { recover } from './recovery.ts'
import { MAX_RECOVERIES } from './run.ts'
import type { Run } from './run.ts'
import { isOvertaken, stop } from './run-state.ts'
import type { State } from './run-state.ts'

/** The connection was lost with `inFlight` steps under way: reconnect, take the lock, and let the history decide. */
export async function takeUpAgain(
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
  if (history === null) {
    const next = steps[state.at]?.migration.name ?? ''
    return inFlight === 0
      ? stop(state, steps, 'failed', unreachableError(run, next))
      : stop(state, steps, 'unknown', unknownError(run, next))
  }
  run.lock.isHeld = true
  state.isOpen = false
  const rows = new Map(history.map((row) => [row.name, row]))
  for (let left = inFlight; left > 0; left--) {
    const step = steps[state.at]
    const row = step === undefined ? undefined : rows.get(step.migration.name)
    if (step === undefined) break
    if (row?.status === 'started' && row.runId === run.context.runId)
      return stop(state, steps, 'needs-person', escapedError(run, step.migration))
    const isRevert = step.kind === 'revert'
    if (isRevert ? row !== undefined : row?.runId !== run.context.runId) break
    const result = { name: step.migration.name, durationMs: row?.durationMs ?? 0 }
    state.done.push(result)
    run.emit(doneEvent(run.context.environment, step.kind, result))
    state.at++
  }
  if (isOvertaken(run, state, steps, history, null)) return { kind: 'stale', done: state.done }
  // Under the lock, and just looked at.
  state.basis = null
  // Only now: what the last loss left open is decided by the history, too.
  const isHopeless = ++state.recoveries > MAX_RECOVERIES && state.at < steps.length
  return isHopeless ? stop(state, steps, 'failed', lostError(run)) : null
}
