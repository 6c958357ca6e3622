import { createHash } from 'node:crypto'
import type { Actor } from '../../core/driver.ts'
import { signatureOf } from '../../core/log.ts'
import type { RepairKind } from '../../core/repair.ts'
import type { Query } from './client.ts'

export const HISTORY = 'schema_migrations'
export const LOG = 'schema_migrations_log'
export const LOCK = 'schema_migrations_lock'

/** The database's clock as text, in UTC with milliseconds: `2026-11-20T08:00:00.000Z`. */
export const NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

/** Makes the history and the log if they are missing: the columns are those of the other engines. */
export const CREATE_TABLES: readonly Query[] = [
  {
    sql: `CREATE TABLE IF NOT EXISTS ${HISTORY} (
  migration_name text NOT NULL PRIMARY KEY,
  checksum text NOT NULL,
  applied_at text,
  status text NOT NULL CHECK (status IN ('started', 'applied')),
  step integer,
  duration_ms integer,
  applied_by text NOT NULL,
  run_id text,
  CHECK ((status = 'applied') = (applied_at IS NOT NULL)))`,
  },
  {
    sql: `CREATE TABLE IF NOT EXISTS ${LOG} (
  id integer NOT NULL PRIMARY KEY,
  at text NOT NULL,
  event text NOT NULL,
  migration_name text,
  checksum text,
  outcome text NOT NULL,
  duration_ms integer,
  run_id text,
  role text NOT NULL,
  os_user text,
  git_commit text,
  ci_run text,
  detail text NOT NULL,
  previous_hash text NOT NULL,
  hash text NOT NULL)`,
  },
]

/** Makes the lock if it is missing: one row, with an epoch that only ever grows. */
export const CREATE_LOCK: readonly Query[] = [
  {
    sql: `CREATE TABLE IF NOT EXISTS ${LOCK} (
  id integer NOT NULL PRIMARY KEY CHECK (id = 1),
  epoch integer NOT NULL,
  owner text,
  holder text,
  expires_at text)`,
  },
  { sql: `INSERT OR IGNORE INTO ${LOCK} (id, epoch) VALUES (1, 0)` },
]

/** One event of the log, as it is about to be written. */
export interface NewEntry {
  readonly event: 'init' | 'apply' | 'rollback' | 'fail' | 'adopt' | RepairKind
  readonly migration: string | null
  readonly checksum: string | null
  readonly outcome: string
  readonly detail: Readonly<Record<string, unknown>>
}

/** The last row of the log: what the next one is chained to. */
export interface LogEnd {
  readonly id: number
  readonly hash: string
}

export const EMPTY_LOG: LogEnd = { id: 0, hash: '' }

/** What is the same in all rows that a run writes. */
export interface Author {
  readonly runId: string
  readonly role: string
  readonly actor: Actor
  /** See `Actor.isTreeDirty`; asked for when the lock is taken, before which nothing is written. */
  isTreeDirty: boolean | null
}

/** The values of a row that its hash is made of, in their order; the duration is the database's to measure. */
export type HashedValues = readonly [
  id: number,
  at: string,
  event: string,
  migration: string | null,
  checksum: string | null,
  outcome: string,
  runId: string | null,
  role: string,
  osUser: string | null,
  gitCommit: string | null,
  ciRun: string | null,
  detail: string,
  previousHash: string,
]

/**
 * The hash of a row: SHA-256 over the JSON array of its values and its predecessor's hash, so that a row that was
 * edited, taken out or moved is found. SQLite has no SHA-256, so it is the client that computes it, with the fence held.
 */
export function hashOf(values: HashedValues): string {
  return createHash('sha256').update(JSON.stringify(values), 'utf8').digest('hex')
}

/**
 * The statement that appends an event to the log behind `end`, and the log's new end. `durationSql` and `outcomeSql`
 * are expressions over `?1` (the migration) and `?2` (the run); an outcome that comes out as NULL fails the batch.
 */
export function appendLog(
  author: Author,
  end: LogEnd,
  at: Date,
  entry: NewEntry,
  { durationSql = 'NULL', outcomeSql }: { readonly durationSql?: string; readonly outcomeSql?: string } = {},
): { readonly query: Query; readonly end: LogEnd } {
  const { runId, role, actor } = author
  const { event, migration, checksum, outcome } = entry
  const { osUser, gitCommit, ciRun } = actor
  const id = end.id + 1
  const time = at.toISOString()
  const detail = JSON.stringify({ ...entry.detail, ...signatureOf({ ...actor, isTreeDirty: author.isTreeDirty }) })
  const hash = hashOf([
    id,
    time,
    event,
    migration,
    checksum,
    outcome,
    runId,
    role,
    osUser,
    gitCommit,
    ciRun,
    detail,
    end.hash,
  ])
  const query = {
    sql: `INSERT INTO ${LOG} (id, at, event, migration_name, checksum, outcome, duration_ms, run_id, role, os_user, git_commit, ci_run, detail, previous_hash, hash)
VALUES (?3, ?4, ?5, ?1, ?6, ${outcomeSql ?? '?7'}, ${durationSql}, ?2, ?8, ?9, ?10, ?11, ?12, ?13, ?14)`,
    params: [
      migration,
      runId,
      id,
      time,
      event,
      checksum,
      outcome,
      role,
      osUser,
      gitCommit,
      ciRun,
      detail,
      end.hash,
      hash,
    ],
  }
  return { query, end: { id, hash } }
}
