import type { HistoryReport } from '../../commands/history.ts'
import { lastDurations } from '../../core/log.ts'
import type { LogBreak, LogEntry } from '../../core/log.ts'
import { tellFew } from './fleet.ts'
import { columnsOf, count, duration } from './page.ts'
import type { Page } from './page.ts'
import type { Style } from './paint.ts'
import { sanitize } from './sanitizer.ts'

/** Each migration with what became of it in each environment, oldest first, durations below each other. */
export function renderHistory({ environments }: HistoryReport, page: Page): string {
  const names = new Set<string>()
  for (const { entries } of environments) {
    for (const { migration, event } of entries) if (migration !== null && event !== 'init') names.add(migration)
  }
  if (names.size === 0) return page.paint('dim', 'Nothing of that kind is in the log.')
  const slowness = new Map(environments.map(({ name, entries }) => [name, lastDurations(entries)]))
  const layout = layoutOf(
    environments.map(({ name }) => name),
    environments.flatMap(({ entries }) => entries),
  )
  return [...names]
    .map((migration) => {
      const lines = environments.flatMap(({ name, entries }) =>
        entries
          .filter((entry) => entry.migration === migration)
          .map((entry) => renderEntry(name, entry, [compare(name, entry, slowness), 'warn'], layout, page)),
      )
      return [sanitize(page.redact(migration)), ...lines].join('\n')
    })
    .join('\n')
}

/** The log of each environment, row by row. */
export function renderLog({ environments }: HistoryReport, page: Page): string {
  return environments
    .map(({ name, entries }) => {
      const layout = layoutOf(
        entries.map(({ id }) => String(id)),
        entries,
      )
      const lines = entries.map((entry) =>
        renderEntry(String(entry.id).padStart(layout.label), entry, [entry.migration ?? '', null], layout, page),
      )
      return [page.paint('strong', name), ...lines].join('\n').trimEnd()
    })
    .join('\n\n')
}

/** The widths of the columns of a list of events. */
interface Layout {
  readonly label: number
  readonly event: number
  readonly duration: number
}

function layoutOf(labels: readonly string[], entries: readonly LogEntry[]): Layout {
  const widest = (texts: readonly string[]): number => texts.reduce((most, text) => Math.max(most, text.length), 0)
  return {
    label: widest(labels),
    event: widest(entries.map(eventOf)),
    duration: widest(entries.map(durationOf)),
  }
}

function eventOf({ event, outcome, detail }: LogEntry): string {
  if (outcome !== 'failed') return event
  return typeof detail['code'] === 'string' ? `failed (${detail['code']})` : 'failed'
}

function durationOf({ durationMs }: LogEntry): string {
  return durationMs === null ? '' : duration(durationMs)
}

type StyledText = readonly [text: string, style: Style | null]

/** One event: when, what, how long; then who, on lines of their own where there is no room. */
function renderEntry(label: string, entry: LogEntry, note: StyledText, layout: Layout, page: Page): string {
  const { at, outcome, ciRun, detail } = entry
  const { reason } = detail
  const columns: readonly StyledText[] = [
    [label.padEnd(layout.label), 'strong'],
    [at === null ? 'no readable time   ' : at.toISOString().replace('T', ' ').slice(0, 19), null],
    [sanitize(eventOf(entry)).padEnd(layout.event), outcome === 'failed' ? 'bad' : 'good'],
    [durationOf(entry).padStart(layout.duration), null],
    [sanitize(page.redact(note[0])), note[1]],
    [sanitize(page.redact(describeAuthor(entry))), 'dim'],
    ...(ciRun === null ? [] : [[sanitize(page.redact(ciRun)), 'dim'] as const]),
    ...(typeof reason === 'string' ? [[sanitize(page.redact(`"${reason}"`)), null] as const] : []),
  ]
  const indent = ' '.repeat(layout.label + 4)
  let line = ''
  let used = 0
  for (const [index, [text, style]] of columns.entries()) {
    if (text === '') continue
    const breaks = index > WHEN_AND_WHAT && used + GAP.length + columnsOf(text) > page.width
    line = `${breaks ? `${line.trimEnd()}\n${indent}` : `${line}${GAP}`}${style === null ? text : page.paint(style, text)}`
    used = (breaks ? indent.length : used + GAP.length) + columnsOf(text)
  }
  return line
}

const GAP = '  '
/** So many columns after the first stay together. */
const WHEN_AND_WHAT = 3

/** `ana as postgres, 1f0c93ab+`; in CI the job takes the place of the operating system's user. */
function describeAuthor({ role, osUser, gitCommit, gitDirty, ciJob }: LogEntry): string {
  const person = ciJob === null ? osUser : `CI job ${ciJob}`
  const who = person === null ? role : `${person} as ${role}`
  return gitCommit === null ? who : `${who}, ${gitCommit.slice(0, 8)}${gitDirty === true ? '+' : ''}`
}

/** From so many times as slow, and so many milliseconds more, a person would want to know. */
const SLOWER = { times: 3, ms: 1_000 }

/** How much longer a migration took than in the first environment that has it, where that is a lot; else empty. */
function compare(
  environment: string,
  { migration, durationMs }: LogEntry,
  slowness: ReadonlyMap<string, ReadonlyMap<string, number>>,
): string {
  if (migration === null || durationMs === null || slowness.get(environment)?.get(migration) !== durationMs) return ''
  const [first, ms] =
    [...slowness]
      .map(([name, durations]) => [name, durations.get(migration)] as const)
      .find(([, ran]) => ran !== undefined) ?? []
  if (first === undefined || ms === undefined || first === environment) return ''
  if (durationMs < SLOWER.times * ms || durationMs < ms + SLOWER.ms) return ''
  return `${Math.round(durationMs / Math.max(1, ms))} times ${first}`
}

/** Whether each log is what was written, a line each. */
export function renderIntegrity({ environments }: HistoryReport, page: Page): string {
  const width = Math.max(...environments.map(({ name }) => name.length))
  const remarks = environments.map(({ name, rows, logBreak }) => {
    const label = page.paint('strong', name.padEnd(width))
    return logBreak === null
      ? {
          environment: name,
          kind: 'intact',
          text: `${label}  ${page.paint('good', `the log is as it was written (${count(rows, 'row')})`)}`,
        }
      : { environment: name, kind: name, text: `${label}  ${page.paint('bad', describeBreak(logBreak))}` }
  })
  return tellFew(remarks, page).join('\n')
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
