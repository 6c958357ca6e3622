import { MigrationManagerError } from './errors.ts'
import type { AppliedMigration } from './history.ts'
import { readMoment } from './moment.ts'

/** One event of a database's log: who did what, when, from where, and how it ended. */
export interface LogEntry {
  /** 1, 2, 3, … without gaps. */
  readonly id: number
  /** The server's clock; null where somebody has put what is no date in its place. */
  readonly at: Date | null
  readonly event: string
  readonly migration: string | null
  readonly checksum: string | null
  /** `applied`, `failed`, `done`; `started` of a rollback that is carried out step by step. */
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

/** What of an entry is a column, or is computed by the engine beside them; the rest is a part of `detail`. */
export type LogField = Exclude<keyof LogEntry, 'gitDirty' | 'ciJob'>

/** A row of the log as an engine gives it; a database may be anything, so nothing of it is taken on trust. */
export type LogFields = Readonly<Partial<Record<LogField, unknown>>>

/** Decodes a row of the log. Throws `target/unreadable-history` for what cannot be one. */
export function readLogEntry(fields: LogFields): LogEntry {
  const { id, durationMs } = fields
  if (typeof id !== 'number') throw unreadableLog()
  const at = readMoment(fields.at)
  const { by, ...detail } = recordOf(fields.detail)
  const { gitDirty, ciJob } = recordOf(by)
  return {
    id,
    at,
    event: textOf(fields.event) ?? '',
    migration: textOf(fields.migration),
    checksum: textOf(fields.checksum),
    outcome: textOf(fields.outcome) ?? '',
    durationMs: typeof durationMs === 'number' ? durationMs : null,
    runId: textOf(fields.runId),
    role: textOf(fields.role) ?? '',
    osUser: textOf(fields.osUser),
    gitCommit: textOf(fields.gitCommit),
    gitDirty: typeof gitDirty === 'boolean' ? gitDirty : null,
    ciRun: textOf(fields.ciRun),
    ciJob: textOf(ciJob),
    detail,
    previousHash: textOf(fields.previousHash) ?? '',
    hash: textOf(fields.hash) ?? '',
    // Nothing of ours writes what is no date.
    isIntact: at !== null && fields.isIntact === true,
  }
}

export function unreadableLog(): MigrationManagerError {
  return new MigrationManagerError('target/unreadable-history', 'The log of the database could not be understood.', {
    hint: 'Is schema_migrations_log unharmed, and of this version of migration-manager?',
  })
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** What is known of who writes a row and has no column: a part of its `detail`, which `readLogEntry` takes out again. */
export function signatureOf({
  gitCommit,
  isTreeDirty,
  ciJob,
}: {
  readonly gitCommit: string | null
  readonly isTreeDirty: boolean | null
  readonly ciJob: string | null
}): object {
  const by = {
    ...(gitCommit === null || isTreeDirty === null ? {} : { gitDirty: isTreeDirty }),
    ...(ciJob === null ? {} : { ciJob }),
  }
  return Object.keys(by).length === 0 ? {} : { by }
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

/**
 * The migrations that are applied by what the log says: the last event about each decides, failures aside. The engines
 * ask the same in SQL.
 */
function standingMigrations(entries: readonly LogEntry[]): ReadonlySet<string> {
  const standing = new Set<string>()
  for (const { event, migration, outcome } of entries) {
    if (migration === null || outcome === 'failed') continue
    if (ENDING_EVENTS.includes(event)) standing.delete(migration)
    else standing.add(migration)
  }
  return standing
}

/** Events after which a migration is no longer applied. */
export const ENDING_EVENTS: readonly string[] = ['rollback', 'mark-not-applied', 'abandon']
