import type { Migration } from '../../core/migration.ts'
import type { Verification, VerifyAnswer } from '../../core/verification.ts'
import { locateIn } from '../../sql/location.ts'
import { findSqliteVerifyQueries, truthOf } from '../../sql/sqlite/verify.ts'
import type { VerifyQuery } from '../../sql/verify.ts'
import { QueryFailure } from './client.ts'
import type { Query } from './client.ts'
import { readSqliteError } from './failure.ts'
import { askPatiently } from './session.ts'
import type { Session } from './session.ts'
import { LOG } from './tables.ts'

/** Marks the failure of a guard: no other statement of ours fails for want of an event. */
const UNVERIFIED = `${LOG}.event`

/**
 * A statement that fails its batch unless the query answers true: it would write a row that cannot be. A text that is
 * no query fails too, in SQLite's words.
 */
export function guardOf(query: VerifyQuery): Query {
  const truth = truthOf(query) ?? NOT_ONE_QUERY
  return {
    sql: `INSERT INTO ${LOG} (id, at, event, outcome, role, detail, previous_hash, hash) SELECT -1, '', NULL, '', '', '', '', '' WHERE ${truth} IS NOT 1`,
  }
}

/** Whether a batch failed because a verify query did not answer true. */
export function isUnverified(cause: unknown): boolean {
  return cause instanceof QueryFailure && cause.message.includes(UNVERIFIED)
}

const NOT_ONE_QUERY = "json('a verify query is one SELECT')"

/** Asks the queries of these migrations, as `Connection.verify` does. Each may fail by itself. */
export async function verifyMigrations(session: Session, migrations: readonly Migration[]): Promise<Verification> {
  const asked = migrations.flatMap(({ name, up, file }) =>
    findSqliteVerifyQueries(up, file).map((query) => ({ migration: name, query })),
  )
  const answers = await askAll(
    session,
    asked.map(({ query }) => query),
  )
  return {
    answers: asked.map(({ migration, query }, index): VerifyAnswer => {
      const answer = answers[index] ?? {
        isTrue: null,
        problem: { code: 'SQLITE_ERROR', message: 'there was no answer' },
      }
      return { migration, query: query.text, ...locateIn(query.source, query.offset), ...answer }
    }),
    damage: [],
  }
}

type Answer = Pick<VerifyAnswer, 'isTrue' | 'problem'>

/** All in one request; where one of them fails the batch, each in one of its own. */
async function askAll(session: Session, queries: readonly VerifyQuery[]): Promise<readonly Answer[]> {
  if (queries.length === 0) return []
  try {
    return await ask(session, queries)
  } catch (cause) {
    if (!(cause instanceof QueryFailure)) throw cause
    const [only, ...others] = queries
    if (only !== undefined && others.length === 0) return [{ isTrue: null, problem: problemOf(only, cause) }]
  }
  const answers: Answer[] = []
  for (const query of queries) answers.push(...(await askAll(session, [query])))
  return answers
}

async function ask(session: Session, queries: readonly VerifyQuery[]): Promise<readonly Answer[]> {
  const rows = await askPatiently(session, session.signal, (send) =>
    send(queries.map((query) => ({ sql: `SELECT ${truthOf(query) ?? NOT_ONE_QUERY} AS answer` }))),
  )
  return rows.map(([row]) => ({ isTrue: row?.['answer'] === 1, problem: null }))
}

/** Why a query could not be answered. */
export function problemOf(
  query: VerifyQuery,
  cause: QueryFailure,
): { readonly code: string; readonly message: string } {
  const { message, code = 'SQLITE_ERROR' } = readSqliteError(cause.message)
  return { code, message: truthOf(query) === null ? 'it is not one SELECT' : message }
}
