import type { OutcomeStatus, StepResult } from './outcome.ts'
import type { Step } from './plan.ts'

/** What happens during a run, as it happens. Whoever listens may print or log; nobody who listens can stop the run. */
export type RunEvent =
  | { readonly type: 'waiting'; readonly environment: string; readonly what: string }
  | { readonly type: 'prepared'; readonly environment: string }
  | { readonly type: 'target-started'; readonly environment: string; readonly migrations: number }
  | {
      readonly type: 'statement-started'
      readonly environment: string
      readonly migration: string
      /** 1-based. */
      readonly statement: number
      readonly statements: number
    }
  | {
      readonly type: 'migration-applied' | 'migration-reverted'
      readonly environment: string
      readonly migration: string
      readonly durationMs: number
    }
  | { readonly type: 'migration-failed'; readonly environment: string; readonly migration: string }
  | { readonly type: 'notice'; readonly environment: string; readonly migration: string; readonly message: string }
  /** How the database can be brought back to where it was before this run, by means of its own. */
  | { readonly type: 'way-back'; readonly environment: string; readonly what: string }
  | { readonly type: 'target-finished'; readonly environment: string; readonly applied: number }
  /** Some of the databases of a fleet are begun; `environment` is the fleet's. */
  | {
      readonly type: 'wave-started'
      readonly environment: string
      /** 1-based. */
      readonly wave: number
      readonly waves: number
      readonly databases: number
    }
  /** One database of a fleet is at its end. */
  | {
      readonly type: 'database-finished'
      readonly environment: string
      readonly database: string
      readonly status: OutcomeStatus
      /** How many migrations were applied, or taken back. */
      readonly migrations: number
      /** How many databases are finished by now, of how many that this run works on. */
      readonly finished: number
      readonly databases: number
    }

export type Emit = (event: RunEvent) => void

/** What to emit when a step is done. */
export function doneEvent(environment: string, kind: Step['kind'], { name, durationMs }: StepResult): RunEvent {
  const type = kind === 'revert' ? 'migration-reverted' : 'migration-applied'
  return { type, environment, migration: name, durationMs }
}
