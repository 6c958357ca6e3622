import type { Connection } from '../core/driver.ts'
import type { Emit } from '../core/event.ts'
import type { AppliedMigration } from '../core/history.ts'
import { isGood } from '../core/outcome.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Plan } from '../core/plan.ts'
import { syncTarget, untouched } from '../runner/sync-target.ts'
import type { Turns } from '../runner/turns.ts'
import { planWaves } from './waves.ts'

/** One database of a fleet: the plan, and the way to it. */
export interface RolloutTarget {
  readonly connection: Connection
  /** What `takeTurn` counts by: the databases of one server wait for each other. */
  readonly server: string
  readonly plan: Plan
  readonly replan: (history: readonly AppliedMigration[]) => Plan
}

export interface RolloutOptions {
  /** The environment's name. */
  readonly fleet: string
  /** So many databases may fail; with one more no other one is begun. */
  readonly maxFailures: number
  /** How many databases of the fleet have failed before anything was begun: those that could not be read. */
  readonly failures: number
  /** How many databases of one server are worked on at once. */
  readonly takeTurn: Turns
  readonly emit: Emit
  readonly signal: AbortSignal
}

/**
 * Brings the databases of a fleet to their plans, wave after wave: one, then ten, then the rest. Too many failures, or an
 * interruption, and no other database is begun; those that are under way are brought to their end. The histories hold
 * what is done, so a second run goes on where this one stopped. Returns an outcome for each target, in the order given.
 */
export async function rollOut(targets: readonly RolloutTarget[], options: RolloutOptions): Promise<readonly Outcome[]> {
  const { fleet, emit, takeTurn, signal, maxFailures } = options
  const outcomes = new Map<RolloutTarget, Outcome>()
  const pending = targets.filter(({ plan }) => plan.steps.length > 0)
  const waves = planWaves(pending)
  let failures = options.failures
  let finished = 0

  const isOver = (): boolean => failures > maxFailures || signal.aborted
  const bring = async (target: RolloutTarget): Promise<void> => {
    if (isOver()) return
    const outcome = await syncTarget(target.connection, target.plan, target.replan, emit)
    outcomes.set(target, outcome)
    finished++
    if (!isGood(outcome)) failures++
    emit({
      type: 'database-finished',
      environment: fleet,
      database: outcome.environment,
      status: outcome.status,
      migrations: outcome.done.length,
      finished,
      databases: pending.length,
    })
  }

  for (const [index, wave] of waves.entries()) {
    if (isOver()) break
    emit({
      type: 'wave-started',
      environment: fleet,
      wave: index + 1,
      waves: waves.length,
      databases: wave.length,
    })
    await Promise.all(wave.map((target) => takeTurn(target.server, () => bring(target))))
  }
  return targets.map(
    (target) =>
      outcomes.get(target) ?? untouched(target.plan, target.plan.steps.length === 0 ? 'up-to-date' : 'skipped'),
  )
}
