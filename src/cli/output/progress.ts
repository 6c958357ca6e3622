import type { RunEvent } from '../../core/event.ts'
import { isGood } from '../../core/outcome.ts'
import { describeEnd, describeFinished, describeWave } from './fleet-progress.ts'
import { count, duration } from './page.ts'
import type { Paint } from './paint.ts'

/** Hears events and shows them; it can never stop a run. */
export interface ProgressReporter {
  report(event: RunEvent): void
  /** Takes away what only mattered while it went on. */
  stop(): void
}

export const SILENT: ProgressReporter = { report() {}, stop() {} }

/**
 * A line an event, for logs and pipes. Statements are not announced: a log does not need them. `clean` takes secrets
 * and control characters out of text of foreign origin.
 */
export function createPlainProgress(write: (line: string) => void, clean: (text: string) => string): ProgressReporter {
  /** The gist of what was said last, by environment: several wait at the same time. */
  const last = new Map<string, string>()
  return {
    report(event) {
      const what = describe(event, clean)
      if (what === null) return
      // Waiting is said once, not at every look with the seconds that have passed.
      const gist = what.replaceAll(/\d+/g, '')
      if (event.type === 'waiting' && gist === last.get(event.environment)) return
      last.set(event.environment, gist)
      write(`${event.environment}: ${what}\n`)
    },
    stop() {},
  }
}

/** What of a spinner is used. */
export interface Spinner {
  text: string
  start(): unknown
  stop(): unknown
  readonly isSpinning: boolean
}

/**
 * A spinner with the migration's name, the statement and the time, above it a line for all that is done. The spinner
 * arrives when its library has been loaded; nothing waits for that.
 */
export function createSpinnerProgress(
  spinner: Promise<Spinner>,
  write: (line: string) => void,
  paint: Paint,
  clean: (text: string) => string,
): ProgressReporter {
  let shown: Spinner | null = null
  let isStopped = false
  let text = ''
  let since = Date.now()
  let timer: NodeJS.Timeout | undefined

  const draw = (): void => {
    if (shown === null || isStopped || text === '') return
    const elapsed = Date.now() - since
    shown.text = clean(elapsed < 1_000 ? text : `${text}  ${duration(elapsed)}`)
    if (!shown.isSpinning) shown.start()
  }
  const announce = (next: string, isNew: boolean): void => {
    text = next
    if (isNew) since = Date.now()
    if (timer === undefined) timer = setInterval(draw, 200).unref()
    draw()
  }
  const above = (line: string): void => {
    shown?.stop()
    write(line)
    draw()
  }
  void spinner.then((loaded) => {
    shown = loaded
    draw()
  })

  return {
    report(event) {
      const { environment } = event
      switch (event.type) {
        case 'waiting':
          return announce(`${environment}  ${event.what}`, true)
        case 'target-started':
          return announce(`${environment}  working on ${count(event.migrations, 'migration')}`, true)
        case 'statement-started':
          return announce(
            `${environment}  ${event.migration}  statement ${event.statement} of ${event.statements}`,
            event.statement === 1,
          )
        case 'migration-applied':
          return above(
            `${paint('good', '✓')} ${environment}  ${event.migration}  ${paint('dim', duration(event.durationMs))}\n`,
          )
        case 'migration-reverted':
          return above(
            `${paint('good', '↩')} ${environment}  ${event.migration}  ${paint('dim', duration(event.durationMs))}\n`,
          )
        case 'migration-failed':
          return above(`${paint('bad', '✗')} ${environment}  ${event.migration}\n`)
        case 'way-back':
          return above(`${paint('dim', `  ${environment}  ${clean(event.what)}`)}\n`)
        case 'prepared':
          return above(`${paint('good', '✓')} ${environment}  history tables created\n`)
        case 'notice':
          return above(`${paint('dim', `  ${environment}  ${event.migration}: ${clean(event.message)}`)}\n`)
        case 'target-finished':
          text = ''
          shown?.stop()
          return
        case 'wave-started':
          return announce(`${environment}  ${describeWave(event)}`, true)
        case 'database-finished':
          // Of a thousand that went well the number is enough.
          if (!isGood(event)) above(`${paint('bad', '✗')} ${event.database}  ${event.status}\n`)
          return announce(`${environment}  ${describeFinished(event)}`, false)
      }
    },
    stop() {
      isStopped = true
      clearInterval(timer)
      shown?.stop()
    },
  }
}

function describe(event: RunEvent, clean: (text: string) => string): string | null {
  switch (event.type) {
    case 'waiting':
    case 'way-back':
      return clean(event.what)
    case 'prepared':
      return 'history tables created'
    case 'target-started':
      return `working on ${count(event.migrations, 'migration')}`
    case 'statement-started':
    case 'target-finished':
      return null
    case 'migration-applied':
      return `applied ${event.migration} (${duration(event.durationMs)})`
    case 'migration-reverted':
      return `took back ${event.migration} (${duration(event.durationMs)})`
    case 'migration-failed':
      return `failed ${event.migration}`
    case 'wave-started':
      return describeWave(event)
    case 'database-finished':
      return `${describeFinished(event)}: ${event.database} ${describeEnd(event)}`
    case 'notice':
      return `${event.migration}: ${clean(event.message)}`
  }
}
