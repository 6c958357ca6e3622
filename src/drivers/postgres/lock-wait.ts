import { MigrationManagerError } from '../../core/errors.ts'
import type { Emit } from '../../core/event.ts'
import { describeSessionFailure } from './errors.ts'
import type { Link } from './link.ts'
import { describeHolder, lockHolderQuery } from './lock.ts'
import type { MessageContext } from './message-context.ts'
import { pause } from '../pause.ts'

/** Between two attempts, in milliseconds: short at first, as most runs are. */
const SHORTEST_WAIT = 100
const LONGEST_WAIT = 1_000

/**
 * Polls for the migration lock until it is ours (on a session) or free (behind a transaction pooler). Polling, because
 * a backend that blocks in pg_advisory_lock holds a snapshot, with which CREATE INDEX CONCURRENTLY deadlocks.
 * Throws `lock/held` after `limits.lockWaitMs`, or `run/interrupted`.
 */
export async function waitForLock(link: Link, context: MessageContext, emit: Emit, signal: AbortSignal): Promise<void> {
  const { environment, key, limits } = context
  const deadline = Date.now() + limits.lockWaitMs
  // A lock that is had must not outlive a client that vanishes the moment after.
  const attempt = `ROLLBACK;${context.sessionSettings}SELECT pg_catalog.${context.hasSession ? 'pg_try_advisory_lock' : 'pg_try_advisory_xact_lock'}(${key})::text, (${lockHolderQuery(key)})::text`
  for (let wait = SHORTEST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
    if (signal.aborted) {
      throw new MigrationManagerError('run/interrupted', `The run was interrupted before it began in ${environment}.`, {
        environment,
        hint: 'Nothing was under way. Run the same command again.',
      })
    }
    const [row] = await ask(link, attempt)
    if (row?.[0] === 'true') return
    const holder = typeof row?.[1] === 'string' ? describeHolder(JSON.parse(row[1])) : null
    if (Date.now() >= deadline) throw lockHeldError(link, holder)
    emit({ type: 'waiting', environment, what: `another run is at work: ${holder ?? 'its session just ended'}` })
    await pause(Math.min(wait * (0.5 + Math.random() / 2), deadline - Date.now()), signal)
  }
}

async function ask(link: Link, text: string): Promise<readonly (readonly (string | null)[])[]> {
  try {
    return await link.session.ask(text, link.options.connectMs)
  } catch (cause) {
    throw describeSessionFailure(cause, link.options.place)
  }
}

export function lockHeldError(link: Link, holder: string | null): MigrationManagerError {
  const { environment } = link.options.place
  const who = holder === null ? '' : `: ${holder}`
  return new MigrationManagerError('lock/held', `Another run is at work on ${environment}${who}.`, {
    environment,
    hint: 'Wait until it is done, then run again. If its process is gone, its session ends by itself within seconds; if its machine is, within a minute.',
  })
}
