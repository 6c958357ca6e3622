import type { Dependent } from '../../core/driver.ts'
import { MigrationManagerError } from '../../core/errors.ts'
import { HISTORY_COLUMNS } from '../../core/history.ts'
import type { AppliedMigration } from '../../core/history.ts'
import { ENDING_EVENTS } from '../../core/log.ts'
import { readMoment } from '../../core/moment.ts'
import { QueryFailure } from './client.ts'
import type { Query, Rows } from './client.ts'
import { EMPTY_LOG, HISTORY, LOCK, LOG, NOW } from './tables.ts'
import type { LogEnd } from './tables.ts'

/** The lock as the database has it. */
export interface LockState {
  /** Only ever grows; every batch of a run begins by growing it. */
  readonly epoch: number
  /** A token of the run that took it last; null when it was given back. */
  readonly owner: string | null
  /** Who that is, in words. */
  readonly holder: string | null
  /** Whether the owner's time has not run out. */
  readonly isAlive: boolean
}

/** What one read tells about a database. */
export interface Facts {
  readonly state: 'absent' | 'ours' | 'foreign'
  /** The columns of a foreign `schema_migrations`. */
  readonly columns: readonly string[]
  readonly initialisedAs: string | null
  readonly history: readonly AppliedMigration[]
  readonly hasLog: boolean
  /** Where the history has no row: the migrations that are applied by what the log says. */
  readonly logged: readonly string[]
  /** Null where nobody has taken the lock yet. */
  readonly lock: LockState | null
  readonly logEnd: LogEnd
  readonly dependents: readonly Dependent[]
  /** The database's clock. */
  readonly now: Date
}

/** Which of our tables there are; null where nobody has looked yet. */
export type Presence = Readonly<Record<'history' | 'log' | 'lock', boolean>>

export const ALL: Presence = { history: true, log: true, lock: true }

/** The migrations that are applied by what the log says, in their order: nothing where the history has a row. */
function loggedQuery(hasHistory: boolean): Query {
  const endings = ENDING_EVENTS.map((event) => `'${event}'`).join(', ')
  return {
    sql: `SELECT l.migration_name AS name FROM ${LOG} l JOIN (SELECT max(id) AS id FROM ${LOG}
  WHERE migration_name IS NOT NULL AND outcome <> 'failed' GROUP BY migration_name) latest ON latest.id = l.id
WHERE l.event NOT IN (${endings})${hasHistory ? ` AND NOT EXISTS (SELECT 1 FROM ${HISTORY})` : ''} ORDER BY l.id`,
  }
}

/** Looks which tables there are, with the columns of the history; no table has to be there. */
const LOOK: Query = {
  sql: `SELECT m.name AS name, (SELECT json_group_array(c.name) FROM pragma_table_info(m.name) c) AS columns
FROM sqlite_master m WHERE m.type IN ('table', 'view') AND m.name IN ('${HISTORY}', '${LOG}', '${LOCK}')`,
}

const DEPENDENTS: Query = {
  sql: `SELECT m.name AS name, f."table" AS parent, f.on_delete AS action
FROM (SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\') m
JOIN pragma_foreign_key_list(m.name) f WHERE f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT')`,
}

/** Who holds the lock. */
export const LOCK_QUERY: Query = {
  sql: `SELECT epoch, owner, holder, COALESCE(expires_at > ${NOW}, 0) AS alive FROM ${LOCK} WHERE id = 1`,
}

/** Decodes the answer to `LOCK_QUERY`. */
export function parseLock([row]: Rows): LockState | null {
  if (row === undefined) return null
  return {
    epoch: Number(row['epoch']),
    owner: text(row['owner']),
    holder: text(row['holder']),
    isAlive: row['alive'] === 1,
  }
}

/** The batch that reads everything a run must know, from the tables that are there. */
export function readQueries({ history, log, lock }: Presence): readonly Query[] {
  const nothing: Query = { sql: 'SELECT NULL AS none WHERE 0' }
  return [
    { sql: `SELECT ${NOW} AS now` },
    LOOK,
    DEPENDENTS,
    history ? { sql: `SELECT ${HISTORY_COLUMNS.join(', ')} FROM ${HISTORY}` } : nothing,
    log ? loggedQuery(history) : nothing,
    log
      ? {
          sql: `SELECT json_extract(detail, '$.environment') AS environment FROM ${LOG} WHERE event = 'init' ORDER BY id DESC LIMIT 1`,
        }
      : nothing,
    log ? { sql: `SELECT id, hash FROM ${LOG} ORDER BY id DESC LIMIT 1` } : nothing,
    lock ? LOCK_QUERY : nothing,
  ]
}

