import { doneEvent } from '../core/event.ts'
import type { Connection } from '../core/driver.ts'
import { MigrationManagerError } from '../core/errors.ts'
import type { Emit } from '../core/event.ts'
import type { Held, HoldResult, Outcome, StepFailure, StepResult } from '../core/outcome.ts'
import type { Plan } from '../core/plan.ts'
import { refuseStale, stoppedBefore, untouched } from './sync-target.ts'

/** One target of an atomic sync: the plan, and the way to its database. */
export interface AtomicTarget {
  readonly connection: Connection
  readonly plan: Plan
}

/** A target whose steps are carried out and not yet committed. */
interface HeldTarget {
  readonly plan: Plan
  readonly done: readonly StepResult[]
  readonly held: Held
}

/**
 * Brings all targets to their plans or none: carries out each plan in a transaction that is held open, in promotion
 * order, looks once more whether all of them are still there, and then commits all at once. Between the first commit
 * and the last lies about one round trip, in which a target can still be lost; the outcomes then say exactly which ones
 * were committed. Targets without steps are left alone.
 */
export async function syncTogether(targets: readonly AtomicTarget[], emit: Emit): Promise<readonly Outcome[]> {
  const busy = targets.filter(({ plan }) => plan.steps.length > 0)
  const outcomes = await holdNext(busy, [], emit)
  return targets.map(
    ({ plan }) => outcomes.find(({ environment }) => environment === plan.environment) ?? untouched(plan, 'up-to-date'),
  )
}

/** Holds the first of `rest` inside the locks of those that are held already; commits when there is no rest. */
async function holdNext(
  rest: readonly AtomicTarget[],
  held: readonly HeldTarget[],
  emit: Emit,
): Promise<readonly Outcome[]> {
  const [next, ...others] = rest
  if (next === undefined) return commitAll(held, emit)
  const { connection, plan } = next
  emit({ type: 'target-started', environment: plan.environment, migrations: plan.steps.length })
  const giveUp = async (outcome: Outcome): Promise<readonly Outcome[]> => {
    await Promise.all(held.map((target) => target.held.rollback()))
    return [
      ...held.map((target) => untouched(target.plan, 'skipped')),
      outcome,
      ...others.map((target) => untouched(target.plan, 'skipped')),
    ]
  }
  try {
    return await connection.withLock(async (locked) => {
      const result = (await locked.hold?.(plan.steps, plan.basis)) ?? cannotHold(plan)
      switch (result.kind) {
        case 'held':
          return holdNext(others, [...held, { plan, done: result.done, held: result.held }], emit)
        case 'stale':
          return giveUp(refuseStale(plan))
        case 'failed':
          return giveUp(failedOutcome(plan, result.failed))
      }
    })
  } catch (cause) {
    if (!(cause instanceof MigrationManagerError)) throw cause
    return giveUp(stoppedBefore(plan, cause))
  }
}

async function commitAll(held: readonly HeldTarget[], emit: Emit): Promise<readonly Outcome[]> {
  const lost = await findLost(held)
  if (lost !== null) {
    await Promise.all(held.map((target) => target.held.rollback()))
    return held.map(({ plan }) => (plan === lost.plan ? stoppedBefore(plan, lost.error) : untouched(plan, 'skipped')))
  }
  const results = await Promise.all(held.map((target) => target.held.commit()))
  const namesOf = (result: string): readonly string[] =>
    held.filter((_, index) => results[index] === result).map(({ plan }) => plan.environment)
  const committed = namesOf('committed')
  const unknown = namesOf('unknown')
  return held.map(({ plan, done }, index): Outcome => {
    if (results[index] === 'committed') {
      for (const result of done) {
        const step = plan.steps.find(({ migration }) => migration.name === result.name)
        emit(doneEvent(plan.environment, step?.kind ?? 'apply', result))
      }
      emit({ type: 'target-finished', environment: plan.environment, applied: done.length })
      return { ...untouched(plan, 'applied'), done, left: [] }
    }
    const status = results[index] === 'unknown' ? 'unknown' : 'failed'
    return {
      ...untouched(plan, status),
      failed: notCommitted(plan, status, committed, unknown),
      left: plan.steps.slice(1),
    }
  })
}

/** The first target that can no longer be committed, looked for in all of them at once. */
async function findLost(
  held: readonly HeldTarget[],
): Promise<{ readonly plan: Plan; readonly error: MigrationManagerError } | null> {
  const errors = await Promise.all(
    held.map(async (target) =>
      target.held.check().then(
        () => null,
        (cause: unknown) => ({ plan: target.plan, cause }),
      ),
    ),
  )
  const first = errors.find((error) => error !== null) ?? null
  if (first === null) return null
  const { plan, cause } = first
  const error =
    cause instanceof MigrationManagerError
      ? cause
      : new MigrationManagerError(
          'connection/lost',
          `The connection to ${plan.environment} was lost before the commit.`,
          {
            environment: plan.environment,
            hint: 'Nothing was changed anywhere. Run the same command again.',
          },
        )
  return { plan, error }
}

/** The window was hit: say exactly who has it and who has not. */
function notCommitted(
  plan: Plan,
  status: 'failed' | 'unknown',
  committed: readonly string[],
  unknown: readonly string[],
): StepFailure {
  const { environment } = plan
  const open = unknown.filter((name) => name !== environment)
  const others = [
    committed.length === 0
      ? 'No other environment is known to have committed.'
      : `Committed in: ${committed.join(', ')}.`,
    open.length === 0 ? '' : ` Not known: ${open.join(', ')}.`,
  ].join('')
  const error =
    status === 'unknown'
      ? new MigrationManagerError(
          'outcome/unknown',
          `The connection to ${environment} was lost at the commit, and could not be had again in time. ${others}`,
          {
            environment,
            hint: 'Run status, or the same command again, when the database can be reached: the history will decide.',
          },
        )
      : new MigrationManagerError(
          'atomic/not-committed',
          `${environment} was lost at the commit and rolled back. ${others}`,
          {
            environment,
            hint:
              committed.length === 0
                ? 'Run the same command again.'
                : `Run the same command again: it brings ${environment} to where the others are.`,
          },
        )
  return { name: plan.steps[0]?.migration.name ?? '', error }
}

function failedOutcome(plan: Plan, failed: StepFailure): Outcome {
  const at = plan.steps.findIndex(({ migration }) => migration.name === failed.name)
  return { ...untouched(plan, 'failed'), failed, left: plan.steps.filter((_, index) => index !== at) }
}

function cannotHold(plan: Plan): HoldResult {
  const { environment } = plan
  return {
    kind: 'failed',
    failed: {
      name: plan.steps[0]?.migration.name ?? '',
      error: new MigrationManagerError(
        'target/not-atomic',
        `The engine of ${environment} cannot hold a transaction open.`,
        {
          environment,
          hint: 'Leave out --atomic, or leave the environment out with --env.',
        },
      ),
    },
  }
}
