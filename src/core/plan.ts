import { findDisagreements } from './disagreement.ts'
import { allowFindings, isBlocking } from './finding.ts'
import type { Finding } from './finding.ts'
import { compareNames, digestHistory, isResumable } from './history.ts'
import type { AppliedMigration } from './history.ts'
import { compareVersions } from './migration.ts'
import type { Migration } from './migration.ts'
import type { SqlSource } from './sql-source.ts'

/** One thing that is done to a target: a migration is applied, or what it did is taken back. */
export interface Step {
  readonly kind: 'apply' | 'revert'
  readonly migration: Migration
  /** The step at which an earlier run stopped in the middle of this migration; null to begin it. */
  readonly resumeAt: number | null
}

/** The steps that would be done on one target, as frozen data: what is shown is what is run. */
export interface Plan {
  /** The environment's name. */
  readonly environment: string
  readonly steps: readonly Step[]
  /** What a person should know before it is run; a blocking one forbids it. */
  readonly findings: readonly Finding[]
  /** The digest of the history it was made from; a target whose history has moved on refuses it. */
  readonly basis: string
}

/** Which of the pending migrations are wanted. */
export interface Selection {
  /** Up to and with this version. */
  readonly to?: string | undefined
  /** This version alone. */
  readonly only?: string | undefined
  /** Codes of findings that do not block. */
  readonly allow: ReadonlySet<string>
}

/**
 * Plans `sync` for one target: everything that is pending, in file order, less what the selection leaves out.
 * Pure; compares sets, never a high-water mark, so that a late file is seen.
 */
export function planSync(
  environment: string,
  files: readonly Migration[],
  history: readonly AppliedMigration[],
  selection: Selection,
): Plan {
  const rows = new Map(history.map((row) => [row.name, row]))
  const pending = files.filter((file) => isPending(file, rows.get(file.name)))
  const steps = pending
    .filter((file) => isSelected(file, selection))
    .map((migration) => freezeStep(migration, rows.get(migration.name)))
  const findings = [
    ...findDisagreements(environment, files, history).map((finding) => asSeenBySelection(finding, steps)),
    ...findOutOfOrder(environment, steps, history),
    ...findSkipped(environment, pending, steps, history, selection),
  ]
  return Object.freeze({
    environment,
    steps: Object.freeze(steps),
    findings: Object.freeze(allowFindings(findings, selection.allow)),
    basis: digestHistory(history),
  })
}

/** The text that a step runs. A step that reverts has one: a plan whose migration cannot be taken back is blocked. */
export function sourceOf({ kind, migration }: Step): SqlSource {
  const up = { sql: migration.up, file: migration.file, firstLine: 1 }
  return kind === 'apply' ? up : (migration.down ?? { ...up, sql: '' })
}

export function isBlocked(plan: Plan): boolean {
  return plan.findings.some(isBlocking)
}

/** Not applied yet, or stopped in its middle at a step that is known. */
function isPending(file: Migration, row: AppliedMigration | undefined): boolean {
  return row === undefined || (isResumable(row) && row.checksum === file.checksum)
}

function freezeStep(migration: Migration, row: AppliedMigration | undefined): Step {
  return Object.freeze({ kind: 'apply', migration, resumeAt: row?.step ?? null })
}

function isSelected(file: Migration, { to, only }: Selection): boolean {
  if (only !== undefined) return compareVersions(file.version, only) === 0
  return to === undefined || compareVersions(file.version, to) <= 0
}

/** What stopped in its middle goes on, unless the selection would have something later run before it. */
function asSeenBySelection(finding: Finding, steps: readonly Step[]): Finding {
  const { code, severity, migration: name } = finding
  if (code !== 'history/unfinished' || severity !== 'warn' || name === undefined) return finding
  const isPassedOver = steps.every(({ migration }) => migration.name !== name)
  if (!isPassedOver || steps.every(({ migration }) => compareNames(migration.name, name) < 0)) return finding
  return { ...finding, severity: 'block', hint: `Run sync without --only first: it goes on with ${name}.` }
}

/** The other way out for a file that is out of order. */
export const IF_ORDER_IS_FREE: string =
  'If it does not matter in which order the two run, add --allow history/out-of-order.'

/** Steps that sort before something that is already applied: a late arrival, perhaps from another branch. */
function findOutOfOrder(
  environment: string,
  steps: readonly Step[],
  history: readonly AppliedMigration[],
): readonly Finding[] {
  if (steps.length === 0) return []
  let latest: string | null = null
  for (const row of history) if (latest === null || compareNames(row.name, latest) > 0) latest = row.name
  if (latest === null) return []
  const newest = latest
  return steps
    .filter(({ migration, resumeAt }) => resumeAt === null && compareNames(migration.name, newest) < 0)
    .map(({ migration }) => ({
      code: 'history/out-of-order',
      severity: 'block',
      environment,
      migration: migration.name,
      message: `${migration.name} is pending in ${environment}, but comes before ${newest}, which is already applied.`,
      hint: `If it has run nowhere yet, rename ${migration.file} to the next free number. ${IF_ORDER_IS_FREE}`,
    }))
}

/** `--only` leaves older pending migrations behind, which will then be out of order: say so before. */
function findSkipped(
  environment: string,
  pending: readonly Migration[],
  steps: readonly Step[],
  history: readonly AppliedMigration[],
  selection: Selection,
): readonly Finding[] {
  const first = steps[0]?.migration
  if (selection.only === undefined || first === undefined) return []
  const begun = new Set(history.map(({ name }) => name))
  const skipped = pending.filter((file) => compareVersions(file.version, first.version) < 0 && !begun.has(file.name))
  if (skipped.length === 0) return []
  return [
    {
      code: 'plan/skips-pending',
      severity: 'warn',
      environment,
      migration: first.name,
      message: `--only ${selection.only} leaves ${skipped.map((file) => file.name).join(', ')} pending in ${environment}.`,
      hint: 'They will be out of order afterwards, and will need --allow history/out-of-order.',
    },
  ]
}
