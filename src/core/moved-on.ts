import { digestHistory } from './history.ts'
import type { AppliedMigration } from './history.ts'
import type { Step } from './plan.ts'

/** What a run did to a history between two readings of it. */
export interface Doings {
  /** The run, a UUID: rows of its own have it. */
  readonly runId: string
  /** The steps that it has carried out. */
  readonly done: readonly Pick<Step, 'kind' | 'migration'>[]
  /** The migration that it is in the middle of, whose row may say anything; null where there is none. */
  readonly underWay: string | null
}

/**
 * Whether a history that was read as `before` is, now that it reads `after`, another one than the doings of one run make
 * of it: while its connection was lost, somebody else had the lock.
 */
export function hasMovedOn(
  before: readonly AppliedMigration[],
  after: readonly AppliedMigration[],
  { runId, done, underWay }: Doings,
): boolean {
  const rows = new Map(after.map((row) => [row.name, row]))
  const isUndone = done.some(({ kind, migration }) => {
    const row = rows.get(migration.name)
    if (kind === 'revert') return row !== undefined
    return row?.status !== 'applied' || row.runId !== runId || row.checksum !== migration.checksum
  })
  const ours = new Set([...done.map(({ migration }) => migration.name), underWay])
  const others = (history: readonly AppliedMigration[]): string =>
    digestHistory(history.filter(({ name }) => !ours.has(name)))
  return isUndone || others(before) !== others(after)
}
