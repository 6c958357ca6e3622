import type { MigrationManagerError } from '../../core/errors.ts'
import type { AppliedMigration } from '../../core/history.ts'
import { hasMovedOn } from '../../core/moved-on.ts'
import type { RunResult, StepFailure, StepResult } from '../../core/outcome.ts'
import type { Step } from '../../core/plan.ts'
import type { RowStatements } from './history-row.ts'
import type { Run } from './run.ts'

/** Where a run of steps stands. */
export interface State {
  /** The next step. */
  at: number
  /** The history that the steps were planned from. */
  readonly before: readonly AppliedMigration[]
  /** The history's digest to check when the lock is taken; null once that is done. */
  basis: string | null
  /** The lock is held and the tables are there. */
  isOpen: boolean
  rows: RowStatements
  /** The session is in a failed transaction. */
  isFailed: boolean
  /** One message for one file, and one for the opening: a syntax error in one file keeps its whole message from running. */
  isSingly: boolean
  retries: number
  recoveries: number
  readonly done: StepResult[]
}

/**
 * Whether somebody else had the lock while the connection was lost and changed the history, or took the database for
 * another environment; `underWay` is the migration that the run is in the middle of, if it is.
 */
export function isOvertaken(
  { link, context }: Run,
  { at, before }: State,
  steps: readonly Step[],
  history: readonly AppliedMigration[],
  underWay: string | null,
): boolean {
  const { initialisedAs } = link.facts
  if (initialisedAs !== null && initialisedAs !== context.owner) return true
  return hasMovedOn(before, history, { runId: context.runId, done: steps.slice(0, at), underWay })
}

/** How a run ends that does not get to its end. */
export function stop(
  state: State,
  steps: readonly Step[],
  kind: 'failed' | 'needs-person' | 'unknown',
  error: MigrationManagerError,
  isResumable = false,
): RunResult {
  const failed: StepFailure = { name: steps[state.at]?.migration.name ?? '', error, isResumable }
  return { kind, done: state.done, failed }
}
