import type { Target } from '../../core/driver.ts'
import type { Environment } from '../../core/environment.ts'
import { MigrationManagerError } from '../../core/errors.ts'
import type { Emit } from '../../core/event.ts'
import { isLost } from './client.ts'
import type { D1Client, Query, RequestOptions, Rows } from './client.ts'
import type { Pause } from '../pause.ts'
import { readFacts } from './reading.ts'
import type { Facts } from './reading.ts'
import { EMPTY_LOG } from './tables.ts'
import type { Author, LogEnd } from './tables.ts'
import type { D1Endpoint } from './url.ts'

/** How often a batch whose answer is lost is sent again, once it is certain that it did not take effect. */
export const MAX_RECOVERIES = 3

/** The lock while it is ours: every batch that carries this epoch makes the next one. */
export interface Hold {
  readonly token: string
  epoch: number
}

/** What all that is done over one connection has in common. */
export interface Session {
  readonly client: D1Client
  readonly target: Target<D1Endpoint>
  readonly author: Author
  readonly emit: Emit
  readonly signal: AbortSignal
  readonly pause: Pause
  /** Every token that this connection has ever tried to take the lock with: what they own is ours. */
  readonly tokens: Set<string>
  hold: Hold | null
  /** The end of the log, known while the lock is held. */
  logEnd: LogEnd
  /** How far the database's clock is ahead of ours, in milliseconds. */
  skewMs: number
}

export function createSession(
  client: D1Client,
  target: Target<D1Endpoint>,
  emit: Emit,
  signal: AbortSignal,
  pause: Pause,
): Session {
  const role = target.environment.endpoint.kind === 'remote' ? 'cloudflare-api' : 'local'
  return {
    client,
    target,
    author: { runId: target.runId, role, actor: target.actor, isTreeDirty: null },
    emit,
    signal,
    pause,
    tokens: new Set(),
    hold: null,
    logEnd: EMPTY_LOG,
    skewMs: 0,
  }
}

/** Between two attempts to read, in milliseconds. */
const SHORTEST_WAIT = 100
const LONGEST_WAIT = 2_000

/**
 * Reads the database. Reading changes nothing, so a lost answer is asked for again until `limits.connectMs` is over.
 * Throws a `MigrationManagerError`, or a `QueryFailure` that no reading of ours should meet.
 */
export async function look(session: Session, signal: AbortSignal = session.signal): Promise<Facts> {
  const facts = await askPatiently(session, signal, (ask) => readFacts(ask))
  session.skewMs = facts.now.getTime() - Date.now()
  return facts
}

/** Asks for something that changes nothing, again and again while answers are lost. */
export async function askPatiently<T>(
  { client, target, pause }: Session,
  signal: AbortSignal,
  read: (ask: (queries: readonly Query[]) => Promise<readonly Rows[]>) => Promise<T>,
): Promise<T> {
  const { environment, limits } = target
  let deadline = Date.now() + limits.connectMs
  let isExtended = false
  for (let wait = SHORTEST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
    const options: RequestOptions = { withinMs: Math.max(deadline - Date.now(), 1), signal }
    try {
      return await read((queries) => client.batch(queries, options))
    } catch (cause) {
      if (!isLost(cause)) throw cause
      const next = Math.max(wait * (0.5 + Math.random() / 2), cause.retryAfterMs)
      // A service that asks to be left alone for a while gets that, once.
      if (cause.retryAfterMs > 0 && !isExtended) {
        isExtended = true
        deadline += cause.retryAfterMs
      }
      if (signal.aborted || Date.now() + next >= deadline) throw unreachable(environment, cause.message)
      await pause(next, signal)
    }
  }
}

export function unreachable(
  { name, origin, endpoint }: Environment<D1Endpoint>,
  reason: string,
): MigrationManagerError {
  return new MigrationManagerError('connection/unreachable', `${name} cannot be reached: ${reason}.`, {
    environment: name,
    hint:
      endpoint.kind === 'remote'
        ? `Is the D1 database in ${origin} the right one, and the network there? Cloudflare's state is on cloudflarestatus.com. Then run again.`
        : `It is on this machine, in ${endpoint.persistDir}: is another program at work on it, such as wrangler dev? Then run again.`,
  })
}

/** The database's clock now, as far as we know. */
export function databaseTime({ skewMs }: Session): Date {
  return new Date(Date.now() + skewMs)
}
