import { allowFindings } from './finding.ts'
import type { Finding } from './finding.ts'
import { compareNames, digestHistory, findHalfway } from './history.ts'
import type { AppliedMigration } from './history.ts'
import type { Column } from './matrix.ts'
import { compareVersions, versionOf } from './migration.ts'
import type { Migration } from './migration.ts'
import { findDisagreements } from './disagreement.ts'
import type { Plan, Step } from './plan.ts'
import { adviseFirst, createNeighbourhood } from './promotion.ts'
import { quoted } from './shell.ts'

/**
 * Which of the applied migrations are to be taken back. `names` is one migration, which each folder may call otherwise;
 * `to` stays applied.
 */
export type RollbackSelection =
  | { readonly kind: 'names'; readonly names: ReadonlySet<string> }
  | { readonly kind: 'to'; readonly version: string }

/** The newest migration that any of these histories holds: what `rollback` without a version takes back. */
export function newestApplied(histories: readonly (readonly AppliedMigration[])[]): string | null {
  let newest: string | null = null
  for (const history of histories) {
    for (const { name } of history) if (newest === null || compareNames(name, newest) > 0) newest = name
  }
  return newest
}

/**
 * Plans `rollback` for one target: what is selected and applied there, newest first. Pure. A migration without a file,
 * without a rollback, edited since it ran, or below others that stay, is a finding that blocks.
 */
export function planRollback(
  environment: string,
  files: readonly Migration[],
  history: readonly AppliedMigration[],
  selection: RollbackSelection,
  allow: ReadonlySet<string>,
): Plan {
  const byName = new Map(files.map((file) => [file.name, file]))
  const rows = history.toSorted((a, b) => compareNames(b.name, a.name))
  const wanted = rows.filter((row) => isWanted(row.name, selection))
  const names = new Set(wanted.map(({ name }) => name))
  const steps = wanted.flatMap((row): Step[] => {
    const migration = byName.get(row.name)
    return migration?.down === null || migration === undefined
      ? []
      : [Object.freeze({ kind: 'revert', migration, resumeAt: findHalfway(row)?.done ?? null })]
  })
  const findings = [
    ...findDisagreements(environment, files, wanted).map((finding) => asSeenByRollback(finding, rows, byName)),
    ...wanted.flatMap((row) => findNoWayBack(environment, byName.get(row.name))),
    ...findNotLatest(environment, rows, names),
  ]
  return Object.freeze({
    environment,
    steps: Object.freeze(steps),
    findings: Object.freeze(allowFindings(findings, allow)),
    basis: digestHistory(history),
  })
}

function isWanted(name: string, selection: RollbackSelection): boolean {
  if (selection.kind === 'names') return selection.names.has(name)
  const version = versionOf(name)
  return version !== null && compareVersions(version, selection.version) > 0
}

/**
 * What was cut off on its way back goes on; what was cut off on its way there cannot be taken back from its middle. Both
 * need the file as it was begun, and where it is not there the finding says so already.
 */
function asSeenByRollback(
  finding: Finding,
  rows: readonly AppliedMigration[],
  byName: ReadonlyMap<string, Migration>,
): Finding {
  const row = rows.find(({ name }) => name === finding.migration)
  const halfway = row === undefined ? null : findHalfway(row)
  const file = byName.get(finding.migration ?? '')
  if (finding.code !== 'history/unfinished' || halfway === null || file === undefined) return finding
  if (halfway.kind === 'revert')
    return { ...finding, severity: 'warn', hint: `It goes on at step ${halfway.done + 1}.` }
  if (file.checksum !== row?.checksum) return finding
  return {
    ...finding,
    severity: 'block',
    hint: `Run sync first: it goes on at step ${halfway.done + 1}. Or undo its steps by hand, then: migration-manager repair abandon ${quoted(row.name)} --env ${finding.environment} --reason "…"`,
  }
}

function findNoWayBack(environment: string, file: Migration | undefined): readonly Finding[] {
  // Without a file it is `history/missing-file` already.
  if (file === undefined || file.down !== null) return []
  return [
    {
      code: 'rollback/none',
      severity: 'block',
      environment,
      migration: file.name,
      message: `${file.name} has no rollback.`,
      hint: `Write ${file.file.replace(/\.sql$/, '.down.sql')} with the SQL that takes it back. (A block in the file itself would change what ${environment} ran.)`,
    },
  ]
}

/** What came later may rest on what is to be taken back. */
function findNotLatest(
  environment: string,
  newestFirst: readonly AppliedMigration[],
  names: ReadonlySet<string>,
): readonly Finding[] {
  const lowest = newestFirst.findLastIndex(({ name }) => names.has(name))
  const staying = newestFirst.slice(0, Math.max(0, lowest)).filter(({ name }) => !names.has(name))
  const migration = newestFirst[lowest]?.name
  const before = newestFirst[lowest + 1]?.name ?? ''
  if (staying.length === 0 || migration === undefined) return []
  return [
    {
      code: 'rollback/not-latest',
      severity: 'block',
      environment,
      migration,
      message: `${migration} is not the latest in ${environment}: ${staying.map(({ name }) => name).join(', ')} came after it.`,
      hint: `Take those back as well: migration-manager rollback --to ${versionOf(before) ?? '0'} --env ${environment}. If nothing of them rests on it, add --allow rollback/not-latest.`,
    },
  ]
}

/**
 * Finds migrations that an environment would lose while the one behind it in the promotion order keeps them: it would
 * then hold what the one before does not. `columns` are in promotion order.
 */
export function findHeldLater(columns: readonly Column[], plans: readonly Plan[]): readonly Finding[] {
  const planOf = new Map(plans.map((plan) => [plan.environment, plan]))
  const keepersOf = createNeighbourhood(columns, 'behind', ({ environment, history }) => {
    const lost = new Set(planOf.get(environment.name)?.steps.map(({ migration }) => migration.name))
    return new Set((history ?? []).map(({ name }) => name).filter((name) => !lost.has(name)))
  })
  return columns.flatMap(({ environment }) =>
    (planOf.get(environment.name)?.steps ?? []).flatMap(({ migration }): Finding[] => {
      const later = keepersOf(environment).find(migration.name, ({ held }) => held.has(migration.name))?.name
      if (later === undefined) return []
      return [
        {
          code: 'rollback/held-later',
          severity: 'block',
          environment: environment.name,
          migration: migration.name,
          message: `${environment.name} would lose ${migration.name} while ${later} keeps it.`,
          hint: `${adviseFirst('Take it back in', environment.name, later)} To go on all the same, add --allow rollback/held-later.`,
        },
      ]
    }),
  )
}
