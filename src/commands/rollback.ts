import type { Check } from '../core/check.ts'
import type { Emit } from '../core/event.ts'
import { allowFindings } from '../core/finding.ts'
import type { AppliedMigration } from '../core/history.ts'
import { MigrationManagerError } from '../core/errors.ts'
import { meansMigration, versionOf } from '../core/migration.ts'
import type { Migration } from '../core/migration.ts'
import type { Plan } from '../core/plan.ts'
import type { Project } from '../core/project.ts'
import { findHeldLater, newestApplied, planRollback } from '../core/rollback-plan.ts'
import type { RollbackSelection } from '../core/rollback-plan.ts'
import { findLeftOut } from './left-out.ts'
import { runChecks, toleranceOf } from './plan.ts'
import type { PlanReport, SyncOptions, TargetPlan } from './plan.ts'
import { environmentsFrom, selectEnvironments } from './selection.ts'
import { decideFrom } from './sound-survey.ts'
import { columnsOf, readFolders, survey } from './survey.ts'
import type { Survey } from './survey.ts'
import { carryOut, refuseAtomicFleet } from './sync.ts'
import type { SyncPorts } from './sync.ts'
import { NOTHING_TO_DO } from './sync-report.ts'
import type { SyncReport } from './sync-report.ts'

/**
 * Takes migrations back in the selected environments, newest first, the environments in reverse promotion order: the
 * newest migration that any of them holds, or all above a version, or one alone. Every environment is read (but for what
 * `maxFailures` tolerates) and every rollback found before anything is written.
 */
export async function rollback(
  project: Project,
  options: SyncOptions & { readonly dryRun: boolean; readonly atomic: boolean },
  ports: SyncPorts,
): Promise<SyncReport> {
  refuseAtomicFleet(project, options)
  if (project.shard !== undefined && isUnnamed(options))
    throw versionNeeded('With --shard, each shard would choose for itself')
  if (selectEnvironments(project).length === 0) return NOTHING_TO_DO
  const planned = await planRollbacks(project, options, ports.checks, ports.emit, ports.signal)
  return carryOut(planned, project, options, ports)
}

async function planRollbacks(
  project: Project,
  options: SyncOptions,
  checks: readonly Check[],
  emit: Emit,
  signal: AbortSignal,
): Promise<PlanReport> {
  // Those behind the selected ones are read, too: they must not keep what the ones before them lose.
  const environments = environmentsFrom(project)
  const seen = await survey(project, environments, readFolders(project, environments), emit, signal)
  return decideFrom(seen, () => decide(project, options, checks, seen), toleranceOf(project, options))
}

async function decide(
  project: Project,
  options: SyncOptions,
  checks: readonly Check[],
  seen: Survey,
): Promise<PlanReport> {
  const selected = new Set(selectEnvironments(project).map(({ name }) => name))
  // The databases of a fleet stay in their order: the first of them is the one that is tried first.
  const lastFirst = seen.sights
    .filter(({ environment }) => selected.has(environment.name))
    .toSorted((a, b) => b.environment.order - a.environment.order)
  const reachable = lastFirst.flatMap((sight) => (sight.isReachable ? [sight] : []))
  if (reachable.length < lastFirst.length && isUnnamed(options)) {
    throw versionNeeded('Not all databases could be read, and one of those may hold a newer one')
  }
  const allow = new Set(options.allow)
  const selection = resolveSelection(
    options,
    reachable.map(({ reading }) => reading.history),
    // What a file has and nobody holds is taken back already, or was never applied in this shard.
    seen.folders.flatMap(({ migrations }) => migrations),
  )
  const targets = reachable.map((sight): TargetPlan => {
    const { environment, reading } = sight
    const replan = (history: readonly AppliedMigration[]): Plan =>
      planRollback(environment.name, seen.migrationsOf(environment), history, selection, allow)
    return { sight, plan: replan(reading.history), replan }
  })
  const plans = targets.map(({ plan }) => plan)
  const findings = [
    ...findLeftOut(project, 'behind'),
    ...targets.flatMap(({ sight }) => sight.reading.findings),
    ...plans.flatMap((plan) => plan.findings),
    ...findHeldLater(columnsOf(seen.sights), plans),
    ...(await runChecks(checks, targets)),
  ]
  return {
    targets,
    selected: lastFirst,
    findings: allowFindings(findings, allow),
    survey: seen,
  }
}

function isUnnamed({ to, only }: SyncOptions): boolean {
  return to === undefined && only === undefined
}

/** Which migration is the newest is only known of all databases together. */
function versionNeeded(why: string): MigrationManagerError {
  return new MigrationManagerError('usage/version-needed', `${why} which migration is the newest.`, {
    hint: 'Nothing was taken back. Say which: rollback --only <version>, or --to <version> for all above it.',
  })
}

/**
 * What a person wrote, against what is applied. Throws `usage/unknown-version` for what no environment holds and no file
 * is, and for a version that one environment holds twice.
 */
function resolveSelection(
  { to, only }: SyncOptions,
  histories: readonly (readonly AppliedMigration[])[],
  files: readonly Migration[],
): RollbackSelection {
  if (to === undefined && only === undefined) {
    const newest = newestApplied(histories)
    return { kind: 'names', names: new Set(newest === null ? [] : [newest]) }
  }
  const wanted = only ?? to ?? ''
  // Each folder may have a migration of this version: all of those are meant, each where it is applied.
  const meant = (rows: readonly { readonly name: string }[]): readonly string[] =>
    rows.map(({ name }) => name).filter((name) => meansMigration(name, wanted))
  const names = new Set([...histories.flatMap(meant), ...meant(files)])
  const [first] = names
  // Everything can be taken back: 0 stays "applied" though there is no such migration.
  if (to !== undefined && /^0+$/.test(to) && first === undefined) return { kind: 'to', version: '0' }
  if (first === undefined) {
    const option = only === undefined ? '--to' : '--only'
    throw new MigrationManagerError(
      'usage/unknown-version',
      `${option} ${wanted}: no environment holds this migration, and no file is called so.`,
      {
        hint: 'Look at status for what is applied. rollback --to 0 takes everything back.',
      },
    )
  }
  if (only === undefined) return { kind: 'to', version: versionOf(first) ?? '0' }
  const twins = histories.map(meant).find(({ length }) => length > 1)
  if (twins !== undefined) {
    throw new MigrationManagerError('usage/unknown-version', `--only ${wanted} could be ${twins.join(' or ')}.`, {
      hint: 'Name the migration as status shows it.',
    })
  }
  return { kind: 'names', names }
}
