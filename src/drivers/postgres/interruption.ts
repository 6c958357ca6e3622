import { setMaxListeners } from 'node:events'
import { MigrationManagerError } from '../../core/errors.ts'
import type { Place } from './session-failure.ts'
import type { Session } from './session.ts'

/** Between two cancel requests, in milliseconds. */
const CANCEL_EVERY = 500

/**
 * Awaits what a message to the session comes to, and has the server cancel it when the signal is aborted. Settles only
 * when no cancel request is on its way any more: it would hit the next message.
 */
export async function cancelWhenAborted<T>(
  session: Pick<Session, 'cancel'>,
  signal: AbortSignal,
  message: Promise<T>,
): Promise<T> {
  let isOver = false
  let timer: NodeJS.Timeout | undefined
  let cancelling: Promise<void> | undefined
  function begin(): void {
    cancelling = cancel()
  }
  async function cancel(): Promise<void> {
    await session.cancel().catch(() => {})
    // One that arrives between two statements is lost, so they are sent until the message has ended, one after the other.
    if (!isOver) timer = setTimeout(begin, CANCEL_EVERY)
  }
  // Every database that is written to listens, and there may be hundreds at once.
  setMaxListeners(0, signal)
  signal.addEventListener('abort', begin, { once: true })
  try {
    return await message
  } finally {
    isOver = true
    signal.removeEventListener('abort', begin)
    clearTimeout(timer)
    await cancelling
  }
}

/** A question was cancelled; questions change nothing. */
export function interruptedReading({ environment }: Place): MigrationManagerError {
  return new MigrationManagerError('run/interrupted', `The run was interrupted while it asked ${environment}.`, {
    environment,
    hint: 'This changed nothing. Run the command again.',
  })
}
