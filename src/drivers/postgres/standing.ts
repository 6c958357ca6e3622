import type { Migration } from '../../core/migration.ts'
import { readMeaning } from '../../sql/meaning.ts'
import type { Verification } from '../../core/verification.ts'
import type { ReadPart } from './part.ts'
import { askQueries } from './verification.ts'

import { cancelWhenAborted } from './interruption.ts'
import { isLoss } from './link.ts'
import { postConditionOf } from './postcondition.ts'
import { composeFailure } from './message.ts'
import type { FailureDetail } from './message.ts'
import { silenceOf } from './message-context.ts'
import type { PostCondition, Standing } from './postcondition.ts'
import { sendInterruptibly } from './run.ts'
import type { Run } from './run.ts'
import { ServerFailure } from './session-failure.ts'

/** As a serialisation failure, so that it is tried again: what was left behind is cleared first. */
export const UNFINISHED = { code: '40001', message: '', hint: null, position: null, constraint: null, isFatal: false }

/** How far a statement has come, as the catalogs tell. */
export async function look(run: Run, { query }: PostCondition): Promise<Standing> {
  return query === null ? 'untellable' : (await inspect(run, query)).standing
}

/** Looks, and clears what an earlier attempt left behind, until nothing is in the way any more. */
export async function clear(run: Run, { query }: PostCondition): Promise<Standing> {
  if (query === null) return 'untellable'
  const { limits, environment } = run.context
  const deadline = Date.now() + limits.lockWaitMs
  for (;;) {
    const { standing, remedies } = await inspect(run, query)
    if (standing !== 'half' && standing !== 'busy') return standing
    if (run.signal.aborted || Date.now() > deadline)
      throw new ServerFailure({ ...UNFINISHED, code: '55P03', message: 'another session is still at work on it' })
    if (standing === 'busy') run.emit({ type: 'waiting', environment, what: 'another session is building this index' })
    if (standing === 'half') for (const remedy of remedies) await send(run, remedy)
    if (standing === 'busy' || remedies.length === 0) await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

async function inspect(run: Run, query: string): Promise<{ standing: Standing; remedies: readonly string[] }> {
  const [row] = await run.link.session.ask(query, silenceOf(run.context))
  const [standing, remedies] = row ?? []
  const known = (['done', 'absent', 'half', 'busy'] as const).find((candidate) => candidate === standing)
  const statements: unknown = JSON.parse(remedies ?? '[]')
  return { standing: known ?? 'untellable', remedies: Array.isArray(statements) ? statements.map(String) : [] }
}

/** Asks the verify queries of a migration; without any it asks nobody. An interruption makes them fail. */
export async function ask(run: Run, { migration, queries }: Questioned): Promise<Verification> {
  if (queries.length === 0) return { answers: [], damage: [] }
  const asked = askQueries(
    run.link,
    run.context.limits,
    queries.map((query) => ({ migration: migration.name, query })),
  )
  return cancelWhenAborted(run.link.session, run.signal, asked)
}

/** Whether all of the file's verify queries say yes; null when it has none. */
export async function verify(run: Run, part: Questioned): Promise<boolean | null> {
  const { answers } = await ask(run, part)
  return answers.length === 0 ? null : answers.every(({ isTrue }) => isTrue === true)
}

/** A migration, and what it asks of its own work. */
export type Questioned = Pick<Extract<ReadPart, { kind: 'steps' }>, 'migration' | 'queries'>

/** Sends text of ours, or of the migration that is named: only the notices of its statements are for people. */
export function send(run: Run, text: string, migration?: string): Promise<void> {
  const { context, emit } = run
  return sendInterruptibly(run, text, silenceOf(context), {
    onNotice({ message }) {
      if (migration !== undefined) emit({ type: 'notice', environment: context.environment, migration, message })
    },
    onRow() {},
  })
}

/** Leaves the failed transaction, writes into the log what failed, and gives the lock back. A courtesy: it may not be heard. */
export async function logFailure(run: Run, migration: Migration, detail: FailureDetail): Promise<void> {
  await send(run, composeFailure(run.context, migration, detail)).then(
    () => (run.lock.isHeld = false),
    () => {},
  )
}

/** Whether the catalogs tell what a statement has done, or doing it again does no harm. */
export async function isTellable(statement: string): Promise<boolean> {
  const condition = postConditionOf(await readMeaning(statement))
  return condition.query !== null || condition.isRepeatable
}

/** Takes away what the failed statement left behind; false when that did not succeed, or cannot be known. */
export async function tidy(run: Run, statement: string, cause: ServerFailure): Promise<boolean> {
  // Something else has the name already; it is not ours to take away.
  if (cause.server.code === '42P07') return true
  const condition = postConditionOf(await readMeaning(statement))
  try {
    const left = await clear(run, condition)
    // What can be done again does no harm where it has been done; else nothing must be there.
    return condition.isRepeatable || left === 'absent'
  } catch (failure) {
    if (isLoss(failure)) throw failure
    return false
  }
}
