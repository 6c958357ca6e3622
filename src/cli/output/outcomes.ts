import type { Outcome, OutcomeStatus, StepFailure } from '../../core/outcome.ts'
import { renderError } from './errors.ts'
import { count, duration } from './page.ts'
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
  const width = Math.max(...outcomes.map(({ environment }) => environment.length))
  const lines = outcomes.map((outcome) => {
    const name = page.paint('strong', outcome.environment.padEnd(width))
    return `${name}  ${page.paint(STYLES[outcome.status], summarize(outcome, words))}`
  })
  const errors = outcomes.flatMap(({ failed }) => (failed === null ? [] : [renderError(failed.error, page)]))
  return [...errors.map((error) => `${error}\n`), ...lines].join('\n')
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
      return `nothing written, ${pending ?? 'nothing pending'}`
    case 'locked':
      return 'nothing written, another run is at work'
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
