import { readLogEntry, unreadableLog } from '../../core/log.ts'
import type { LogEntry, LogField } from '../../core/log.ts'
import { doBlock, quoteLiteral } from './quote.ts'
import { logHash } from './tables.ts'
import type { Tables } from './tables.ts'

/**
 * The message that reads the whole log in one round trip and without writing; a database without a log answers with an
 * empty one. Each row comes with the hash that it should have, computed by the database itself.
 */
export function readLogMessage(tables: Tables): string {
  return `BEGIN TRANSACTION READ ONLY;
${doBlock(`
DECLARE entries jsonb := '[]';
BEGIN
  SET LOCAL row_security = off;
  IF pg_catalog.to_regclass(${quoteLiteral(tables.log)}) IS NOT NULL THEN
    entries := (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(l.id,
      pg_catalog.to_char(l.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), l.event, l.migration, l.checksum, l.outcome,
      l.duration, l.run, l.role, l.os_user, l.git_commit, l.ci_run, l.detail, l.previous, l.hash, l.hash = ${logHash('l')}) ORDER BY l.id)
      FROM (SELECT id, at, event, migration_name AS migration, checksum, outcome, duration_ms AS duration, run_id AS run,
        role, os_user, git_commit, ci_run, detail, previous_hash AS previous, hash FROM ${tables.log}) l);
  END IF;
  PERFORM pg_catalog.set_config('migration_manager.log', COALESCE(entries, '[]')::text, true);
END`)}
SELECT pg_catalog.current_setting('migration_manager.log');
COMMIT;`
}

/** Decodes the answer to `readLogMessage`. */
export function parseLog(rows: readonly (readonly (string | null)[])[]): readonly LogEntry[] {
  const entries: unknown = JSON.parse(rows[0]?.[0] ?? 'null')
  if (!Array.isArray(entries)) throw unreadableLog()
  return entries.map(parseEntry)
}

/** The values of a row, in the order in which `readLogMessage` asks for them. */
const FIELDS: readonly LogField[] = [
  'id',
  'at',
  'event',
  'migration',
  'checksum',
  'outcome',
  'durationMs',
  'runId',
  'role',
  'osUser',
  'gitCommit',
  'ciRun',
  'detail',
  'previousHash',
  'hash',
  'isIntact',
]

function parseEntry(row: unknown): LogEntry {
  if (!Array.isArray(row)) throw unreadableLog()
  const values: readonly unknown[] = row
  return readLogEntry(Object.fromEntries(FIELDS.map((field, index) => [field, values[index]])))
}
