import type { Check } from '../core/check.ts'
import type { Environment } from '../core/environment.ts'
import type { Emit } from '../core/event.ts'
import { isBlocking } from '../core/finding.ts'
import type { Finding } from '../core/finding.ts'
import { reach } from '../core/kill-point.ts'
import { unreadRow } from '../core/history.ts'
import type { AppliedMigration } from '../core/history.ts'
import { isBlocked } from '../core/plan.ts'
import { buildMatrix } from '../core/matrix.ts'
import type { Matrix } from '../core/matrix.ts'
import type { Outcome, OutcomeStatus } from '../core/outcome.ts'
import type { Project } from '../core/project.ts'
import { syncTogether } from '../runner/sync-together.ts'
import { syncTarget, untouched } from '../runner/sync-target.ts'
import { traceFindings } from './changes.ts'
import { planEnvironments } from './plan.ts'
import type { PlanReport, SyncOptions, TargetPlan } from './plan.ts'

/** Asks whether a protected environment may be written to; `what` says what is about to be done. */
export type Confirm = (environment: Environment, what: string) => Promise<'yes' | 'declined' | 'cannot-ask'>

/** What `sync` is handed by whoever runs it. */
export interface SyncPorts {
  readonly checks: readonly Check[]
  readonly confirm: Confirm
  readonly emit: Emit
  /** Hears the plan before anything is asked or written. */
  readonly onPlan?: ((report: PlanReport) => void) | undefined
  readonly signal: AbortSignal
}

export interface SyncReport {
  readonly status: OutcomeStatus
  /** One for each selected environment, in promotion order. */
  readonly outcomes: readonly Outcome[]
  readonly findings: readonly Finding[]
  /** How files and environments stand now. */
  readonly matrix: Matrix
}

/**
 * Brings the selected environments to the same schema, one after the other in promotion order; the first that fails
 * leaves the later ones untouched. With `dryRun` it stops where the first write would come; with `atomic` all of them
 * are brought there, or none.
 */
export async function sync(
  project: Project,
  options: SyncOptions & { readonly dryRun: boolean; readonly atomic: boolean },
  ports: SyncPorts,
): Promise<SyncReport> {
  const planned = await planEnvironments(project, options, ports.checks, ports.emit, ports.signal)
  return carryOut(planned, project, options, ports)
}

/**
 * Takes plans from their findings through the confirmations to their outcomes, target after target in the order given.
 * Closes the connections of the survey, then asks git about files that are not what ran.
 */
export async function carryOut(
  planned: PlanReport,
  { cwd }: Project,
  options: { readonly dryRun: boolean; readonly atomic: boolean },
  ports: SyncPorts,
): Promise<SyncReport> {
  const report = await carryOutPlans(planned, options, ports)
  return { ...report, findings: await traceFindings(report.findings, report.matrix, cwd) }
}

async function carryOutPlans(
  planned: PlanReport,
  options: { readonly dryRun: boolean; readonly atomic: boolean },
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
    : await applyAll(planned.targets, ports)
  return conclude(planned, outcomes, planned.findings)
}

async function applyAll(targets: readonly TargetPlan[], ports: SyncPorts): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  let goesOn = true
  for (const { sight, plan, replan } of targets) {
    const outcome: Outcome = goesOn
      ? await syncTarget(sight.connection, plan, replan, ports.emit)
      : untouched(plan, plan.steps.length === 0 ? 'up-to-date' : 'skipped')
    outcomes.push(outcome)
    goesOn = goesOn && (outcome.status === 'applied' || outcome.status === 'up-to-date')
  }
  return outcomes
}

/** All questions come before the first write, so that a "no" leaves every environment as it was. */
async function confirmAll(targets: readonly TargetPlan[], confirm: Confirm): Promise<readonly Finding[]> {
  for (const { sight, plan } of targets) {
    const { environment } = sight
    if (!environment.protected || plan.steps.length === 0) continue
    const count = plan.steps.length === 1 ? '1 migration' : `${plan.steps.length} migrations`
    const isRevert = plan.steps.some(({ kind }) => kind === 'revert')
    const what = isRevert ? `take ${count} back in ${environment.name}` : `apply ${count} to ${environment.name}`
    const answer = await confirm(environment, what)
    if (answer !== 'yes') return [refusal(environment, answer)]
  }
  return []
}

