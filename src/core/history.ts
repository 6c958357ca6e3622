import { createHash } from 'node:crypto'
import { compareVersions, versionOf } from './migration.ts'

/** One row of `schema_migrations`: what one database says was applied. */
export interface AppliedMigration {
  /** The migration's name: the file name without `.sql`. */
  readonly name: string
  /** `sha256:…`; text, because the row may have been written by a later version with another algorithm. */
  readonly checksum: string
  readonly status: 'started' | 'applied'
  /**
   * Of a migration that is carried out step by step: how many steps are done, see `stepOf`. Null for one that runs in a
   * transaction: seen as started, it has escaped that transaction.
   */
  readonly step: number | null
  /** The server's clock; null while started. */
  readonly appliedAt: Date | null
  readonly durationMs: number | null
  /** The database role that applied it. */
  readonly appliedBy: string
  /** The run that wrote the row (a UUID), or null where it is not known. */
  readonly runId: string | null
}

/** The columns by which a `schema_migrations` is known as ours, in every engine; other tools use the same name. */
export const HISTORY_COLUMNS: readonly string[] = [
  'migration_name',
  'checksum',
  'applied_at',
  'status',
  'step',
  'duration_ms',
  'applied_by',
  'run_id',
]

/** The row of a migration as it must look by what is known; nobody has read it. */
export function unreadRow(
  { name, checksum }: Pick<AppliedMigration, 'name' | 'checksum'>,
  status: AppliedMigration['status'],
): AppliedMigration {
  return { name, checksum, status, step: null, appliedAt: null, durationMs: null, appliedBy: '', runId: null }
}

/** How far a migration has come that is carried out, or taken back, step by step. */
export interface Halfway {
  readonly kind: 'apply' | 'revert'
  /** How many steps are done. */
  readonly done: number
}

/** The number that a history keeps: steps that are done count up from 0, steps that are taken back down from -1. */
export function stepOf({ kind, done }: Halfway): number {
  return kind === 'apply' ? done : -1 - done
}

/** Where a migration was cut off; null when it is applied, or nothing tells how far it has come. */
export function findHalfway({ status, step }: Pick<AppliedMigration, 'status' | 'step'>): Halfway | null {
  if (status !== 'started' || step === null) return null
  return step < 0 ? { kind: 'revert', done: -1 - step } : { kind: 'apply', done: step }
}

/** Whether it was cut off on its way up, at a step that is known: `sync` goes on there. */
export function isResumable(row: Pick<AppliedMigration, 'status' | 'step'>): boolean {
  return findHalfway(row)?.kind === 'apply'
}

/**
 * A fingerprint of what a history says (names, checksums, states; not times), 64 hexadecimal digits: two histories with
 * one digest are the same to a plan. The engine computes the same value in the database: SHA-256 over the lines
 * `name:checksum:status`, sorted by the bytes of the name, joined by LF.
 */
export function digestHistory(history: readonly AppliedMigration[]): string {
  return createHash('sha256').update(history.toSorted(compareByBytes).map(lineOf).join('\n'), 'utf8').digest('hex')
}

/** What a row is in the digest. */
export function lineOf({ name, checksum, status }: AppliedMigration): string {
  return `${name}:${checksum}:${status}`
}

const SURROGATE = /[\ud800-\udfff]/

/** The order of the rows in the digest: by the bytes of the name in UTF-8, which is that of UTF-16 but for surrogates. */
export function compareByBytes({ name: a }: AppliedMigration, { name: b }: AppliedMigration): number {
  if (SURROGATE.test(a) || SURROGATE.test(b)) return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'))
  return a < b ? -1 : a > b ? 1 : 0
}

/** Order of two names of a history as their files would run; a name without digits sorts before all others. */
export function compareNames(a: string, b: string): number {
  const left = versionOf(a)
  const right = versionOf(b)
  const byVersion =
    left === null || right === null ? Number(left !== null) - Number(right !== null) : compareVersions(left, right)
  return byVersion || (a < b ? -1 : a > b ? 1 : 0)
}
