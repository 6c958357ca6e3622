import type { Finding } from '../core/finding.ts'
import { isBlocking } from '../core/finding.ts'
import { unreadRow } from '../core/history.ts'
import type { AppliedMigration } from '../core/history.ts'
import { buildMatrix } from '../core/matrix.ts'
import type { Matrix } from '../core/matrix.ts'
import type { Outcome, OutcomeStatus } from '../core/outcome.ts'
import type { PlanReport } from './plan.ts'

/** What a run that plans and carries out came to. */
export interface SyncReport {
  readonly status: OutcomeStatus
  /** One for each selected environment, in promotion order; for a rollback in reverse. */
  readonly outcomes: readonly Outcome[]
  readonly findings: readonly Finding[]
  /** How files and environments stand now. */
  readonly matrix: Matrix
}

/** Of a run to which no database falls: a shard may be empty. */
export const NOTHING_TO_DO: SyncReport = {
  status: 'up-to-date',
  outcomes: [],
  findings: [],
  matrix: buildMatrix([], []),
}

/** Puts together what became of plans; `findings` are all that were found before. */
export function conclude(planned: PlanReport, outcomes: readonly Outcome[], findings: readonly Finding[]): SyncReport {
  const known = new Set(findings.map(keyOf))
  // A plan that was made anew under the lock may have found something else.
  const late = outcomes.flatMap((outcome) => outcome.findings.filter((finding) => !known.has(keyOf(finding))))
  const all = [...findings, ...late]
  return {
    // A plan that was blocked later is one outcome among the others.
    status: findings.some(isBlocking) ? 'blocked' : overallStatus(outcomes),
    outcomes,
    findings: all,
    matrix: matrixAfter(planned, outcomes),
  }
}

/** Of two findings that say the same, which a plan made anew does. */
function keyOf({ code, environment, migration, message }: Finding): string {
  return JSON.stringify([code, environment, migration, message])
}

/**
 * One outcome for each that was selected, in the order of the plan. What could not be read, and was let pass, has failed.
 */
export function orderOutcomes(
  { selected }: PlanReport,
  outcomeOf: (environment: string) => Outcome | undefined,
): readonly Outcome[] {
  return selected.flatMap((sight): readonly Outcome[] => {
    const { name } = sight.environment
    const outcome = outcomeOf(name)
    if (sight.isReachable) return outcome === undefined ? [] : [outcome]
    return [
      {
        environment: name,
        status: 'failed',
        done: [],
        failed: { name: '', error: sight.error },
        left: [],
        findings: [],
      },
    ]
  })
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
    'skipped',
    'applied',
    'up-to-date',
  ]
  return order.find((status) => outcomes.some((outcome) => outcome.status === status)) ?? 'up-to-date'
}

/** What is known now without asking again: the histories that were read, and what this run added to them. */
function matrixAfter({ survey, targets }: PlanReport, outcomes: readonly Outcome[]): Matrix {
  if (targets.every(({ plan }) => plan.steps.length === 0)) return survey.matrix
  const outcomeOf = new Map(outcomes.map((outcome) => [outcome.environment, outcome]))
  const stepsOf = new Map(targets.map(({ sight, plan }) => [sight.environment.name, plan.steps]))
  const columns = survey.sights.map((sight) => {
    if (!sight.isReachable) return { environment: sight.environment, history: null }
    const { environment, reading } = sight
    const outcome = outcomeOf.get(environment.name)
    const steps = stepsOf.get(environment.name) ?? []
    const failed = outcome?.failed ?? null
    const left = new Set(outcome?.left.map(({ migration }) => migration.name))
    // It has a row, and the row says started: to go on with, or for a person to look at.
    const isStarted = failed?.isResumable === true || outcome?.status === 'needs-person'
    const stuck = failed !== null && isStarted ? failed.name : null
    // What is neither left nor failed was done: by this run, or by another that was faster.
    const isTouched = (name: string): boolean =>
      outcome !== undefined && (name === stuck || (name !== failed?.name && !left.has(name)))
    const touched = steps.filter(({ migration }) => isTouched(migration.name))
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
