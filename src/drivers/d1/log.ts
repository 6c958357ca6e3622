import { MigrationManagerError } from '../../core/errors.ts'
import type { LogEntry } from '../../core/log.ts'
import type { Query, Rows } from './client.ts'
import { hashOf, LOG } from './tables.ts'

/** How many rows are read at once: an answer may not grow without end. */
export const LOG_PAGE = 500

/** The query for the rows of the log behind one, oldest first. */
export function logQuery(behind: number): Query {
  return { sql: `SELECT * FROM ${LOG} WHERE id > ?1 ORDER BY id LIMIT ${LOG_PAGE}`, params: [behind] }
}

/** Decodes rows of the log, each with whether its hash is that of the row as it stands. */
export function parseLog(rows: Rows): readonly LogEntry[] {
  return rows.map(parseEntry)
}

function parseEntry(row: Readonly<Record<string, unknown>>): LogEntry {
  const { id, duration_ms: durationMs } = row
  const at = text(row['at'])
  if (typeof id !== 'number' || at === null) throw unreadable()
  const written = text(row['detail']) ?? ''
  const { by, ...detail } = record(written)
  const { gitDirty, ciJob } = fieldsOf(by)
  const entry = {
    id,
    at: new Date(at),
    event: text(row['event']) ?? '',
    migration: text(row['migration_name']),
    checksum: text(row['checksum']),
    outcome: text(row['outcome']) ?? '',
    durationMs: typeof durationMs === 'number' ? durationMs : null,
    runId: text(row['run_id']),
    role: text(row['role']) ?? '',
    osUser: text(row['os_user']),
    gitCommit: text(row['git_commit']),
    gitDirty: typeof gitDirty === 'boolean' ? gitDirty : null,
    ciRun: text(row['ci_run']),
    ciJob: text(ciJob),
    previousHash: text(row['previous_hash']) ?? '',
    hash: text(row['hash']) ?? '',
  }
  const { event, migration, checksum, outcome, runId, role, osUser, gitCommit, ciRun, previousHash } = entry
  const values = [event, migration, checksum, outcome, runId, role, osUser, gitCommit, ciRun, written] as const
  return { ...entry, detail, isIntact: hashOf([id, at, ...values, previousHash]) === entry.hash }
}

function record(detail: string): Readonly<Record<string, unknown>> {
  try {
    return fieldsOf(JSON.parse(detail))
  } catch {
    return {}
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function unreadable(): MigrationManagerError {
  return new MigrationManagerError('target/unreadable-history', 'The log of the database could not be understood.', {
    hint: 'Is schema_migrations_log unharmed, and of this version of migration-manager?',
  })
}
