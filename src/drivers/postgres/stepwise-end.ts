import type { MigrationManagerError } from '../../core/errors.ts'
import { interruptedError } from './failure.ts'
import type { ReadPart } from './part.ts'
import type { Run } from './run.ts'
import type { StepwiseWork } from './stepwise-message.ts'

/** A migration, or its way back, that is carried out step by step. */
export type StepwisePart = Extract<ReadPart, { kind: 'steps' }>

/** What the history's row is told of it. */
export function workOf({ isRevert, migration, source }: StepwisePart): StepwiseWork & Pick<StepwisePart, 'source'> {
  return { kind: isRevert ? 'revert' : 'apply', migration, source }
}

/** What to type for it to go on. */
export function verbOf({ isRevert }: Pick<StepwisePart, 'isRevert'>): string {
  return isRevert ? 'rollback' : 'sync'
}

/** How a migration that is carried out step by step ended. */
export type StepwiseEnd =
  | { readonly kind: 'done'; readonly durationMs: number }
  | { readonly kind: 'stale' }
  | {
      readonly kind: 'failed' | 'needs-person' | 'unknown'
      readonly error: MigrationManagerError
      /** The row stays, and says at which step to go on. */
      readonly isResumable: boolean
    }

/**
 * Stopped before the step with this index: what is done stays, and the next run goes on there, if there is a row that
 * says so. `note` says what is so where it is not that simple.
 */
export function interrupted(
  run: Run,
  part: StepwisePart,
  index: number,
  { note, isResumable = true }: { readonly note?: string | undefined; readonly isResumable?: boolean } = {},
): StepwiseEnd {
  const { length } = part.units
  const goesOn =
    index === 0
      ? `None of its steps is done. Run ${verbOf(part)} again.`
      : index === length
        ? `All of its steps (${length}) are done. Run ${verbOf(part)} again for the last word.`
        : `Steps 1 to ${index} of ${length} are done. Run ${verbOf(part)} again: it goes on at step ${index + 1}.`
  return { kind: 'failed', error: interruptedError(run, note ?? goesOn), isResumable }
}
