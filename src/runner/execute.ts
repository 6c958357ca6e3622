import type { Locked } from '../core/driver.ts'
import type { Outcome, OutcomeStatus, RunResult } from '../core/outcome.ts'
import type { Plan } from '../core/plan.ts'

/** A plan that no longer fits the database's history, and what of it was run before that came out. */
export interface Stale {
  readonly status: 'stale'
  readonly done: Outcome['done']
}

/** Runs a plan under the lock and says completely what came of it. */
export async function execute(locked: Locked, plan: Plan): Promise<Outcome | Stale> {
  const result = await locked.run(plan.steps, plan.basis)
  if (result.kind === 'stale') return { status: 'stale', done: result.done }
  const failed = result.kind === 'done' ? null : result.failed
  const reached = result.done.length + (failed === null ? 0 : 1)
  const stopped =
    failed === null ? plan.steps.length : plan.steps.findIndex((step) => step.migration.name === failed.name)
  return {
    environment: plan.environment,
    status: statusOf(result),
    done: result.done,
    failed,
    left: plan.steps.slice(stopped < 0 ? reached : stopped + 1),
    findings: plan.findings,
  }
}

function statusOf(result: Exclude<RunResult, { kind: 'stale' }>): OutcomeStatus {
  if (result.kind !== 'done') return result.kind
  // Nothing done, though steps were planned: another run was faster.
  return result.done.length === 0 ? 'up-to-date' : 'applied'
}
