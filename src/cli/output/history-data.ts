import type { HistoryReport } from '../../commands/history.ts'
import { lastDurations } from '../../core/log.ts'
import type { LogEntry } from '../../core/log.ts'
import { describeBreak } from './history-table.ts'
import type { Json } from './json.ts'

type EnvironmentHistory = HistoryReport['environments'][number]

const COLUMNS = [
  'environment',
  'id',
  'at',
  'event',
  'migration',
  'outcome',
  'durationMs',
  'role',
  'osUser',
  'gitCommit',
  'ciRun',
  'runId',
  'gitDirty',
  'ciJob',
] as const

/**
 * The events as comma-separated values, the column names first. Fields are quoted as RFC 4180 has it; lines end with LF,
 * as all output does.
 */
export function renderCsv({ environments }: HistoryReport): string {
  const rows = environments.flatMap(({ name, entries }) =>
    entries.map((entry): Json => ({ environment: name, ...entryJson(entry) })),
  )
  return [COLUMNS.join(','), ...rows.map((row) => COLUMNS.map((column) => csvField(row[column])).join(','))].join('\n')
}

/** A leading = + - @ would be a formula to a spreadsheet. */
function csvField(value: unknown): string {
  const text = ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : ''
  const safe = /^[=+\-@\t]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** The stable JSON form of an event. */
function entryJson(entry: LogEntry): Json {
  const { id, at, event, migration, checksum, outcome, durationMs, runId, role, osUser, detail } = entry
  const { gitCommit, gitDirty, ciRun, ciJob } = entry
  return {
    id,
    at: at?.toISOString() ?? null,
    event,
    migration,
    checksum,
    outcome,
    durationMs,
    runId,
    role,
    osUser,
    gitCommit,
    gitDirty,
    ciRun,
    ciJob,
    detail,
  }
}

/** The stable JSON form of one environment's history. */
export function historyJson({ name, entries, logBreak }: EnvironmentHistory): Json {
  return {
    name,
    log: logBreak === null ? { intact: true } : { intact: false, ...logBreak, message: describeBreak(logBreak) },
    entries: entries.map(entryJson),
  }
}

/** How long each migration took in each environment, the last time it was applied; null where it was not. */
export function durationsJson({ environments }: HistoryReport): Json {
  const durations = environments.map(({ name, entries }) => ({ name, of: lastDurations(entries) }))
  const names = new Set(durations.flatMap(({ of }) => [...of.keys()]))
  return Object.fromEntries(
    [...names].map((migration) => [
      migration,
      Object.fromEntries(durations.map(({ name, of }) => [name, of.get(migration) ?? null])),
    ]),
  )
}
