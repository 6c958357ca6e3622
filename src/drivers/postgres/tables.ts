import type { Actor } from '../../core/driver.ts'
import { signatureOf } from '../../core/log.ts'
import type { RepairKind } from '../../core/repair.ts'
import { quoteIdentifier, quoteLiteral, quoteNullable } from './quote.ts'

/** The history tables of one schema, as SQL names that are safe to put into a message. */
export interface Tables {
  readonly schema: string
  readonly history: string
  readonly log: string
}

export function tablesOf(schema: string): Tables {
  const quoted = quoteIdentifier(schema)
  return { schema: quoted, history: `${quoted}.schema_migrations`, log: `${quoted}.schema_migrations_log` }
}

/**
 * PL/pgSQL statements that create what is missing: schema, history, log. Both tables are closed to everyone but their
 * owner: in `public` a table without row-level security is served to the world by Supabase's API.
 */
export function createTables(tables: Tables): string {
  const schema = quoteLiteral(tables.schema)
  return `
IF pg_catalog.to_regnamespace(${schema}) IS NULL THEN CREATE SCHEMA ${tables.schema}; END IF;
IF pg_catalog.to_regclass(${quoteLiteral(tables.history)}) IS NULL THEN
  CREATE TABLE ${tables.history} (
    migration_name text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz,
    status text NOT NULL CHECK (status IN ('started', 'applied')),
    step int,
    duration_ms int,
    applied_by text NOT NULL,
    run_id uuid,
    CHECK ((status = 'applied') = (applied_at IS NOT NULL)));
  COMMENT ON TABLE ${tables.history} IS 'Which migrations this database holds. Written by migration-manager.';
  ${closeTable(tables.history)}
END IF;
IF pg_catalog.to_regclass(${quoteLiteral(tables.log)}) IS NULL THEN
  CREATE TABLE ${tables.log} (
    id bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    event text NOT NULL,
    migration_name text,
    checksum text,
    outcome text NOT NULL,
    duration_ms int,
    run_id uuid,
    role text NOT NULL,
    os_user text,
    git_commit text,
    ci_run text,
    detail jsonb NOT NULL,
    previous_hash text NOT NULL,
    hash text NOT NULL);
  COMMENT ON TABLE ${tables.log} IS 'What was done to this database, row chained to row by hash. Append-only; written by migration-manager.';
  ${closeTable(tables.log)}
END IF;`
}

function closeTable(table: string): string {
  const name = quoteLiteral(table)
  return `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;
  REVOKE ALL ON ${table} FROM PUBLIC;
  IF pg_catalog.to_regrole('anon') IS NOT NULL THEN EXECUTE 'REVOKE ALL ON ' || ${name} || ' FROM anon'; END IF;
  IF pg_catalog.to_regrole('authenticated') IS NOT NULL THEN EXECUTE 'REVOKE ALL ON ' || ${name} || ' FROM authenticated'; END IF;`
}

/** Who writes into the log, with all that is known when it is written. */
export interface Author extends Omit<Actor, 'isTreeDirty'> {
  readonly isTreeDirty: boolean | null
}

/** One event of the log. All but `event` are SQL expressions. */
export interface LogEntry {
  readonly event: 'init' | 'apply' | 'begin-rollback' | 'rollback' | 'fail' | RepairKind
  readonly migration: string
  readonly checksum: string
  readonly outcome: string
  readonly durationMs: string
  readonly detail: string
}

/**
 * The statement that appends an event to the log, without its semicolon. The row's hash is SHA-256 over the JSON array of
 * its values and its predecessor's hash, so that a row that was edited, taken out or moved is found. `beside` is what else
 * the statement does, as a part of its WITH clause; `returning` what it answers, over the log's columns.
 */
export function appendLog(
  tables: Tables,
  runId: string,
  author: Author,
  entry: LogEntry,
  more?: { readonly beside: string; readonly returning: string },
): string {
  return `WITH ${more === undefined ? '' : `${more.beside},\n`}latest AS (SELECT id, hash FROM ${tables.log} ORDER BY id DESC LIMIT 1),
entry AS (SELECT COALESCE((SELECT id FROM latest), 0) + 1 AS id, pg_catalog.clock_timestamp() AS at,
  ${quoteLiteral(entry.event)}::text AS event, (${entry.migration})::text AS migration, (${entry.checksum})::text AS checksum,
  (${entry.outcome})::text AS outcome, (${entry.durationMs})::int AS duration, ${quoteLiteral(runId)}::uuid AS run, session_user::text AS role,
  ${quoteNullable(author.osUser)}::text AS os_user, ${quoteNullable(author.gitCommit)}::text AS git_commit, ${quoteNullable(author.ciRun)}::text AS ci_run,
  (${entry.detail})::jsonb || ${quoteLiteral(JSON.stringify(signatureOf(author)))}::jsonb AS detail, COALESCE((SELECT hash FROM latest), '') AS previous)
INSERT INTO ${tables.log} SELECT id, at, event, migration, checksum, outcome, duration, run, role, os_user, git_commit, ci_run, detail, previous,
  ${logHash('entry')} FROM entry${more === undefined ? '' : ` RETURNING ${more.returning}`}`
}

/** The expression of a log row's hash, over the columns of the relation `row` (named as in `appendLog`). */
export function logHash(row: string): string {
  const at = `pg_catalog.to_char(${row}.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
  const values = [
    'event',
    'migration',
    'checksum',
    'outcome',
    'duration',
    'run',
    'role',
    'os_user',
    'git_commit',
    'ci_run',
    'detail',
  ]
  const array = `pg_catalog.jsonb_build_array(${row}.id, ${at}, ${values.map((name) => `${row}.${name}`).join(', ')}, ${row}.previous)`
  return `pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(${array}::text, 'UTF8')), 'hex')`
}

/** The digest of the history, the same value as `digestHistory` of the core. */
export function historyDigest(tables: Tables): string {
  return `(SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(migration_name || ':' || checksum || ':' || status, E'\\n' ORDER BY migration_name COLLATE "C"), ''), 'UTF8')), 'hex') FROM ${tables.history})`
}
