import type { StatusReport } from '../../commands/status.ts'
import type { Sight } from '../../commands/survey.ts'
import { ownerOf } from '../../core/environment.ts'
import { summarizeFleets } from '../../core/fleet.ts'
import { groupBy } from '../../core/grouping.ts'
import type { FleetSummary, Standing } from '../../core/fleet.ts'
import { isFresh } from '../../core/lost-tables.ts'
import { emptyTally, tallyByEnvironment } from '../../core/matrix.ts'
import type { Tally } from '../../core/matrix.ts'
import { count } from './page.ts'
import type { Page } from './page.ts'
import { sanitize } from './sanitizer.ts'

/** From so many columns on a line has room for an explanation. */
const ROOMY = 100

/** Of a fleet's databases that are not in step, so many have a line of their own. */
const MAX_LISTED = 20

/** A line an environment, below a fleet's the databases that are not in step, and one that says whether all agree. */
export function renderSummary({ matrix, sights }: StatusReport, page: Page): string {
  if (sights.length === 0) return ''
  const tallies = tallyByEnvironment(matrix)
  const fleets = new Map(fleetsOf({ matrix, sights }).map((fleet) => [fleet.name, fleet]))
  const width = Math.max(0, ...sights.map(({ environment }) => ownerOf(environment).length))
  const lines = groupBy(sights, ({ environment }) => ownerOf(environment)).flatMap((group): readonly string[] => {
    const [sight] = group
    const { environment } = sight
    const owner = ownerOf(environment)
    const fleet = fleets.get(owner)
    const name = page.paint('strong', owner.padEnd(width))
    const policy = environment.protected ? page.paint('dim', ' (protected)') : ''
    if (fleet === undefined)
      return [`${name}  ${describeSight(sight, tallies.get(owner) ?? emptyTally(), policy, page)}`]
    return [`${name}  ${describeFleet(fleet, page)}${policy}`, ...listNotable(fleet, group, tallies, page)]
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

/** The fleets of a status, in promotion order. */
export function fleetsOf({ matrix, sights }: Pick<StatusReport, 'matrix' | 'sights'>): readonly FleetSummary[] {
  const reachable = new Set(sights.flatMap(({ isReachable, environment }) => (isReachable ? [environment.name] : [])))
  return summarizeFleets(matrix, (name) => reachable.has(name))
}

function describeSight(sight: Sight, tally: Tally, policy: string, page: Page): string {
  if (!sight.isReachable) return `${page.paint('bad', 'could not be read')}${policy}`
  const freshNote = page.width < ROOMY ? ' (fresh)' : ' (fresh: sync or init prepares it)'
  const fresh = isFresh(sight.reading) ? page.paint('dim', freshNote) : ''
  const { lockHolder } = sight.reading
  const lock =
    lockHolder === null ? '' : page.paint('warn', ` (a run is at work: ${sanitize(page.redact(lockHolder))})`)
  return `${describeTally(tally, page)}${policy}${fresh}${lock}`
}

function describeFleet({ counts, standings }: FleetSummary, page: Page): string {
  const parts = [
    `${counts['in-step']} in step`,
    counts.pending === 0 ? null : page.paint('warn', `${counts.pending} pending`),
    counts.disagreeing === 0 ? null : page.paint('bad', `${counts.disagreeing} disagreeing`),
    counts.unreachable === 0 ? null : page.paint('bad', `${counts.unreachable} unreachable`),
  ]
  return `${count(standings.size, 'database')}: ${parts.filter((part) => part !== null).join(', ')}`
}

/** What a person must look at first. */
const GRAVEST: readonly Standing[] = ['disagreeing', 'unreachable', 'pending', 'in-step']

/** Widest name for which the others make room. */
const MAX_NAME = 32

/** The databases that are not in step, or at work, but where the line above says it all: they stand alike, every one. */
function listNotable(
  { standings }: FleetSummary,
  own: readonly Sight[],
  tallies: ReadonlyMap<string, Tally>,
  page: Page,
): readonly string[] {
  const rank = ({ environment }: Sight): number => GRAVEST.indexOf(standings.get(environment.name) ?? 'in-step')
  const notable = own
    .filter((sight) => GRAVEST[rank(sight)] !== 'in-step' || (sight.isReachable && sight.reading.lockHolder !== null))
    .toSorted((a, b) => rank(a) - rank(b))
  const describe = (sight: Sight): string =>
    describeSight(sight, tallies.get(sight.environment.name) ?? emptyTally(), '', page)
  const isUniform = own.length > 1 && notable.length === own.length && new Set(notable.map(describe)).size === 1
  const shown = page.all ? notable : notable.slice(0, isUniform ? 0 : MAX_LISTED)
  const width = Math.min(MAX_NAME, Math.max(0, ...shown.map(({ environment }) => environment.name.length)))
  const lines = shown.map((sight) => `  ${sight.environment.name.padEnd(width)}  ${describe(sight)}`)
  const hidden = notable.length - shown.length
  if (isUniform && !page.all) return own[0] === undefined ? [] : [`  each: ${describe(own[0])}`]
  if (hidden > 0) lines.push(page.paint('dim', `  … and ${count(hidden, 'more database')} (--all shows them)`))
  return lines
}

function describeTally(tally: Tally, page: Page): string {
  const parts = [
    `${tally.applied} applied`,
    tally.pending === 0 ? null : page.paint('warn', `${tally.pending} pending`),
    tally.changed === 0 ? null : page.paint('bad', `${tally.changed} changed`),
    tally.missing === 0 ? null : page.paint('bad', `${tally.missing} missing`),
    tally.started === 0 ? null : page.paint('bad', `${tally.started} unfinished`),
  ]
  return parts.filter((part) => part !== null).join(', ')
}
