import type { RunEvent } from '../../core/event.ts'
import { fleetIn } from '../../core/fleet.ts'
import type { ProgressReporter } from './progress.ts'

/** What a person must hear of one database among many that are worked on at once. */
const TOLD: ReadonlySet<RunEvent['type']> = new Set(['waiting', 'way-back'])

/**
 * Hears everything of the databases that are worked on alone, the first of a fleet among them, and of many at once only
 * what a person must hear: nobody could follow the rest.
 */
export function hushCrowds(reporter: ProgressReporter): ProgressReporter {
  const crowds = new Map<string, boolean>()
  return {
    report(event) {
      if (event.type === 'wave-started') crowds.set(event.environment, event.databases > 1)
      const isInCrowd = crowds.get(fleetIn(event.environment) ?? '') === true
      if (!isInCrowd || TOLD.has(event.type)) reporter.report(event)
    },
    stop: () => reporter.stop(),
  }
}
