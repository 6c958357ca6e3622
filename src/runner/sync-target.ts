import type { Connection, Locked } from '../core/driver.ts'
import { MigrationManagerError } from '../core/errors.ts'
import type { Emit } from '../core/event.ts'
import type { AppliedMigration } from '../core/history.ts'
import type { Outcome, OutcomeStatus, StepResult } from '../core/outcome.ts'
import { isBlocked } from '../core/plan.ts'
import type { Plan } from '../core/plan.ts'
import { execute } from './execute.ts'

/**
 * Brings one target from its plan to its outcome. If the history has moved on since the plan was made, the plan is
 * made anew, under the lock, with `replan`: as often as somebody else has done a part of what is left, as happens behind
 * a transaction pooler, where the lock is for one migration at a time. A second surprise of another kind is refused.
 */
export async function syncTarget(
  connection: Connection,
  plan: Plan,
  replan: (history: readonly AppliedMigration[]) => Plan,
  emit: Emit,
): Promise<Outcome> {
  const { environment } = plan
  if (isBlocked(plan)) return untouched(plan, 'blocked')
  if (plan.steps.length === 0) return untouched(plan, 'up-to-date')
  emit({ type: 'target-started', environment, migrations: plan.steps.length })
  try {
    const outcome = await connection.withLock((locked) => executeToTheEnd(locked, plan, replan))
    emit({ type: 'target-finished', environment, applied: outcome.done.length })
    return outcome
  } catch (cause) {
    if (!(cause instanceof MigrationManagerError)) throw cause
    return stoppedBefore(plan, cause)
  }
}

async function executeToTheEnd(
  locked: Locked,
  plan: Plan,
  replan: (history: readonly AppliedMigration[]) => Plan,
): Promise<Outcome> {
  const done: StepResult[] = []
  const conclude = (last: Outcome): Outcome => ({
    ...last,
    done,
    status: last.status === 'up-to-date' && done.length > 0 ? 'applied' : last.status,
  })
  let current = plan
  let surprises = 0
  try {
    for (;;) {
      const result = await execute(locked, current)
      done.push(...result.done)
      if (result.status !== 'stale') return conclude(result)
      current = without(current, result.done)
      const next = replan(await locked.history())
      if (isBlocked(next)) return conclude(untouched(next, 'blocked'))
      if (next.steps.length === 0) return conclude(untouched(next, 'up-to-date'))
      if (next.steps.length >= current.steps.length) surprises++
      // What was shown, checked and confirmed is the first plan: another one may only hold less. Nor does it hold again
      // what this run has done, should somebody take that back.
      if (!isPartOf(next, current) || surprises > 1) return conclude(refuseStale(next))
      current = next
    }
  } catch (cause) {
    // What is applied already must be said, whatever the world came to since.
    if (!(cause instanceof MigrationManagerError) || done.length === 0) throw cause
    return conclude(stoppedBefore(current, cause))
  }
}

function without(plan: Plan, done: readonly StepResult[]): Plan {
  const names = new Set(done.map(({ name }) => name))
  return { ...plan, steps: plan.steps.filter(({ migration }) => !names.has(migration.name)) }
}

function isPartOf(plan: Plan, whole: Plan): boolean {
  const known = new Set(whole.steps.map(({ kind, migration }) => `${kind} ${migration.name}`))
  return plan.steps.every(({ kind, migration }) => known.has(`${kind} ${migration.name}`))
}

/** The outcome of a target on which nothing was done. */
export function untouched(plan: Plan, status: OutcomeStatus): Outcome {
  return { environment: plan.environment, status, done: [], failed: null, left: plan.steps, findings: plan.findings }
}

/** The history has changed under this run, in a way that its plan cannot follow. */
export function refuseStale(plan: Plan): Outcome {
  const finding = {
    code: 'plan/stale',
    severity: 'block',
    environment: plan.environment,
    message: `The history of ${plan.environment} has changed while this run was at work.`,
    hint: 'Run the same command again. If it happens again, find out who else writes to schema_migrations.',
  } as const
  return { ...untouched(plan, 'blocked'), findings: [...plan.findings, finding] }
}

/** The target could not be worked on at all: its lock is held, it cannot be prepared, or its connection is gone. */
export function stoppedBefore(plan: Plan, error: MigrationManagerError): Outcome {
  const status = error.code === 'lock/held' ? 'locked' : 'failed'
  const name = plan.steps[0]?.migration.name ?? ''
  return { ...untouched(plan, status), failed: { name, error }, left: plan.steps.slice(1) }
}
