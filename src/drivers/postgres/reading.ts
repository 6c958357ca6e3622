import { MigrationManagerError } from '../../core/errors.ts'
import { HISTORY_COLUMNS } from '../../core/history.ts'
import type { AppliedMigration } from '../../core/history.ts'
import { ENDING_EVENTS } from '../../core/log.ts'
import { readMoment } from '../../core/moment.ts'
import { describeHolder, lockHolderQuery, lockHeldCondition } from './lock.ts'
import { doBlock, quoteLiteral } from './quote.ts'
import { historyDigest } from './tables.ts'
import type { Tables } from './tables.ts'

/** What one read-only message tells about a database. */
export interface Facts {
  /** The backend that ran the message; behind a pooler it differs from the one that answered the login. */
  readonly pid: number
  /** `server_version_num`: 180004. */
  readonly version: number
  /** The server runs on Linux, where it can notice a client that is gone. */
  readonly onLinux: boolean
  /** It replays what another server does, and cannot be written to. */
  readonly isStandby: boolean
  /** When the backend began, as the server writes it; with its pid it names the backend for good. */
  readonly backendStart: string
  readonly databaseId: string
  readonly initialisedAs: string | null
  readonly state: 'absent' | 'ours' | 'foreign'
  /** The columns of a foreign `schema_migrations`. */
  readonly columns: readonly string[]
  /** Where there is no history: the schemas in which there is one of ours. */
  readonly elsewhere: readonly string[]
  readonly history: readonly AppliedMigration[]
  readonly hasLog: boolean
  /** Where the history has no row: the migrations that are applied by what the log says. */
  readonly logged: readonly string[]
  /** The digest of a history that is one of those expected: its rows were not sent, and `history` is empty. */
  readonly expectedDigest: string | null
  readonly lockHolder: string | null
  /** The role's own statement_timeout in milliseconds, 0 for none. */
  readonly statementTimeoutMs: number
}

/**
 * The message that reads everything a run must know, in one round trip and without writing. A table that may not be
 * there cannot be named in plain SQL, so a PL/pgSQL block looks first and leaves its answer in a setting that ends
 * with the transaction. `row_security = off` makes the server fail rather than hide rows: an empty answer must mean
 * an empty history. A history whose digest is one of `expected` is not sent: thousands of rows are many packets, and a
 * connection that has just been opened sends few at a time.
 */
export function readMessage(tables: Tables, key: string, expected: Iterable<string> = []): string {
  const digests = [...expected]
  const readDigest =
    digests.length === 0
      ? ''
      : `digest := ${historyDigest(tables)}; IF digest <> ALL (ARRAY[${digests.map(quoteLiteral).join(',')}]) THEN digest := NULL; END IF;`
  const history = quoteLiteral(tables.history)
  return `BEGIN TRANSACTION READ ONLY;
${doBlock(`
DECLARE
  facts jsonb; wanted text[] := ARRAY[${HISTORY_COLUMNS.map((name) => quoteLiteral(name)).join(',')}];
  columns text[]; elsewhere jsonb; holder jsonb; entries jsonb; logged jsonb; registered text; identifier text; digest text;
  haslog boolean := pg_catalog.to_regclass(${quoteLiteral(tables.log)}) IS NOT NULL;
BEGIN
  SET LOCAL search_path = pg_catalog, pg_temp;
  SET LOCAL row_security = off;
  BEGIN
    SELECT system_identifier::text INTO identifier FROM pg_control_system();
  EXCEPTION WHEN insufficient_privilege THEN identifier := NULL;
  END;
  IF ${lockHeldCondition(key)} THEN holder := (${lockHolderQuery(key)}); END IF;
  IF to_regclass(${history}) IS NOT NULL THEN
    columns := ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass(${history}) AND attnum > 0 AND NOT attisdropped ORDER BY attnum);
    IF columns @> wanted THEN
      ${readDigest}
      IF digest IS NULL THEN entries := (SELECT jsonb_agg(jsonb_build_array(migration_name, checksum, status, to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), duration_ms, applied_by, run_id, step)) FROM ${tables.history}); END IF;
      entries := COALESCE(entries, '[]');
    END IF;
  ELSE
    elsewhere := (SELECT jsonb_agg(nspname ORDER BY nspname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE relname = 'schema_migrations' AND relkind = 'r'
      AND wanted <@ ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped));
  END IF;
  IF haslog AND columns IS NULL AND ${LOG_COLUMNS} <@ ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass(${quoteLiteral(tables.log)}) AND attnum > 0 AND NOT attisdropped) THEN
    logged := (${standingQuery(tables)});
  ELSIF haslog AND digest IS NULL AND entries = '[]' THEN
    logged := (${standingQuery(tables)} AND NOT EXISTS (SELECT FROM ${tables.history}));
  END IF;
  haslog := to_regclass(${quoteLiteral(tables.log)}) IS NOT NULL;
  IF haslog AND (entries IS NOT NULL OR logged IS NOT NULL) THEN
    SELECT detail->>'environment' INTO registered FROM ${tables.log} WHERE event = 'init' ORDER BY id DESC LIMIT 1;
  END IF;
  facts := jsonb_build_object('pid', pg_backend_pid(), 'version', current_setting('server_version_num')::int, 'onLinux', version() LIKE '%linux%', 'isStandby', pg_is_in_recovery(), 'backendStart', (SELECT backend_start FROM pg_stat_get_activity(pg_backend_pid())),
    'databaseId', identifier || '/' || (SELECT oid FROM pg_database WHERE datname = current_database()),
    'initialisedAs', registered, 'columns', columns, 'elsewhere', elsewhere, 'history', entries, 'hasLog', haslog, 'logged', logged, 'digest', digest, 'holder', holder,
    'statementTimeoutMs', (EXTRACT(epoch FROM current_setting('statement_timeout')::interval) * 1000)::bigint);
  PERFORM set_config('migration_manager.facts', facts::text, true);
