import { createRequire } from 'node:module'
import type TableClass from 'cli-table3'
import { groupFleets } from '../../core/fleet.ts'
import { isAppliedEverywhere } from '../../core/matrix.ts'
import type { CellState, Matrix, MatrixRow } from '../../core/matrix.ts'
import { EMPTY_SHARD } from './fleet.ts'
import { chooseHeadings, flowEntries } from './headings.ts'
import type { Headings } from './headings.ts'
import { columnsOf, count, shorten } from './page.ts'
import type { Page } from './page.ts'
import type { Style } from './paint.ts'
import { sanitize } from './sanitizer.ts'

/** Up to so many rows everything is shown; beyond, only what differs. */
const SHOW_ALL_UP_TO = 40
/** Of what differs, so many rows. */
const MAX_DIFFERENT = 60
/** A name is never cut shorter than this. */
const MIN_NAME = 12

const SYMBOLS: Readonly<Record<CellState, { readonly symbol: string; readonly style: Style }>> = {
  applied: { symbol: '✓', style: 'good' },
  pending: { symbol: '·', style: 'warn' },
  changed: { symbol: '≠', style: 'bad' },
  missing: { symbol: '!', style: 'bad' },
  started: { symbol: '…', style: 'bad' },
  unknown: { symbol: '?', style: 'bad' },
}

/**
 * The matrix as a table without rules: a row a migration, a column an environment, the reason behind what is not plain.
 * Names that leave no room are cut, or replaced by numbers that are explained below.
 */
export function renderMatrix(ungrouped: Matrix, page: Page): string {
  const matrix = groupFleets(ungrouped)
  const names = matrix.environments.map(({ name }) => name)
  if (names.length === 0) return page.paint('dim', EMPTY_SHARD)
  if (matrix.rows.length === 0)
    return page.paint('dim', 'There are no migrations yet. Make one: migration-manager new "…"')
  const { shown, hiddenSame, hiddenDifferent } = chooseRows(matrix.rows, page)
  const notes = shown.map(describeRow)
  const labels = shown.map((row) => sanitize(page.redact(row.name)))
  const headings = chooseHeadings(names.map(page.redact), page.width - MIN_NAME, GAP)
  const widths = columnWidths(labels, notes, headings, page.width)
  const rows = shown.map((row, index) => [
    shorten(labels[index] ?? '', widths.name),
    ...names.map((name) => paintCell(row.cells.get(name)?.state, page)),
    widths.note > 0 ? page.paint('dim', shorten(notes[index] ?? '', widths.note)) : '',
  ])
  const heads = headings.lines.map((texts) => ['', ...texts.map((text) => page.paint('strong', text)), ''])
  const lines =
    rows.length === 0 ? [] : layOut([...heads, ...rows], [widths.name, ...headings.widths, widths.note], headings.gap)
  if (rows.length > 0) lines.push(...flowEntries(headings.legend, page.width).map((line) => page.paint('dim', line)))
  if (hiddenDifferent > 0)
    lines.push(page.paint('dim', `… and ${count(hiddenDifferent, 'more migration')} that differ (--all shows them)`))
  if (hiddenSame > 0)
    lines.push(page.paint('dim', `… and ${count(hiddenSame, 'more migration')} applied everywhere (--all shows them)`))
  return lines.join('\n')
}

function chooseRows(
  rows: readonly MatrixRow[],
  page: Page,
): { shown: readonly MatrixRow[]; hiddenSame: number; hiddenDifferent: number } {
  if (page.all || rows.length <= SHOW_ALL_UP_TO) return { shown: rows, hiddenSame: 0, hiddenDifferent: 0 }
  const different = rows.filter((row) => !isAppliedEverywhere(row))
  return {
    shown: different.slice(0, MAX_DIFFERENT),
    hiddenSame: rows.length - different.length,
    hiddenDifferent: Math.max(0, different.length - MAX_DIFFERENT),
  }
}

function paintCell(state: CellState | undefined, page: Page): string {
  if (state === undefined) return ''
  const { symbol, style } = SYMBOLS[state]
  return page.paint(style, symbol)
}

/** Why a row is not all ticks, in a few words. */
function describeRow(row: MatrixRow): string {
  const by = (state: CellState): string[] =>
    [...row.cells].flatMap(([name, { state: shown, fleet }]) => {
      if (fleet === undefined) return shown === state ? [name] : []
      const some = fleet.tally[state]
      return some === 0 ? [] : some === fleet.size ? [name] : [`${name} (${some} of ${fleet.size})`]
    })
  const changed = by('changed')
  const missing = by('missing')
  const started = by('started')
  const pending = by('pending')
  const isPendingEverywhere = [...row.cells.values()].every(({ state, fleet }) =>
    fleet === undefined ? state === 'pending' : fleet.tally.pending === fleet.size,
  )
  return [
    started.length === 0 ? null : `never finished in ${started.join(', ')}`,
    changed.length === 0 ? null : `edited after ${changed.join(', ')} ran it`,
    missing.length === 0 ? null : `applied in ${missing.join(', ')}, but the file is gone`,
    pending.length === 0 ? null : isPendingEverywhere ? 'pending' : `pending in ${pending.join(', ')}`,
  ]
    .filter((note) => note !== null)
    .join('; ')
}

/** What is left for the name and the note when the environments have their columns; the note gives way first. */
function columnWidths(
  labels: readonly string[],
  notes: readonly string[],
  headings: Headings,
  width: number,
): { readonly name: number; readonly note: number } {
  const longestName = Math.max(MIN_NAME, ...labels.map(columnsOf))
  const longestNote = Math.max(0, ...notes.map((note) => note.length))
  const { gap } = headings
  const cells = headings.widths.reduce((sum, own) => sum + own + gap, 0)
  const room = width - cells
  const name = Math.max(MIN_NAME, Math.min(longestName, room))
  const note = Math.min(longestNote, width - cells - name - gap)
  // A few letters of a reason are noise.
  return { name, note: note < longestNote && note < 12 ? 0 : note }
}

const GAP = 2

/** cli-table3 looks at all rows before a row to place it, so a long table is laid out in slices. */
const SLICE = 200

/** Lays out rows of `widths.length` cells; the widths are given, so that all slices agree. */
function layOut(rows: readonly (readonly string[])[], widths: readonly number[], gap: number): string[] {
  // Loaded only where there is a row to show, and without waiting.
  const Table: typeof TableClass = createRequire(import.meta.url)('cli-table3')
  const lines: string[] = []
  for (let at = 0; at < rows.length; at += SLICE) {
    const table = new Table({
      chars: { ...NO_RULES, middle: ' '.repeat(gap) },
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
      colAligns: widths.map((_, column) => (column === 0 || column === widths.length - 1 ? 'left' : 'center')),
      // A column of no width would be a column of any width.
      colWidths: widths.map((width) => Math.max(1, width)),
    })
    table.push(...rows.slice(at, at + SLICE).map((row) => [...row]))
    lines.push(...table.toString().split('\n'))
  }
  return lines.map((line) => line.trimEnd())
}

const NO_RULES = Object.fromEntries(
  ['top', 'bottom', 'left', 'right']
    .flatMap((side) => [side, `${side}-mid`])
    .concat('top-left', 'top-right', 'bottom-left', 'bottom-right', 'mid', 'mid-mid')
    .map((place) => [place, '']),
)
