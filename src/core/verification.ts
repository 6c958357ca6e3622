import type { ErrorCode, SourceLocation } from './errors.ts'
import type { Finding } from './finding.ts'

/** What a database answered to one verify query of an applied migration. */
export interface VerifyAnswer {
  readonly migration: string
  /** The query as it was asked. */
  readonly query: string
  readonly at: SourceLocation
  readonly sourceLine: string
  /** Null when the query itself failed; `problem` then says how. */
  readonly isTrue: boolean | null
  /** The engine's code and words. */
  readonly problem: { readonly code: string; readonly message: string } | null
}

/** Something in a database that no migration means to leave behind: an index that is not valid. */
export interface Damage {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
}

/** How a database bears out what its migrations say. */
export interface Verification {
  /** In the order of the migrations, and in each of its queries. */
  readonly answers: readonly VerifyAnswer[]
  readonly damage: readonly Damage[]
}

/** What a verification of one environment comes to: each query whose answer is not true, and all damage. */
export function findUnverified(environment: string, { answers, damage }: Verification): readonly Finding[] {
  return [
    ...answers.flatMap((answer): Finding[] => {
      const { migration, query, at, sourceLine, isTrue, problem } = answer
      if (isTrue === true) return []
      const place = { environment, migration, at, sourceLine }
      return problem === null
        ? [
            {
              code: 'verify/false',
              severity: 'block',
              message: `${migration} does not hold in ${environment}: its verify query does not answer true.`,
              hint: `Look at what the query asks in ${environment}: ${query}`,
              ...place,
            },
          ]
        : [
            {
              code: 'verify/failed',
              severity: 'block',
              message: `A verify query of ${migration} cannot be answered in ${environment}: ${problem.message} (${problem.code}).`,
              hint: 'A verify query is one SELECT with one boolean. It may not write, and finds names as a new session does.',
              ...place,
            },
          ]
    }),
    ...damage.map(({ code, message, hint }): Finding => ({ code, severity: 'block', environment, message, hint })),
  ]
}
