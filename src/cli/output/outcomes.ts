import type { Outcome, OutcomeStatus, StepFailure } from '../../core/outcome.ts'
import { fleetIn } from '../../core/fleet.ts'
import { groupBy } from '../../core/grouping.ts'
import { renderErrors } from './errors.ts'
import { count, duration, shorten } from './page.ts'
import type { Page } from './page.ts'
import type { Style } from './paint.ts'

const STYLES: Readonly<Record<OutcomeStatus, Style>> = {
  'up-to-date': 'good',
  planned: 'note',
  applied: 'good',
  blocked: 'bad',
  failed: 'bad',
  'needs-person': 'bad',
  unknown: 'bad',
  locked: 'bad',
  skipped: 'dim',
}

/** The words for what a run does to migrations. */
export interface Words {
  readonly done: string
  readonly toDo: string
  readonly undone: string
  /** Of an environment that was left alone because another one failed. */
  readonly skipped: string
}

export const APPLYING: Words = { done: 'applied', toDo: 'to apply', undone: 'rolled back', skipped: 'not reached' }
export const REVERTING: Words = {
  done: 'taken back',
  toDo: 'to take back',
  undone: 'not taken back',
  skipped: 'not reached',
}

/** What became of each environment, a line each, and the error where one stopped the run. */
export function renderOutcomes(outcomes: readonly Outcome[], words: Words, page: Page): string {
  const nameOf = ({ environment }: Outcome): string => fleetIn(environment) ?? environment
  const width = Math.max(0, ...outcomes.map((outcome) => nameOf(outcome).length))
  const lines = groupBy(outcomes, nameOf).flatMap((group): readonly string[] => {
    const [first] = group
    const label = page.paint('strong', nameOf(first).padEnd(width))
    if (fleetIn(first.environment) === null)
      return [`${label}  ${page.paint(STYLES[first.status], summarize(first, words))}`]
    return [`${label}  ${summarizeFleet(group, words, page)}`, ...listStopped(group, words, page)]
  })
  const errors = outcomes.flatMap(({ failed }) => (failed === null ? [] : [failed.error]))
  return [...renderErrors(errors, page).map((error) => `${error}\n`), ...lines].join('\n')
}

/** Of a fleet's databases that have failed, so many have a line of their own. */
const MAX_LISTED = 20

/** How many databases of a fleet came to which end. */
function summarizeFleet(outcomes: readonly Outcome[], words: Words, page: Page): string {
  const names: readonly (readonly [OutcomeStatus, string])[] = [
    ['applied', words.done],
    ['up-to-date', 'up to date'],
    ['planned', words.toDo],
    ['skipped', words.skipped],
    ['blocked', 'blocked'],
    ['locked', 'locked'],
    ['failed', 'failed'],
    ['unknown', 'not known'],
    ['needs-person', 'in need of a person'],
  ]
  const parts = names.flatMap(([status, name]) => {
    const number = outcomes.filter((outcome) => outcome.status === status).length
    return number === 0 ? [] : [page.paint(STYLES[status], `${number} ${name}`)]
  })
  return `${count(outcomes.length, 'database')}: ${parts.join(', ')}`
}

function listStopped(outcomes: readonly Outcome[], words: Words, page: Page): readonly string[] {
  const stopped = outcomes.filter(({ failed }) => failed !== null)
  const shown = page.all ? stopped : stopped.slice(0, MAX_LISTED)
  const hidden = stopped.length - shown.length
  return [
    ...shown.map((outcome) => shorten(`  ${outcome.environment}  ${summarize(outcome, words)}`, page.width)),
    ...(hidden > 0 ? [page.paint('dim', `  … and ${count(hidden, 'more database')} (--all shows them)`)] : []),
  ]
}

/** One environment's state in a sentence without a verb: what is done, what failed, what is left. */
function summarize({ status, done, failed, left }: Outcome, words: Words): string {
  const total = done.reduce((sum, { durationMs }) => sum + durationMs, 0)
  const applied = done.length === 0 ? null : `${count(done.length, 'migration')} ${words.done} in ${duration(total)}`
  const pending = left.length === 0 ? null : `${count(left.length, 'migration')} left`
  switch (status) {
    case 'up-to-date':
      return 'up to date'
    case 'planned':
      return `${count(left.length, 'migration')} ${words.toDo}`
    case 'applied':
      return applied ?? 'up to date'
    case 'blocked':
      return join(applied ?? 'nothing written', pending ?? 'nothing pending')
    case 'locked':
      return join(applied ?? 'nothing written', 'another run is at work')
    case 'skipped':
      return `${words.skipped}, ${pending ?? 'nothing pending'}`
    case 'failed':
      return join(applied, describeFailed(failed, words), pending)
    case 'needs-person':
      return join(applied, `${failed?.name ?? ''} needs a person`, pending)
    case 'unknown':
      return join(applied, `whether ${failed?.name ?? ''} is applied is not known`, pending)
  }
}

function describeFailed(failed: StepFailure | null, words: Words): string {
  if (failed === null || failed.name === '') return 'failed'
  return failed.isResumable === true ? `${failed.name} stopped in its middle` : `${failed.name} ${words.undone}`
}

function join(...parts: readonly (string | null)[]): string {
  return parts.filter((part) => part !== null).join(', ')
}
