import { isLost, QueryFailure } from './client.ts'
import type { Query } from './client.ts'
import type { Session } from './session.ts'

/** A statement that always fails, so that a batch which ends with it never commits, whatever comes before it. */
const TRAP: Query = { sql: "SELECT json_extract('{}', 'migration-manager: this batch is a trial and ends here')" }
const TRAPPED = /this batch is a trial and ends here/

/** A batch answers with one error and does not say of which statement; how long one trial may take, in milliseconds. */
const TRIAL_MS = 35_000

/**
 * Finds which of the statements of a failed batch fails: tries shorter and shorter beginnings of it, each with a last
 * statement that fails on purpose, so that nothing of a trial is kept. Null when it cannot be told: all of them run, and
 * what fails is the commit (a deferred foreign key), or an answer is lost.
 */
export async function findCulprit(session: Session, queries: readonly Query[]): Promise<number | null> {
  let runs = 0
  let fails = queries.length + 1
  while (fails - runs > 1) {
    // The last one first: where all of them run, there is nothing to look for.
    const middle = fails > queries.length ? queries.length : Math.floor((runs + fails) / 2)
    const trial = await tryOut(session, queries.slice(0, middle))
    if (trial === null) return null
    if (trial === 'runs') runs = middle
    else fails = middle
  }
  return fails > queries.length ? null : fails - 1
}

async function tryOut({ client, signal }: Session, queries: readonly Query[]): Promise<'runs' | 'fails' | null> {
  try {
    await client.batch([...queries, TRAP], { withinMs: TRIAL_MS, signal })
    return null
  } catch (cause) {
    if (cause instanceof QueryFailure) return TRAPPED.test(cause.message) ? 'runs' : 'fails'
    if (isLost(cause)) return null
    throw cause
  }
}
