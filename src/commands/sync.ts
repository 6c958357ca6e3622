import type { Check } from '../core/check.ts'
import { MigrationManagerError } from '../core/errors.ts'
import type { Emit } from '../core/event.ts'
import { isBlocking } from '../core/finding.ts'
import { reach } from '../core/kill-point.ts'
import { isGood } from '../core/outcome.ts'
import type { Outcome } from '../core/outcome.ts'
import { isBlocked } from '../core/plan.ts'
import { DEFAULT_CONCURRENCY } from '../core/policy.ts'
import type { Project } from '../core/project.ts'
import { rollOut } from '../fleet/rollout.ts'
import { syncTogether } from '../runner/sync-together.ts'
import { syncTarget, untouched } from '../runner/sync-target.ts'
import { createTurns } from '../runner/turns.ts'
import { traceFindings } from './changes.ts'
import { confirmAll } from './confirmation.ts'
import type { Confirm } from './confirmation.ts'
import { planEnvironments } from './plan.ts'
import type { PlanReport, SyncOptions, TargetPlan } from './plan.ts'
import { groupByOwner, selectEnvironments } from './selection.ts'
import { serverOf } from './survey.ts'
import { conclude, NOTHING_TO_DO, orderOutcomes } from './sync-report.ts'
import type { SyncReport } from './sync-report.ts'

/** What `sync` is handed by whoever runs it. */
export interface SyncPorts {
  readonly checks: readonly Check[]
  readonly confirm: Confirm
  readonly emit: Emit
  /** Hears the plan before anything is asked or written. */
  readonly onPlan?: ((report: PlanReport) => void) | undefined
  readonly signal: AbortSignal
}

/**
 * Brings the selected environments to the same schema, one after the other in promotion order, the databases of a fleet
 * in waves; the first that does not come to its end leaves the later ones untouched. With `dryRun` it stops where the
 * first write would come; with `atomic` all of them are brought there, or none.
 */
export async function sync(
  project: Project,
  options: SyncOptions & { readonly dryRun: boolean; readonly atomic: boolean },
  ports: SyncPorts,
): Promise<SyncReport> {
  refuseAtomicFleet(project, options)
  if (selectEnvironments(project).length === 0) return NOTHING_TO_DO
  const planned = await planEnvironments(project, options, ports.checks, ports.emit, ports.signal)
  return carryOut(planned, project, options, ports)
}

/**
 * Takes plans from their findings through the confirmations to their outcomes, target after target in the order given.
 * Closes the connections of the survey, then asks git about files that are not what ran.
 */
export async function carryOut(
  planned: PlanReport,
  project: Project,
  options: CarryOutOptions,
  ports: SyncPorts,
): Promise<SyncReport> {
  const report = await carryOutPlans(planned, project, options, ports)
  return { ...report, findings: await traceFindings(report.findings, report.matrix, project.cwd) }
}

/** How plans are carried out; `maxFailures` as in `SyncOptions`. */
export type CarryOutOptions = Pick<SyncOptions, 'maxFailures'> & { readonly dryRun: boolean; readonly atomic: boolean }

/** A transaction held open in each of a thousand databases is no way to change them: throws `usage/bad-arguments`. */
export function refuseAtomicFleet(project: Project, { atomic }: { readonly atomic: boolean }): void {
  const fleet = selectEnvironments(project).find((environment) => environment.fleet !== undefined)?.fleet
  if (!atomic || fleet === undefined) return
  throw new MigrationManagerError(
    'usage/bad-arguments',
    `--atomic does not go together with ${fleet}, which has many databases.`,
    {
      hint: `Leave out --atomic: each migration is a transaction of its own in every database, and a run that stops goes on where it stopped. Or leave ${fleet} out with --env.`,
    },
  )
}

async function carryOutPlans(
  planned: PlanReport,
  project: Project,
  options: CarryOutOptions,
  ports: SyncPorts,
): Promise<SyncReport> {
  await using _connections = planned.survey
  ports.onPlan?.(planned)
  reach('planned')
  if (planned.findings.some(isBlocking)) return conclude(planned, refuseAll(planned, 'blocked'), planned.findings)
  if (options.dryRun) return conclude(planned, refuseAll(planned, 'planned'), planned.findings)

  const refusals = await confirmAll(planned.targets, ports.confirm)
  if (refusals.length > 0) {
    return conclude(planned, refuseAll(planned, 'blocked'), [...planned.findings, ...refusals])
  }
  reach('confirmed')
  const outcomes = options.atomic
    ? await syncTogether(
        planned.targets.map(({ sight, plan }) => ({ connection: sight.connection, plan })),
        ports.emit,
      )
    : await applyAll(planned, project, options.maxFailures ?? 0, ports)
  return conclude(planned, outcomes, planned.findings)
}

/** One environment after the other; the databases of a fleet in waves. */
async function applyAll(
  planned: PlanReport,
  project: Project,
  maxFailures: number,
  ports: SyncPorts,
): Promise<readonly Outcome[]> {
  const targetOf = new Map(planned.targets.map((target) => [target.sight.environment.name, target]))
  const takeTurn = createTurns(project.concurrency ?? DEFAULT_CONCURRENCY)
  const outcomes = new Map<string, Outcome>()
  let goesOn = true
  for (const group of groupByOwner(planned.selected, ({ environment }) => environment)) {
    const targets = group.flatMap(({ environment }) => targetOf.get(environment.name) ?? [])
    const { fleet } = group[0].environment
    const failures = group.length - targets.length
    const results: readonly Outcome[] = !goesOn
      ? targets.map(({ plan }) => untouched(plan, plan.steps.length === 0 ? 'up-to-date' : 'skipped'))
      : fleet === undefined
        ? await Promise.all(targets.map((target) => applyOne(target, ports)))
        : await rollOut(
            targets.map(({ sight, plan, replan }) => {
              const { connection, environment } = sight
              return { connection, server: serverOf(project, environment), plan, replan }
            }),
            { fleet, maxFailures, failures, takeTurn, emit: ports.emit, signal: ports.signal },
          )
    for (const outcome of results) outcomes.set(outcome.environment, outcome)
    goesOn = goesOn && failures === 0 && results.every(isGood)
  }
  return orderOutcomes(planned, (name) => outcomes.get(name))
}

function applyOne({ sight, plan, replan }: TargetPlan, { emit }: SyncPorts): Promise<Outcome> {
  return syncTarget(sight.connection, plan, replan, emit)
}

function refuseAll(planned: PlanReport, status: 'blocked' | 'planned'): readonly Outcome[] {
  const outcomes = new Map(
    planned.targets.map(({ plan }) => [
      plan.environment,
      untouched(plan, plan.steps.length === 0 && !isBlocked(plan) ? 'up-to-date' : status),
    ]),
  )
  return orderOutcomes(planned, (name) => outcomes.get(name))
}
