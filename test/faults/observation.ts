import type postgres from 'postgres'

/** A row of the history, as it stands in the table. */
export interface HistoryRow {
  readonly name: string
  readonly status: string
  readonly step: number | null
  readonly run: string | null
}

/** What is really in one database, in one snapshot; asked for without the tool. */
export interface Observation {
  /** How often each marker is there. */
  readonly markers: Readonly<Record<string, number>>
  /** Indexes that are valid. */
  readonly indexes: readonly string[]
  /** Indexes that are not: half built, or left behind by a rebuild. */
  readonly brokenIndexes: readonly string[]
  readonly labels: readonly string[]
  /** Null where there is no table. */
  readonly history: readonly HistoryRow[] | null
  readonly log: readonly {
    readonly event: string
    readonly migration: string | null
    readonly environment: string | null
    readonly run: string
  }[]
  /** Rows of the log whose hash is not that of their values and their predecessor's hash. */
  readonly brokenLinks: number
}

/** The function that observes; it is in the template, so that one call is one round trip. */
export const OBSERVE_FUNCTION = `
CREATE SCHEMA oracle;
CREATE FUNCTION oracle.observe() RETURNS jsonb LANGUAGE plpgsql SET search_path = public AS $observe$
DECLARE history jsonb; log jsonb := '[]'; broken int := 0;
BEGIN
  IF to_regclass('public.schema_migrations') IS NOT NULL THEN
    SELECT COALESCE(jsonb_agg(jsonb_build_object('name', migration_name, 'status', status, 'step', step, 'run', run_id) ORDER BY migration_name COLLATE "C"), '[]')
      INTO history FROM schema_migrations;
  END IF;
  IF to_regclass('public.schema_migrations_log') IS NOT NULL THEN
    SELECT COALESCE(jsonb_agg(jsonb_build_object('event', event, 'migration', migration_name, 'environment', detail->>'environment', 'run', run_id) ORDER BY id), '[]')
      INTO log FROM schema_migrations_log;
    SELECT count(*) INTO broken FROM (
      SELECT hash <> encode(sha256(convert_to(jsonb_build_array(id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), event,
        migration_name, checksum, outcome, duration_ms, run_id, role, os_user, git_commit, ci_run, detail, previous_hash)::text, 'UTF8')), 'hex')
        OR previous_hash <> COALESCE(lag(hash) OVER (ORDER BY id), '') OR id <> COALESCE(lag(id) OVER (ORDER BY id), 0) + 1 AS is_broken
      FROM schema_migrations_log) AS chain WHERE is_broken;
  END IF;
  RETURN jsonb_build_object('history', history, 'log', log, 'brokenLinks', broken,
    'markers', (SELECT COALESCE(jsonb_object_agg(name, times), '{}') FROM (
      SELECT name, count(*) AS times FROM (SELECT name FROM effect UNION ALL SELECT 'feeling ' || name FROM feeling) AS every GROUP BY name) AS marker),
    'indexes', (SELECT COALESCE(jsonb_agg(relname ORDER BY relname), '[]') FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
      WHERE relnamespace = 'public'::regnamespace AND indisvalid AND indisready),
    'brokenIndexes', (SELECT COALESCE(jsonb_agg(relname ORDER BY relname), '[]') FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
      WHERE NOT indisvalid OR NOT indisready OR NOT indislive OR relname ~ '_cc(new|old)[0-9]*$'),
    'labels', (SELECT COALESCE(jsonb_agg(enumlabel), '[]') FROM pg_enum WHERE enumtypid = 'mood'::regtype));
END $observe$;
`

/** Looks once. */
export async function observe(sql: postgres.Sql): Promise<Observation> {
  await sql.unsafe('BEGIN ISOLATION LEVEL REPEATABLE READ')
  const rows = await sql.unsafe<{ observed: string }[]>('SELECT oracle.observe()::text AS observed')
  await sql.unsafe('COMMIT')
  const observation: Observation = JSON.parse(rows[0]?.observed ?? 'null')
  return observation
}
