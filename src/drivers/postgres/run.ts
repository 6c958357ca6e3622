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
  const wait = watchWait(run)
  try {
    reach('sending')
    const message = link.session.send(text, silenceMs, {
      onNotice(notice) {
        wait.goOn()
        listener.onNotice(notice)
      },
      onRow(first) {
        wait.goOn()
        listener.onRow(first)
      },
    })
    await cancelWhenAborted(link.session, signal, message)
    reach('answered')
  } catch (cause) {
    if (!(cause instanceof ServerFailure)) throw cause
    throw readGuard(run.context, new ServerFailure(cause.server, wait.blocker()))
  } finally {
    wait.end()
  }
}

/** Looks who keeps a message waiting. */
interface Watch {
  /** The server has said something: whatever it waited for, it waits no more. */
  goOn(): void
  /** Who keeps it waiting, in words. */
  blocker(): string | null
  /** The message has ended; who is found now keeps nothing of it waiting. */
  end(): void
}

function watchWait({ link, context, emit, signal }: Run): Watch {
  let waits = 0
  let blocker: string | null = null
  const ask = async (): Promise<void> => {
    if (!context.hasSession) return
    const asked = waits
    const found = await findBlocker(link.options, link.facts.pid, signal)
    // The answer takes its time, and may come when another migration is under way, or after the run.
    if (found === null || asked !== waits) return
    blocker = found
    emit({ type: 'waiting', environment: context.environment, what: `waiting for a lock that ${found} holds` })
  }
  const timer = setTimeout(() => void ask(), ASK_AFTER)
  const forget = (): void => {
    waits++
    blocker = null
  }
  return {
    goOn() {
      timer.refresh()
      forget()
    },
    blocker: () => blocker,
    end() {
      clearTimeout(timer)
      forget()
    },
  }
}

/** Says why a migration is tried again, and waits with full jitter: two runs that block each other must not meet again. */
export async function waitToRetry(run: Run, migration: string, cause: ServerFailure, attempt: number): Promise<void> {
  const { context, emit, signal } = run
  const who = cause.blocker === null ? '' : `, blocked by ${cause.blocker}`
  emit({
    type: 'waiting',
    environment: context.environment,
    what: `${migration}: ${cause.server.message}${who}; attempt ${attempt + 1} of ${context.limits.lockRetries + 1}`,
  })
  await pause(Math.random() * Math.min(15_000, 500 * 2 ** attempt), signal)
}
