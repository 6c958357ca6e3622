import type { AppliedMigration } from './history.ts'

/** One event of a database's log: who did what, when, from where, and how it ended. */
export interface LogEntry {
  /** 1, 2, 3, … without gaps. */
  readonly id: number
  /** The server's clock. */
  readonly at: Date
  readonly event: string
  readonly migration: string | null
  readonly checksum: string | null
  /** `applied`, `failed`, `done`. */
  readonly outcome: string
  readonly durationMs: number | null
  readonly runId: string | null
  /** The database role. */
  readonly role: string
  readonly osUser: string | null
  readonly gitCommit: string | null
  /** Whether the migration files were not what that commit holds; null where it was not known. */
  readonly gitDirty: boolean | null
  /** The CI run's address. */
  readonly ciRun: string | null
  readonly ciJob: string | null
  readonly detail: Readonly<Record<string, unknown>>
  /** The hash that the row names as its predecessor's. */
  readonly previousHash: string
  readonly hash: string
  /** Whether `hash` is the hash of the row as it stands now, as the database computes it. */
  readonly isIntact: boolean
}

/** What does not fit in a log: the first row that does not, and why. */
export interface LogBreak {
  readonly id: number
  readonly reason: 'edited' | 'removed' | 'moved' | 'cut-off'
  /** The migration it is about, where that is known. */
  readonly migration: string | null
}

/**
 * Finds the first place at which a log is not what was written: a row was edited, rows were removed or put elsewhere,
 * or the end was cut off (a migration is applied, and no event says so). Null when everything fits.
 * `entries` are in the order of their ids.
 */
export function findLogBreak(entries: readonly LogEntry[], history: readonly AppliedMigration[]): LogBreak | null {
  let previous: LogEntry | null = null
  for (const entry of entries) {
    const { id, migration } = entry
    if (!entry.isIntact) return { id, reason: 'edited', migration }
    if (id !== (previous?.id ?? 0) + 1) return { id, reason: 'removed', migration }
    if (entry.previousHash !== (previous?.hash ?? '')) return { id, reason: 'moved', migration }
    previous = entry
  }
  const standing = standingMigrations(entries)
  const orphan = history.find((row) => row.status === 'applied' && !standing.has(row.name))
  return orphan === undefined ? null : { id: (previous?.id ?? 0) + 1, reason: 'cut-off', migration: orphan.name }
}

/** How long each migration took when it was last applied, in milliseconds, by its name. */
export function lastDurations(entries: readonly LogEntry[]): ReadonlyMap<string, number> {
  const durations = new Map<string, number>()
  for (const { event, migration, outcome, durationMs } of entries) {
    if (event === 'apply' && outcome === 'applied' && migration !== null && durationMs !== null) {
      durations.set(migration, durationMs)
    }
  }
  return durations
}

/** The migrations that are applied by what the log says: the last event about each decides. */
function standingMigrations(entries: readonly LogEntry[]): ReadonlySet<string> {
  const standing = new Set<string>()
  for (const { event, migration, outcome } of entries) {
    if (migration === null || outcome === 'failed') continue
    if (ENDING.has(event)) standing.delete(migration)
    else standing.add(migration)
  }
  return standing
}

/** Events after which a migration is no longer applied. */
const ENDING: ReadonlySet<string> = new Set(['rollback', 'mark-not-applied', 'abandon'])
