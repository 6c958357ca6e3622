import { MigrationManagerError } from './errors.ts'
import type { AppliedMigration } from './history.ts'
import type { Migration } from './migration.ts'

/** What a person can set right in a history by hand. */
export const REPAIRS = ['accept-checksum', 'mark-applied', 'mark-not-applied', 'finish', 'abandon'] as const

export type RepairKind = (typeof REPAIRS)[number]

/** What a row says that a repair can change; null where there is no row. */
export type RowState = { readonly status: 'started' | 'applied'; readonly checksum: string } | null

/** One change of one row of one history, as data. */
export interface Repair {
  readonly kind: RepairKind
  /** The migration's name. */
  readonly migration: string
  /** What the row must say now; if it says something else, nothing is done. */
  readonly before: RowState
  readonly after: RowState
  readonly reason: string
}

/**
 * Plans a repair of a migration from what its file and its row say. Throws `repair/not-needed` or `repair/no-file` when
 * there is nothing that this kind could set right.
 */
export function planRepair(
  kind: RepairKind,
  migration: string,
  file: Migration | undefined,
  row: AppliedMigration | undefined,
  reason: string,
): Repair {
  const before: RowState = row === undefined ? null : { status: row.status, checksum: row.checksum }
  const plan = (after: RowState): Repair => ({ kind, migration, before, after, reason })
  const status = before?.status ?? null
  const edited = file !== undefined && file.checksum !== before?.checksum ? 'accept-checksum' : null
  switch (kind) {
    case 'accept-checksum':
      if (before === null) throw notNeeded(migration, status, 'mark-applied')
      // Its steps are counted: in another file they would be other steps.
      if (before.status === 'started') throw notNeeded(migration, status, 'finish')
      return plan({ ...before, checksum: checksumOf(file, migration, before.checksum) })
    case 'mark-applied':
      if (before !== null) throw notNeeded(migration, status, status === 'started' ? 'finish' : edited)
      return plan({ status: 'applied', checksum: checksumOf(file, migration, null) })
    case 'mark-not-applied':
      if (before?.status !== 'applied') throw notNeeded(migration, status, status === 'started' ? 'abandon' : null)
      return plan(null)
    case 'finish':
      if (before?.status !== 'started') throw notNeeded(migration, status, status === null ? 'mark-applied' : edited)
      return plan({ ...before, status: 'applied' })
    case 'abandon':
      if (before?.status !== 'started')
        throw notNeeded(migration, status, status === 'applied' ? 'mark-not-applied' : null)
      return plan(null)
  }
}

/** Whether a history says what the repair was to make it say. */
export function isRepaired({ migration, after }: Repair, history: readonly AppliedMigration[]): boolean {
  const row = history.find(({ name }) => name === migration)
  return row?.status === after?.status && row?.checksum === after?.checksum
}

function checksumOf(file: Migration | undefined, migration: string, known: string | null): string {
  if (file === undefined) {
    throw new MigrationManagerError(
      'repair/no-file',
      `There is no file of ${migration} whose checksum could be taken.`,
      {
        hint: `Put ${migration}.sql back, or name another migration.`,
      },
    )
  }
  if (file.checksum === known) throw notNeeded(migration, 'applied', null)
  return file.checksum
}

const STANDS = {
  applied: ['is applied', 'The history is right as it is.'],
  started: ['is unfinished', ''],
  none: ['has no row in the history', 'Nothing is there to take away: sync applies it.'],
} as const

/** `other` is the repair that its state may need. */
function notNeeded(
  migration: string,
  status: AppliedMigration['status'] | null,
  other: RepairKind | null,
): MigrationManagerError {
  const [why, rest] = STANDS[status ?? 'none']
  return new MigrationManagerError('repair/not-needed', `${migration} ${why}; there is nothing to repair.`, {
    hint: other === null ? rest : `Look at status. Did you mean repair ${other}?`,
  })
}
