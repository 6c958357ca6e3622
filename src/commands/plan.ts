import type { Check } from '../core/check.ts'
import type { Emit } from '../core/event.ts'
import { followEmptyFiles } from '../core/empty-file.ts'
import { allowFindings } from '../core/finding.ts'
import type { Finding } from '../core/finding.ts'
import type { AppliedMigration } from '../core/history.ts'
import type { Folder } from '../core/matrix.ts'
import { keepNamesThatRan } from '../core/out-of-order.ts'
import { planSync } from '../core/plan.ts'
import type { Plan, Selection } from '../core/plan.ts'
import type { Project } from '../core/project.ts'
import { findNotPromoted } from '../core/promotion.ts'
import { findLeftOut } from './left-out.ts'
import { environmentsToRead, resolveVersion, selectEnvironments } from './selection.ts'
import { decideFrom } from './sound-survey.ts'
import type { Tolerance } from './sound-survey.ts'
import { columnsOf, readFolders, survey } from './survey.ts'
import type { Sight, Survey } from './survey.ts'

/** What the command line says about what is wanted. */
export interface SyncOptions {
  readonly to?: string | undefined
  readonly only?: string | undefined
  /** Codes of findings that do not block. */
  readonly allow: readonly string[]
  /** How many databases of each fleet may be unreadable or fail before the run stops; none when absent. */
  readonly maxFailures?: number | undefined
}

/** The plan of one environment, with the way to it still open. */
export interface TargetPlan {
  readonly sight: Extract<Sight, { isReachable: true }>
  readonly plan: Plan
  /** Makes the plan anew from a history that has moved on. */
  readonly replan: (history: readonly AppliedMigration[]) => Plan
}

export interface PlanReport {
  /** One for each of `selected` that could be read, in its order. */
  readonly targets: readonly TargetPlan[]
  /** All that is worked on, in the order in which it is; of fleets, also what could not be read and is let pass. */
  readonly selected: readonly Sight[]
  /** Of all environments together. */
  readonly findings: readonly Finding[]
  readonly survey: Survey
}

/**
 * Plans `sync` for the selected environments: reads every environment that matters at once, compares, checks. Writes
 * nothing. Throws for bad files and unknown versions, whatever the environments are like, and when an environment cannot be
 * read that is not tolerated. The report holds open connections; dispose of `survey`.
 */
export async function planEnvironments(
  project: Project,
  options: SyncOptions,
  checks: readonly Check[],
  emit: Emit,
  signal: AbortSignal,
): Promise<PlanReport> {
  const environments = environmentsToRead(project)
  const folders = readFolders(project, environments)
  const selection = folders.then((read) => resolveSelection(options, read))
  const seen = await survey(
    project,
    environments,
    selection.then(() => folders),
    emit,
    signal,
    'states',
  )
  return decideFrom(seen, async () => decide(project, await selection, checks, seen), toleranceOf(project, options))
}

/** What a person wrote, against the files there are. */
function resolveSelection({ to, only, allow }: SyncOptions, folders: readonly Folder[]): Selection {
  const files = folders.flatMap(({ migrations }) => migrations)
  return {
    to: to === undefined ? undefined : resolveVersion('--to', to, files),
    only: only === undefined ? undefined : resolveVersion('--only', only, files),
    allow: new Set(allow),
  }
}

async function decide(
  project: Project,
  selection: Selection,
  checks: readonly Check[],
  seen: Survey,
): Promise<PlanReport> {
  const selected = new Set(selectEnvironments(project).map(({ name }) => name))
  const targets: TargetPlan[] = []
  for (const sight of seen.sights) {
    if (!sight.isReachable || !selected.has(sight.environment.name)) continue
    const replan = (history: readonly AppliedMigration[]): Plan =>
      planSync(sight.environment.name, seen.migrationsOf(sight.environment), history, selection)
    targets.push({ sight, plan: replan(sight.reading.history), replan })
  }
  const columns = columnsOf(seen.sights)
  const findings = [
    ...findLeftOut(project, 'before'),
    ...targets.flatMap(({ sight }) => sight.reading.findings),
    ...keepNamesThatRan(
      targets.flatMap(({ plan }) => plan.findings),
      columns,
    ),
    ...seen.matrix.findings.filter(({ code, environment }) => code === DIFFERS && selected.has(environment ?? '')),
    ...findNotPromoted(
      columns,
      targets.map(({ plan }) => plan),
    ),
    ...followEmptyFiles(await runChecks(checks, targets), columns),
  ]
  return {
    targets,
    selected: seen.sights.filter(({ environment }) => selected.has(environment.name)),
    findings: allowFindings(findings, selection.allow),
    survey: seen,
  }
}

/** What `--max-failures` tolerates of what cannot be read. */
export function toleranceOf(project: Project, { maxFailures = 0 }: SyncOptions): Tolerance {
  const selected = new Set(selectEnvironments(project))
  return { maxFailures, isSelected: (environment) => selected.has(environment) }
}

/** What all checks find in all plans. What is wrong with a file is said once, of the file. */
export async function runChecks(checks: readonly Check[], targets: readonly TargetPlan[]): Promise<readonly Finding[]> {
  const plans = targets.map(({ plan }) => plan)
  const found = await Promise.all(
    targets.flatMap(({ sight, plan }) => checks.map((check) => check(plan, sight.environment, sight.reading, plans))),
  )
  return oncePerMigration(found.flat())
}

/** Of the matrix's findings, the one that no single plan can know. */
const DIFFERS = 'history/differs-between-environments'

/** What is wrong with a file is wrong in every environment: say it once, of the file. */
function oncePerMigration(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Set<string>()
  return findings.filter((finding) => {
    const key = JSON.stringify([finding.code, finding.migration, finding.at, finding.message])
    return seen.has(key) ? false : seen.add(key)
  })
}
