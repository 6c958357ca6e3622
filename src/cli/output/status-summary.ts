import type { StatusReport } from '../../commands/status.ts'
import type { CellState, Matrix } from '../../core/matrix.ts'
import type { Page } from './page.ts'

/** How many migrations of each state one environment has. */
export type StateCounts = Readonly<Record<CellState, number>>

export function countStates(matrix: Matrix, environment: string): StateCounts {
  const counts = { applied: 0, pending: 0, changed: 0, missing: 0, started: 0, unknown: 0 }
  for (const row of matrix.rows) {
    const cell = row.cells.get(environment)
    if (cell !== undefined) counts[cell.state]++
  }
  return counts
}

/** From so many columns on a line has room for an explanation. */
const ROOMY = 100

/** A line an environment, and one that says whether they agree. */
export function renderSummary({ matrix, sights }: StatusReport, page: Page): string {
  const width = Math.max(...sights.map(({ environment }) => environment.name.length))
  const lines = sights.map((sight) => {
    const { environment } = sight
    const name = page.paint('strong', environment.name.padEnd(width))
    const policy = environment.protected ? page.paint('dim', ' (protected)') : ''
    if (!sight.isReachable) return `${name}  ${page.paint('bad', 'could not be read')}${policy}`
    const freshNote = page.width < ROOMY ? ' (fresh)' : ' (fresh: sync or init prepares it)'
    const fresh = sight.reading.initialisedAs === null ? page.paint('dim', freshNote) : ''
    const lock =
      sight.reading.lockHolder === null ? '' : page.paint('warn', ` (a run is at work: ${sight.reading.lockHolder})`)
    return `${name}  ${describeCounts(countStates(matrix, environment.name), page)}${policy}${fresh}${lock}`
  })
  const verdict = matrix.inSync
    ? page.paint('good', 'All environments are in sync.')
    : page.paint(
        'warn',
        sights.every(({ isReachable }) => isReachable)
          ? 'The environments are not in sync.'
          : 'Not all environments could be read.',
      )
  return [...lines, '', verdict].join('\n')
}

function describeCounts(counts: StateCounts, page: Page): string {
  const parts = [
    `${counts.applied} applied`,
    counts.pending === 0 ? null : page.paint('warn', `${counts.pending} pending`),
    counts.changed === 0 ? null : page.paint('bad', `${counts.changed} changed`),
    counts.missing === 0 ? null : page.paint('bad', `${counts.missing} missing`),
    counts.started === 0 ? null : page.paint('bad', `${counts.started} unfinished`),
  ]
  return parts.filter((part) => part !== null).join(', ')
}
