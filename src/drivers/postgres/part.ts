import type { Migration } from '../../core/migration.ts'
import { readScript } from '../../sql/script.ts'
import type { Part } from './message.ts'

/** Why a file cannot be run as it stands; `offset` is a UTF-16 offset into its text. */
export interface PartProblem {
  readonly code: `${string}/${string}`
  readonly message: string
  readonly hint: string
  readonly offset: number
}

export interface ReadPart extends Part {
  readonly problem?: PartProblem
}

/** Splits a migration's text into statements, or says what in it cannot be run in a transaction of ours. */
export function readPart(migration: Migration): ReadPart {
  const script = readScript(migration.up)
  const [problem] = script.problems
  if (problem !== undefined) return { migration, statements: [], problem }
  const [outside] = script.nonTransactional
  if (outside !== undefined) {
    return {
      migration,
      statements: [],
      problem: {
        code: 'sql/non-transactional',
        message: `${outside.what} cannot run inside a transaction.`,
        hint: 'This version runs every migration in a transaction of its own; take the statement out of the file.',
        offset: outside.statement.start,
      },
    }
  }
  return { migration, statements: script.statements }
}