END`)}
SELECT pg_catalog.current_setting('migration_manager.facts');
COMMIT;`
}

/** What of the log's columns is asked for where there is no history beside it: another tool may have a table of this name. */
const LOG_COLUMNS = "ARRAY['id', 'event', 'migration_name', 'outcome', 'detail']"

/**
 * The migrations that are applied by what the log says, in the order in which they were, as JSON. Ends with a condition.
 * Every statement of the message sees the database at its own moment: what another run commits between two of them must
 * not look like a history that was lost, so where there is one the same statement looks whether it is empty still.
 */
function standingQuery(tables: Tables): string {
  return `SELECT jsonb_agg(l.name ORDER BY l.id) FROM (SELECT DISTINCT ON (migration_name) migration_name AS name, event, id FROM ${tables.log} WHERE migration_name IS NOT NULL AND outcome <> 'failed' ORDER BY migration_name, id DESC) l
      WHERE l.event <> ALL (ARRAY[${ENDING_EVENTS.map(quoteLiteral).join(',')}])`
}

/** Decodes the answer to `readMessage`; a server may be anything, so nothing of it is taken on trust. */
export function parseFacts(rows: readonly (readonly (string | null)[])[]): Facts {
  const text = rows[0]?.[0]
  if (typeof text !== 'string') throw unreadable()
  const facts = asRecord(JSON.parse(text))
  const { pid, version, databaseId, initialisedAs, columns, history, holder, statementTimeoutMs } = facts
  if (typeof pid !== 'number' || typeof version !== 'number') throw unreadable()
  return {
    pid,
    version,
    onLinux: facts['onLinux'] === true,
    isStandby: facts['isStandby'] === true,
    backendStart: typeof facts['backendStart'] === 'string' ? facts['backendStart'] : '',
    databaseId: typeof databaseId === 'string' ? databaseId : '',
    initialisedAs: typeof initialisedAs === 'string' ? initialisedAs : null,
    state: Array.isArray(history) ? 'ours' : Array.isArray(columns) ? 'foreign' : 'absent',
    columns: Array.isArray(columns) ? columns.map(String) : [],
    elsewhere: Array.isArray(facts['elsewhere']) ? facts['elsewhere'].map(String) : [],
    history: Array.isArray(history) ? history.map(parseRow) : [],
    hasLog: facts['hasLog'] === true,
    logged: Array.isArray(facts['logged']) ? facts['logged'].map(String) : [],
    expectedDigest: typeof facts['digest'] === 'string' ? facts['digest'] : null,
    lockHolder: holder === null ? null : describeHolder(holder),
    statementTimeoutMs: typeof statementTimeoutMs === 'number' ? statementTimeoutMs : 0,
  }
}

function parseRow(row: unknown): AppliedMigration {
  if (!Array.isArray(row)) throw unreadable()
  const [name, checksum, status, appliedAt, durationMs, appliedBy, runId, step] = row as unknown[]
  if (typeof name !== 'string' || typeof checksum !== 'string') throw unreadable()
  if (status !== 'started' && status !== 'applied') throw unreadable()
  return {
    name,
    checksum,
    status,
    appliedAt: readMoment(appliedAt),
    durationMs: typeof durationMs === 'number' ? durationMs : null,
    appliedBy: typeof appliedBy === 'string' ? appliedBy : '',
    runId: typeof runId === 'string' ? runId : null,
    step: typeof step === 'number' ? step : null,
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw unreadable()
  return { ...value }
}

/** For an answer that no version of ours gives. */
export function unreadable(): MigrationManagerError {
  return new MigrationManagerError('target/unreadable-history', 'The answer of the database could not be understood.', {
    hint: 'Is this PostgreSQL 14 or newer, and is schema_migrations unharmed?',
  })
}
