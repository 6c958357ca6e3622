import { readLogEntry } from '../../core/log.ts'
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
  const { id, at, detail, duration_ms: durationMs } = row
  const written = typeof detail === 'string' ? detail : ''
  const entry = readLogEntry({
    id,
    at,
    event: row['event'],
    migration: row['migration_name'],
    checksum: row['checksum'],
    outcome: row['outcome'],
    durationMs,
    runId: row['run_id'],
    role: row['role'],
    osUser: row['os_user'],
    gitCommit: row['git_commit'],
    ciRun: row['ci_run'],
    detail: parse(written),
    previousHash: row['previous_hash'],
    hash: row['hash'],
    isIntact: true,
  })
  const { event, migration, checksum, outcome, runId, role, osUser, gitCommit, ciRun, previousHash } = entry
  const values = [event, migration, checksum, outcome, runId, role, osUser, gitCommit, ciRun, written] as const
  const isHashRight = hashOf([entry.id, String(at), ...values, previousHash]) === entry.hash
  return { ...entry, isIntact: entry.isIntact && isHashRight }
}

function parse(detail: string): unknown {
  try {
    return JSON.parse(detail)
  } catch {
    return null
  }
}