/** The finding that stands for a confirmation that was not given. */
export function refusal(environment: Environment, answer: 'declined' | 'cannot-ask'): Finding {
  return {
    code: answer === 'declined' ? 'policy/declined' : 'policy/confirmation-needed',
    severity: 'block',
    environment: environment.name,
    message:
      answer === 'declined'
        ? `${environment.name} was not confirmed.`
        : `${environment.name} is protected, and nobody is here to confirm.`,
    hint:
      answer === 'declined'
        ? 'Nothing was written anywhere. Run again to be asked again.'
        : 'Nothing was written anywhere. Say --yes to confirm in advance, or leave it out with --env.',
  }
}

function refuseAll({ targets }: PlanReport, status: 'blocked' | 'planned'): readonly Outcome[] {
  return targets.map(({ plan }) => untouched(plan, plan.steps.length === 0 && !isBlocked(plan) ? 'up-to-date' : status))
}

function conclude(planned: PlanReport, outcomes: readonly Outcome[], findings: readonly Finding[]): SyncReport {
  // A plan that was made anew under the lock may have found something else.
  const late = outcomes.flatMap((outcome) => outcome.findings.filter((finding) => !findings.includes(finding)))
  const all = [...findings, ...late]
  return {
    status: all.some(isBlocking) ? 'blocked' : overallStatus(outcomes),
    outcomes,
    findings: all,
    matrix: matrixAfter(planned, outcomes),
  }
}

/** The word for the whole run: the worst of its parts. */
function overallStatus(outcomes: readonly Outcome[]): OutcomeStatus {
  const order: readonly OutcomeStatus[] = [
    'needs-person',
    'unknown',
    'failed',
    'locked',
    'blocked',
    'planned',
    'applied',
    'up-to-date',
  ]
  return order.find((status) => outcomes.some((outcome) => outcome.status === status)) ?? 'up-to-date'
}

/** What is known now without asking again: the histories that were read, and what this run added to them. */
function matrixAfter({ survey, targets }: PlanReport, outcomes: readonly Outcome[]): Matrix {
  const columns = survey.sights.map((sight) => {
    if (!sight.isReachable) return { environment: sight.environment, history: null }
    const { environment, reading } = sight
    const outcome = outcomes.find((candidate) => candidate.environment === environment.name)
    const steps = targets.find((target) => target.sight === sight)?.plan.steps ?? []
    const done = new Set(outcome?.done.map(({ name }) => name))
    // Up to date although steps were planned: another run has applied them.
    const isOvertaken = outcome?.status === 'up-to-date'
    const failed = outcome?.failed ?? null
    // It has a row, and the row says started: to go on with, or for a person to look at.
    const isStarted = failed?.isResumable === true || outcome?.status === 'needs-person'
    const stuck = failed !== null && isStarted ? failed.name : null
    const touched = steps.filter(({ migration }) => isOvertaken || done.has(migration.name) || migration.name === stuck)
    const names = new Set(touched.map(({ migration }) => migration.name))
    const added = touched.flatMap(({ kind, migration }): AppliedMigration[] =>
      migration.name === stuck
        ? [unreadRow(migration, 'started')]
        : kind === 'revert'
          ? []
          : [unreadRow(migration, 'applied')],
    )
    // What was sent together with the one that is not known is not known either, and listed behind it.
    const undecided =
      outcome?.status === 'unknown' ? [failed?.name ?? '', ...outcome.left.map(({ migration }) => migration.name)] : []
    const history = [...reading.history.filter(({ name }) => !names.has(name)), ...added]
    return { environment, history, undecided: new Set(undecided) }
  })
  return buildMatrix(survey.folders, columns)
}
