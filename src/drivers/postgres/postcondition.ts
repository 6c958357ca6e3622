import type { Meaning, ObjectName } from '../../sql/meaning.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

/**
 * How far a statement that cannot run in a transaction has come, as the catalogs tell.
 * - `done`: what it is for is so. `absent`: it is not, and nothing is in the way.
 * - `half`: something of it was left behind that must go first. `busy`: another backend is at it.
 * - `untellable`: the catalogs cannot tell.
 */
export type Standing = 'done' | 'absent' | 'half' | 'busy' | 'untellable'

export interface PostCondition {
  /** A query for one row: the standing, and for each thing that was left behind a statement that clears it, as JSON. */
  readonly query: string | null
  /** Carrying it out again is harmless, so `absent` before it means nothing, and its return means that it is done. */
  readonly isRepeatable: boolean
}

/** What is so once the statement has been carried out. */
export function postConditionOf(meaning: Meaning): PostCondition {
  switch (meaning.kind) {
    case 'create-index':
      return { query: createdIndex(meaning.table, meaning.index), isRepeatable: false }
    case 'drop-index':
      return { query: standing(`pg_catalog.to_regclass(${literalName(meaning.index)}) IS NULL`), isRepeatable: false }
    case 'reindex':
      return { query: reindexed(meaning.of, meaning.target), isRepeatable: true }
    case 'detach-partition':
      return { query: detached(meaning.parent, meaning.child), isRepeatable: false }
    case 'create-database':
      return { query: standing(exists('pg_database', 'datname', meaning.name)), isRepeatable: false }
    case 'drop-database':
      return { query: standing(`NOT ${exists('pg_database', 'datname', meaning.name)}`), isRepeatable: false }
    case 'create-tablespace':
      return { query: standing(exists('pg_tablespace', 'spcname', meaning.name)), isRepeatable: false }
    case 'drop-tablespace':
      return { query: standing(`NOT ${exists('pg_tablespace', 'spcname', meaning.name)}`), isRepeatable: false }
    case 'create-subscription':
      return {
        query: standing(
          `EXISTS (SELECT FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE d.datname = pg_catalog.current_database() AND s.subname = ${quoteLiteral(meaning.name)})`,
        ),
        isRepeatable: false,
      }
    case 'repeatable':
      return { query: null, isRepeatable: true }
    case 'other':
      return { query: null, isRepeatable: false }
  }
}

function standing(isDone: string): string {
  return `SELECT CASE WHEN ${isDone} THEN 'done' ELSE 'absent' END, '[]'`
}

function exists(catalog: string, column: string, name: string): string {
  return `EXISTS (SELECT FROM pg_catalog.${catalog} WHERE ${column} = ${quoteLiteral(name)})`
}

/**
 * An index lies in the schema of its table. An invalid one that nobody is building (`pg_stat_progress_create_index`)
 * was left behind by a CREATE INDEX CONCURRENTLY that failed (PostgreSQL manual, "Building Indexes Concurrently").
 */
function createdIndex(table: ObjectName, index: string): string {
  return `SELECT CASE WHEN i.indexrelid IS NULL THEN 'absent' WHEN i.indisvalid AND i.indisready THEN 'done'
  WHEN EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid AND p.pid <> pg_catalog.pg_backend_pid()) THEN 'busy' ELSE 'half' END,
  CASE WHEN i.indexrelid IS NULL OR i.indisvalid THEN '[]' ELSE pg_catalog.jsonb_build_array('DROP INDEX CONCURRENTLY IF EXISTS ' || i.indexrelid::pg_catalog.regclass)::text END
FROM (SELECT pg_catalog.to_regclass(${literalName(table)})::oid AS oid) t
LEFT JOIN pg_catalog.pg_class tc ON tc.oid = t.oid
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = tc.relnamespace AND c.relname = ${quoteLiteral(index)}
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid AND i.indrelid = t.oid`
}

/** What a REINDEX CONCURRENTLY leaves behind ends in _ccnew or _ccold and a number, and is invalid (manual, "REINDEX"). */
function reindexed(of: 'index' | 'table' | 'schema' | 'database', target: ObjectName | null): string {
  const within = {
    index: `i.indrelid = (SELECT indrelid FROM pg_catalog.pg_index WHERE indexrelid = pg_catalog.to_regclass(${target === null ? 'NULL' : literalName(target)}))`,
    table: withToast(`oid = pg_catalog.to_regclass(${target === null ? 'NULL' : literalName(target)})`),
    schema: withToast(
      `relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = ${quoteLiteral(target?.name ?? '')})`,
    ),
    database: 'true',
  }[of]
  return `SELECT CASE WHEN pg_catalog.count(*) = 0 THEN 'done' ELSE 'half' END,
  COALESCE(pg_catalog.jsonb_agg('DROP INDEX CONCURRENTLY IF EXISTS ' || i.indexrelid::pg_catalog.regclass), '[]')::text
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$' AND ${within}
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.relid = i.indrelid AND p.pid <> pg_catalog.pg_backend_pid())`
}

/** The tables for which a condition holds, and what holds their long values: its index is rebuilt with theirs. */
function withToast(isMeant: string): string {
  return `i.indrelid IN (SELECT pg_catalog.unnest(ARRAY[oid, reltoastrelid]) FROM pg_catalog.pg_class WHERE ${isMeant})`
}

/** A detach that was cut off in its middle is pending, and can only be finished (manual, "ALTER TABLE", DETACH PARTITION). */
function detached(parent: ObjectName, child: ObjectName): string {
  const finish = `ALTER TABLE ${sqlName(parent)} DETACH PARTITION ${sqlName(child)} FINALIZE`
  return `SELECT CASE WHEN c.oid IS NULL THEN 'absent' WHEN h.inhrelid IS NULL THEN 'done' WHEN h.inhdetachpending THEN 'half' ELSE 'absent' END,
  pg_catalog.jsonb_build_array(${quoteLiteral(finish)})::text
FROM (SELECT pg_catalog.to_regclass(${literalName(child)})::oid AS oid) c
LEFT JOIN pg_catalog.pg_inherits h ON h.inhrelid = c.oid AND h.inhparent = pg_catalog.to_regclass(${literalName(parent)})`
}

function sqlName({ schema, name }: ObjectName): string {
  return schema === null ? quoteIdentifier(name) : `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
}

function literalName(name: ObjectName): string {
  return quoteLiteral(sqlName(name))
}
