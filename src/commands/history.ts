import { MigrationManagerError } from '../core/errors.ts'
import type { Emit } from '../core/event.ts'
import { findLogBreak } from '../core/log.ts'
import type { LogBreak, LogEntry } from '../core/log.ts'
import { meansMigration } from '../core/migration.ts'
import type { Project } from '../core/project.ts'
import { diffChanges } from './changes.ts'
import type { ChangeReport } from './changes.ts'
import { refuseMixUps } from './mix-ups.ts'
import { selectEnvironments } from './selection.ts'
import { refuseUnreadable } from './sound-survey.ts'
import { readFolders, survey } from './survey.ts'
import type { Sight } from './survey.ts'

/** Which events are wanted. */
export interface HistoryFilter {
  /** Events about this migration: its name, its file or its version. */
  readonly migration?: string | undefined
  /** Events from this moment on. */
  readonly since?: Date | undefined
  readonly onlyFailed: boolean
  /** Also say how what ran differs from what is on disk. */
  readonly diff: boolean
  /** An environment that cannot be read is thrown, and not a part of the report. */
  readonly needsAll: boolean
}

export interface HistoryReport {
  readonly environments: readonly {
    readonly name: string
    /** The events that were wanted, oldest first. */
    readonly entries: readonly LogEntry[]
    /** How many events the whole log holds. */
    readonly rows: number
    /** Where the whole log is not what was written; null when everything fits. */
    readonly logBreak: LogBreak | null
  }[]
  /** What could not be read, and why. */
  readonly unreadable: readonly { readonly name: string; readonly error: MigrationManagerError }[]
  /** What ran and is not on disk; null unless it was asked for. */
  readonly changes: readonly ChangeReport[] | null
}

/**
 * Who applied what, where, when and how long it took: the logs of the selected environments. Reads only, and needs the
 * migration files for the difference alone. Environments that cannot be read are in the report, with their errors.
 */
export async function readHistory(
  project: Project,
  filter: HistoryFilter,
  emit: Emit,
  signal: AbortSignal,
): Promise<HistoryReport> {
  const environments = selectEnvironments(project)
  const folders = filter.diff ? readFolders(project, environments) : Promise.resolve([])
  await using seen = await survey(project, environments, folders, emit, signal)
  if (filter.needsAll) refuseUnreadable(seen.sights)
  refuseMixUps(seen.sights, { mayRename: false })
  const read = await Promise.all(seen.sights.map((sight) => readLog(sight, filter)))
  return {
    environments: read.flatMap((log) => ('error' in log ? [] : [log])),
    unreadable: read.flatMap((log) => ('error' in log ? [log] : [])),
    changes: filter.diff
      ? await diffChanges(seen.matrix, project.cwd, (name) => isAbout(name, filter.migration))
      : null,
  }
}

async function readLog(
  sight: Sight,
  filter: HistoryFilter,
): Promise<HistoryReport['environments'][number] | HistoryReport['unreadable'][number]> {
  const { name } = sight.environment
  if (!sight.isReachable) return { name, error: sight.error }
  try {
    const entries = await sight.connection.log()
    return {
      name,
      entries: entries.filter((entry) => isWanted(entry, filter)),
      rows: entries.length,
      logBreak: await findBreak(sight, entries),
    }
  } catch (cause) {
    if (!(cause instanceof MigrationManagerError) || filter.needsAll || cause.code === 'run/interrupted') throw cause
    return { name, error: cause }
  }
}

/**
 * The history was read before the log, and of a parked database much earlier: what was taken back in between is applied by
 * the one and not by the other. So only what is applied before and after is missing in the log; a row of another run is
 * another event, which may have come behind the log.
 */
async function findBreak(
  { connection, reading }: Extract<Sight, { isReachable: true }>,
  entries: readonly LogEntry[],
): Promise<LogBreak | null> {
  const found = findLogBreak(entries, reading.history)
  if (found?.reason !== 'cut-off') return found
  const now = new Map((await connection.read()).history.map((row) => [row.name, row]))
  const lasting = reading.history.filter(({ name, runId }) => {
    const row = now.get(name)
    return row?.status === 'applied' && row.runId === runId
  })
  return findLogBreak(entries, lasting)
}

function isWanted(entry: LogEntry, { migration, since, onlyFailed }: HistoryFilter): boolean {
  if (onlyFailed && entry.outcome !== 'failed') return false
  // What has no time any more is shown: that is what somebody who looks wants to see.
  if (since !== undefined && entry.at !== null && entry.at < since) return false
  return isAbout(entry.migration, migration)
}

/** Whether an event is about the migration that a person means; undefined means any. */
function isAbout(name: string | null, wanted: string | undefined): boolean {
  return wanted === undefined || (name !== null && meansMigration(name, wanted))
}

/**
 * A moment as people write it: a date, a date and time (UTC, as all times that are shown, unless it names a zone), or
 * `2d`, `12h`, `30m` ago. Throws `usage/bad-arguments`.
 */
export function parseSince(text: string, now: Date): Date {
  const [, count, unit] = /^(\d{1,6})([mhdw])$/.exec(text) ?? []
  if (count !== undefined && unit !== undefined) {
    const minutes = { m: 1, h: 60, d: 1_440, w: 10_080 }[unit] ?? 0
    return new Date(now.getTime() - Number(count) * minutes * 60_000)
  }
  const date = readMoment(text)
  if (date !== null) return date
  throw new MigrationManagerError('usage/bad-arguments', `--since ${text} is no moment that is understood.`, {
    hint: 'Write a date (2026-11-03), a date and time (2026-11-03T08:00; UTC, unless it ends with a zone like +01:00), or how long ago: 30m, 12h, 2d, 1w.',
  })
}

const MOMENT =
  /^(?<day>\d{4}-\d{2}-\d{2})(?:[T ](?<time>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(?<zone>Z|UTC|(?<hours>[+-]\d{2})(?::?(?<minutes>\d{2}))?)?)?$/i

/** Null for what is no moment: the 31st of February, too, which a Date takes for one in March. */
function readMoment(text: string): Date | null {
  const { day, time = '00:00', hours, minutes = '00' } = MOMENT.exec(text)?.groups ?? {}
  const midnight = new Date(`${day}T00:00Z`)
  if (Number.isNaN(midnight.getTime()) || midnight.toISOString().slice(0, 10) !== day) return null
  const date = new Date(`${day}T${time}${hours === undefined ? 'Z' : `${hours}:${minutes}`}`)
  return Number.isNaN(date.getTime()) ? null : date
}