/**
 * Reads a database with one batch, or with two where a table is missing: SQLite cannot name a table that may not be
 * there. `ask` sends a batch.
 */
export async function readFacts(ask: (queries: readonly Query[]) => Promise<readonly Rows[]>): Promise<Facts> {
  try {
    return parseFacts(await ask(readQueries(ALL)))
  } catch (cause) {
    if (!(cause instanceof QueryFailure) || !/no such (?:table|column)/.test(cause.message)) throw cause
  }
  const [tables = []] = await ask([LOOK])
  const state = stateOf(tables)
  const hasLock = tables.some(({ name }) => name === LOCK)
  return parseFacts(
    await ask(readQueries({ history: state === 'ours', log: state !== 'foreign' && isLogOurs(tables), lock: hasLock })),
  )
}

function stateOf(tables: Rows): Facts['state'] {
  const columns = columnsOf(tables, HISTORY)
  if (columns === null) return 'absent'
  return HISTORY_COLUMNS.every((column) => columns.includes(column)) ? 'ours' : 'foreign'
}

/** Another tool may have a table of this name. */
function isLogOurs(tables: Rows): boolean {
  const columns = columnsOf(tables, LOG)
  return ['id', 'event', 'migration_name', 'outcome', 'detail', 'hash'].every(
    (name) => columns?.includes(name) === true,
  )
}

function columnsOf(tables: Rows, table: string): readonly string[] | null {
  const row = tables.find(({ name }) => name === table)
  if (row === undefined) return null
  const columns: unknown = JSON.parse(text(row['columns']) ?? '[]')
  return Array.isArray(columns) ? columns.map(String) : []
}

/** Decodes the answers to `readQueries`. */
export function parseFacts([
  clock,
  tables,
  dependents,
  history,
  standing,
  registered,
  end,
  lock,
]: readonly Rows[]): Facts {
  const now = readMoment(clock?.[0]?.['now'])
  if (tables === undefined || history === undefined || now === null) throw unreadable()
  const last = end?.[0]
  const state = stateOf(tables)
  const logged = (standing ?? []).map(({ name }) => text(name) ?? '')
  // What is left of a log without a history, and tells of no migration, is begun anew.
  const isKnown = state === 'ours' || logged.length > 0
  return {
    state,
    columns: columnsOf(tables, HISTORY) ?? [],
    initialisedAs: isKnown ? text(registered?.[0]?.['environment']) : null,
    history: history.map(parseRow),
    hasLog: isLogOurs(tables),
    logged,
    lock: parseLock(lock ?? []),
    logEnd: last === undefined ? EMPTY_LOG : { id: Number(last['id']), hash: text(last['hash']) ?? '' },
    dependents: (dependents ?? []).map(({ name, parent, action }) => ({
      table: text(name) ?? '',
      parent: text(parent) ?? '',
      onDelete: text(action) ?? '',
    })),
    now,
  }
}

function parseRow(row: Readonly<Record<string, unknown>>): AppliedMigration {
  const name = text(row['migration_name'])
  const checksum = text(row['checksum'])
  const { status } = row
  if (name === null || checksum === null || (status !== 'started' && status !== 'applied')) throw unreadable()
  const { step, duration_ms: durationMs } = row
  return {
    name,
    checksum,
    status,
    step: typeof step === 'number' ? step : null,
    appliedAt: readMoment(row['applied_at']),
    durationMs: typeof durationMs === 'number' ? durationMs : null,
    appliedBy: text(row['applied_by']) ?? '',
    runId: text(row['run_id']),
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function unreadable(): MigrationManagerError {
  return new MigrationManagerError('target/unreadable-history', 'The answer of the database could not be understood.', {
    hint: 'Is schema_migrations unharmed, and of this version of migration-manager?',
  })
}
