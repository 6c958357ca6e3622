import type { MigrationManagerError } from './errors.ts'
import type { Finding } from './finding.ts'
import type { Step } from './plan.ts'

/** A migration that this run applied, or found applied when it looked again. */
export interface StepResult {
  readonly name: string
  readonly durationMs: number
}

/** The migration at which a run stopped. */
export interface StepFailure {
  readonly name: string
  /** It stopped in its middle and goes on there in the next run; absent when all of it was rolled back. */
  readonly isResumable?: boolean
  readonly error: MigrationManagerError
}

/**
 * What running steps on one target came to.
 * - `done`: all of them are applied.
 * - `stale`: the history is no longer the one that the plan was made from: somebody else is at work, too. Of the steps,
 *   only those in `done` were run.
 * - `failed`: the steps before the failed one are applied, the failed one is not.
 * - `needs-person`: the failed one left something behind that the tool cannot judge.
 * - `unknown`: whether the failed one is applied could not be found out in time.
 */
export type RunResult =
  | { readonly kind: 'done'; readonly done: readonly StepResult[] }
  | { readonly kind: 'stale'; readonly done: readonly StepResult[] }
  | {
      readonly kind: 'failed' | 'needs-person' | 'unknown'
      readonly done: readonly StepResult[]
      readonly failed: StepFailure
    }

/**
 * What holding steps on one target came to. `held`: all of them have been carried out in a transaction that is still
 * open; nobody sees them until `commit`.
 */
export type HoldResult =
  | { readonly kind: 'held'; readonly done: readonly StepResult[]; readonly held: Held }
  | { readonly kind: 'stale' }
  | { readonly kind: 'failed'; readonly failed: StepFailure }

/** An open transaction that holds a target's steps. One of the two ends it. */
export interface Held {
  /** Makes sure that the transaction can still be committed. Throws when it cannot. */
  check(): Promise<void>
  /** `unknown`: whether it was committed could not be found out in time. */
  commit(): Promise<'committed' | 'rolled-back' | 'unknown'>
  rollback(): Promise<void>
}

/** `skipped`: not reached, because an environment before it failed. `locked`: another run holds its lock. */
export type OutcomeStatus =
  | 'up-to-date'
  | 'planned'
  | 'applied'
  | 'blocked'
  | 'failed'
  | 'needs-person'
  | 'unknown'
  | 'locked'
  | 'skipped'

/** Whether a target is where it should be, so that those behind it may be begun. */
export function isGood({ status }: { readonly status: OutcomeStatus }): boolean {
  return status === 'applied' || status === 'up-to-date'
}

/** What happened to one target, completely: done, failed, left. */
export interface Outcome {
  readonly environment: string
  readonly status: OutcomeStatus
  readonly done: readonly StepResult[]
  readonly failed: StepFailure | null
  /** What was planned and not done, the failed one not among them. */
  readonly left: readonly Step[]
  readonly findings: readonly Finding[]
}
