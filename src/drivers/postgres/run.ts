import { reach } from '../../core/kill-point.ts'
import type { Emit } from '../../core/event.ts'
import { findBlocker } from './blocker.ts'
import type { Link } from './link.ts'
import type { MessageContext } from './message-context.ts'
import { pause } from '../pause.ts'
import { readGuard } from './guard.ts'
import { cancelWhenAborted } from './interruption.ts'
import type { Listener } from './session.ts'
import { ServerFailure } from './session-failure.ts'

/** What all that runs on one database in one run has in common. */
export interface Run {
  readonly link: Link
  readonly context: MessageContext
  readonly emit: Emit
  readonly signal: AbortSignal
  /** Whether this session holds the migration lock. */
  readonly lock: { isHeld: boolean }
  /** Who was last seen to keep a statement of ours waiting, in words. */
  readonly blocker: { last: string | null }
}

/** How often a connection that is lost in the middle of a run is taken up again. */
export const MAX_RECOVERIES = 3

/** Failures that leave nothing behind and may be gone at the next attempt: lock_timeout, deadlock, serialisation. */
const TRANSIENT: ReadonlySet<string> = new Set(['55P03', '40P01', '40001'])

export function isTransient(code: string): boolean {
  return TRANSIENT.has(code)
}

/** A statement that says nothing for so long may be waiting for somebody; in milliseconds, below any lock_timeout. */
const ASK_AFTER = 1_000

/** Sends a message that an interruption of the run cancels; when it has to wait for somebody, says for whom. */
export async function sendInterruptibly(run: Run, text: string, silenceMs: number, listener: Listener): Promise<void> {
  const { link, signal } = run
  const watch = setTimeout(() => void nameBlocker(run), ASK_AFTER)
  try {
    reach('sending')
    const message = link.session.send(text, silenceMs, {
      onNotice(notice) {
        watch.refresh()
        listener.onNotice(notice)
      },
      onRow(first) {
        watch.refresh()
        listener.onRow(first)
      },
    })
    await cancelWhenAborted(link.session, signal, message)
    reach('answered')
  } catch (cause) {
    throw cause instanceof ServerFailure ? readGuard(run.context, cause) : cause
  } finally {
    clearTimeout(watch)
  }
}

async function nameBlocker({ link, context, emit, signal, blocker }: Run): Promise<void> {
  if (!context.hasSession) return
  const found = await findBlocker(link.options, link.facts.pid, signal)
  if (found === null) return
  blocker.last = found
  emit({ type: 'waiting', environment: context.environment, what: `waiting for a lock that ${found} holds` })
}

/** Says why a migration is tried again, and waits with full jitter: two runs that block each other must not meet again. */
export async function waitToRetry(run: Run, migration: string, reason: string, attempt: number): Promise<void> {
  const { context, emit, signal, blocker } = run
  const who = blocker.last === null ? '' : `, blocked by ${blocker.last}`
  emit({
    type: 'waiting',
    environment: context.environment,
    what: `${migration}: ${reason}${who}; attempt ${attempt + 1} of ${context.limits.lockRetries + 1}`,
  })
  await pause(Math.random() * Math.min(15_000, 500 * 2 ** attempt), signal)
}
