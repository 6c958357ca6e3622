import type { HistoryReport } from '../../commands/history.ts'
import type { LogBreak, LogEntry } from '../../core/log.ts'
import { duration } from './page.ts'
import type { Page } from './page.ts'
import { sanitize } from './sanitizer.ts'

type EnvironmentHistory = HistoryReport['environments'][number]

/** Each migration with what became of it in each environment, oldest first, durations side by side. */
export function renderHistory({ environments }: HistoryReport, page: Page): string {
  const names = new Set<string>()
  for (const { entries } of environments) {
    for (const { migration, event } of entries) if (migration !== null && event !== 'init') names.add(migration)
  }
  if (names.size === 0) return page.paint('dim', 'Nothing of that kind is in the log.')
  const width = Math.max(...environments.map(({ name }) => name.length))
  return [...names]
    .map((migration) => {
      const lines = environments.flatMap(({ name, entries }) =>
        entries
          .filter((entry) => entry.migration === migration)
          .map((entry) => `  ${page.paint('strong', name.padEnd(width))}  ${describeEntry(entry, page)}`),
      )
      return [sanitize(page.redact(migration)), ...lines].join('\n')
    })
    .join('\n')
}

/** The log of each environment, row by row. */
export function renderLog({ environments }: HistoryReport, page: Page): string {
  return environments
    .map(({ name, entries }) => {
      const lines = entries.map(
        (entry) =>
          `  ${String(entry.id).padStart(4)}  ${describeEntry(entry, page)}  ${sanitize(page.redact(entry.migration ?? ''))}`,
      )
      return [page.paint('strong', name), ...lines].join('\n').trimEnd()
    })
    .join('\n\n')
}

function describeEntry(entry: LogEntry, page: Page): string {
  const { at, event, outcome, durationMs, role, osUser, gitCommit, ciRun } = entry
  const style = outcome === 'failed' ? 'bad' : 'good'
  const who = [osUser === null ? role : `${osUser} as ${role}`, gitCommit?.slice(0, 8), ciRun].filter(
    (part) => part !== null && part !== undefined,
  )
  return [
    at.toISOString().replace('T', ' ').slice(0, 19),
    page.paint(style, outcome === 'failed' ? `${event} failed` : event),
    durationMs === null ? null : duration(durationMs),
    page.paint('dim', sanitize(page.redact(who.join(', ')))),
  ]
    .filter((part) => part !== null)
    .join('  ')
}

/** Whether each log is what was written, a line each. */
export function renderIntegrity({ environments }: HistoryReport, page: Page): string {
  return environments
    .map(({ name, entries, logBreak }) =>
      logBreak === null
        ? `${page.paint('strong', name)}  ${page.paint('good', `the log is as it was written (${entries.length} rows)`)}`
        : `${page.paint('strong', name)}  ${page.paint('bad', describeBreak(logBreak))}`,
    )
    .join('\n')
}

/** A break in a log in words. */
export function describeBreak({ id, reason, migration }: LogBreak): string {
  const about = migration === null ? '' : ` (${sanitize(migration)})`
  switch (reason) {
    case 'edited':
      return `row ${id}${about} was edited after it was written`
    case 'removed':
      return `rows are missing before row ${id}${about}`
    case 'moved':
      return `row ${id}${about} does not follow the row before it`
    case 'cut-off':
      return `the end of the log is missing from row ${id} on: nothing says that ${sanitize(migration ?? '')} was applied`
  }
}

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
] as const

/** The events as comma-separated values (RFC 4180), the column names first. */
export function renderCsv({ environments }: HistoryReport): string {
  const rows = environments.flatMap(({ name, entries }) =>
    entries.map((entry): Readonly<Record<string, unknown>> => ({ environment: name, ...entryJson(entry) })),
  )
  return [COLUMNS.join(','), ...rows.map((row) => COLUMNS.map((column) => csvField(row[column])).join(','))].join(
    '\r\n',
  )
}

/** A leading = + - @ would be a formula to a spreadsheet. */
function csvField(value: unknown): string {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  const safe = /^[=+\-@\t]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** The stable JSON form of an event. */
export function entryJson(entry: LogEntry): Readonly<Record<string, unknown>> {
  const { id, at, event, migration, checksum, outcome, durationMs, runId, role, osUser, gitCommit, ciRun, detail } =
    entry
  return {
    id,
    at: at.toISOString(),
    event,
    migration,
    checksum,
    outcome,
    durationMs,
    runId,
    role,
    osUser,
    gitCommit,
    ciRun,
    detail,
  }
}

/** The stable JSON form of one environment's history. */
export function historyJson({ name, entries, logBreak }: EnvironmentHistory): Readonly<Record<string, unknown>> {
  return {
    name,
    log: logBreak === null ? { intact: true } : { intact: false, ...logBreak, message: describeBreak(logBreak) },
    entries: entries.map(entryJson),
  }
}
