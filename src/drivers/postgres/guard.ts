import { GUARD } from './message-context.ts'
import type { MessageContext } from './message-context.ts'
import { quoteLiteral } from './quote.ts'
import { ServerFailure } from './session-failure.ts'

/** What the guards of a migration's row say, for those who read the server's log. */
const WORDS = {
  locked: 'another run holds the lock',
  stale: 'the history has moved on',
  escaped: 'the file ended the transaction that it was run in',
} as const

type RowGuard = keyof typeof WORDS

const ROW_GUARDS: readonly RowGuard[] = ['locked', 'stale', 'escaped']

/**
 * An SQL expression of type text that fails when it is evaluated. SQL itself can raise nothing, and a PL/pgSQL block is
 * read and planned anew each time; so it is a text that is read as a number. By the type's own functions: a cast could
 * be somebody else's (CREATE CAST), and need not fail. `concat` is not immutable: the server does not evaluate it while
 * it plans.
 */
export function refuse({ marker }: MessageContext, guard: RowGuard): string {
  const words = quoteLiteral(`${WORDS[guard]} (${marker}:${guard})`)
  return `pg_catalog.int4in(pg_catalog.textout(pg_catalog.concat(${words})))::text`
}

/** A failure of `refuse` under the SQLSTATE of its guard; any other as it is. */
export function readGuard({ marker }: MessageContext, failure: ServerFailure): ServerFailure {
  const { server } = failure
  if (server.code !== '22P02') return failure
  const guard = ROW_GUARDS.find((name) => server.message.includes(`(${marker}:${name})`))
  return guard === undefined ? failure : new ServerFailure({ ...server, code: GUARD[guard], message: WORDS[guard] })
}
