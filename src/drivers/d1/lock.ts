import { randomUUID } from 'node:crypto'
import { MigrationManagerError } from '../../core/errors.ts'
import { isLost, QueryFailure } from './client.ts'
import type { Query, RequestOptions, Rows } from './client.ts'
import { describeFailure } from './errors.ts'
import { describeHolder, holderOf, isGone } from './holder.ts'
import { LOCK_QUERY, parseFacts, parseLock, readQueries } from './reading.ts'
import type { Facts, LockState } from './reading.ts'
import { askPatiently, look, unreachable } from './session.ts'
import type { Session } from './session.ts'
import { CREATE_LOCK, LOCK, LOG, NOW } from './tables.ts'

/*
 * The lock is an epoch that only ever grows. Whoever takes it, and every batch of its owner, makes the next one, and
 * only from the epoch that they have seen: of two requests that carry the same epoch, be they copies of one or come
 * from two runs, at most one has an effect, however late they arrive. The owner's time only decides how long others
 * wait; to take the lock from a run that still lives does it no harm but that it fails.
 */

/** For how long an owner that is not heard of keeps others out: longer than any request of it may take. */
const LEASE_S = 45

const LEASE = `strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+${LEASE_S} seconds')`

/** Between two looks at a lock that another run holds, in milliseconds. */
const SHORTEST_WAIT = 100
/** Cloudflare's API takes 1,200 requests in five minutes from one user: eight who wait must stay below that. */
const LONGEST_WAIT = 2_500

/**
 * When the batch that is running was begun, in milliseconds before now: its fence has set the time of the lease.
 */
export const ELAPSED_MS: string = `(SELECT CAST(round((julianday('now') - julianday(expires_at)) * 86400000) + ${LEASE_S * 1000} AS integer) FROM ${LOCK} WHERE id = 1)`

/**
 * Takes the lock and reads the database under it; `justSeen` spares the first look. Waits for another run until `withinMs` is over, then throws
 * `lock/held`; throws `run/interrupted` when the signal comes first, or why the database cannot be reached.
 */
export async function takeLock(
  session: Session,
  withinMs: number,
  signal: AbortSignal,
  justSeen: Facts | null = null,
): Promise<Facts> {
  const { target, emit } = session
  const environment = target.environment.name
  const deadline = Date.now() + withinMs
  session.hold = null
  const isTreeDirty = target.actor.isTreeDirty()
  let isWaiting = false
  let lastHolder: string | null = null
  let known = justSeen
  let last: Claim & { readonly epoch: number } = { kind: 'taken', epoch: -1 }
  for (let wait = SHORTEST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
    if (signal.aborted) throw interrupted(environment)
    // While another run is at work only its row is of interest.
    if (isWaiting) isWaiting = holderInTheWay(session, await lookAtLock(session, signal)) !== null
    const seen: Facts | null = isWaiting ? null : (known ?? (await look(session, signal)))
    known = null
    const holder: string | null = seen === null ? lastHolder : holderInTheWay(session, seen.lock)
    if (seen !== null && holder === null) {
      const epoch = seen.lock?.epoch ?? 0
      // Nobody has come in between: the database will not have it.
      if (last.kind === 'refused' && last.epoch === epoch) throw describeFailure(last.cause, target.environment)
      last = { ...(await claim(session, seen, signal)), epoch }
      if (last.kind === 'ours') {
        session.author.isTreeDirty = await isTreeDirty
        return last.facts
      }
    } else {
      isWaiting = true
      lastHolder = holder
      emit({ type: 'waiting', environment, what: `another run is at work: ${holder ?? ''}` })
    }
    if (Date.now() >= deadline) throw holder === null ? notHad(session, last) : lockHeld(environment, holder)
    await session.pause(Math.min(wait * (0.5 + Math.random() / 2), Math.max(deadline - Date.now(), 1)), signal)
  }
}

/** The lock alone: what those ask who wait for it. */
async function lookAtLock(session: Session, signal: AbortSignal): Promise<LockState | null> {
  const [rows = []] = await askPatiently(session, signal, (ask) => ask([LOCK_QUERY]))
  return parseLock(rows)
}

/** Who keeps this connection from taking the lock, in words; null when nobody does. */
export function holderInTheWay({ tokens }: Session, lock: LockState | null): string | null {
  if (lock === null || lock.owner === null || tokens.has(lock.owner)) return null
  return lock.isAlive && !isGone(lock.holder) ? describeHolder(lock.holder) : null
}

/** What came of an attempt to take the lock; `taken` by somebody else in between, or so it seems. */
type Claim =
  | { readonly kind: 'ours'; readonly facts: Facts }
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly cause: QueryFailure }
  | { readonly kind: 'lost'; readonly reason: string }

/** Why the lock could not be had in time though nobody was seen to hold it. */
function notHad({ target }: Session, last: Claim): MigrationManagerError {
  switch (last.kind) {
    case 'refused':
      return describeFailure(last.cause, target.environment)
    case 'lost':
      return unreachable(target.environment, last.reason)
    case 'taken':
    case 'ours':
      return lockHeld(target.environment.name, null)
  }
}

/** Tries to make the next epoch from the one that was seen. */
async function claim(session: Session, seen: Facts, signal: AbortSignal): Promise<Claim> {
  const token = randomUUID()
  session.tokens.add(token)
  const epoch = seen.lock?.epoch ?? 0
  const first: readonly Query[] = [
    ...(seen.lock === null ? CREATE_LOCK : []),
    {
      sql: `UPDATE ${LOCK} SET epoch = epoch + 1, owner = ?1, holder = ?2, expires_at = ${LEASE} WHERE id = 1 AND epoch = ?3`,
      params: [token, holderOf(session.target), epoch],
    },
  ]
  const reading = readQueries({ history: seen.state === 'ours', log: seen.hasLog, lock: true })
  let rows: readonly Rows[]
  try {
    rows = await session.client.batch([...first, ...reading], { withinMs: session.target.limits.connectMs, signal })
  } catch (cause) {
    if (cause instanceof MigrationManagerError) throw cause
    // Ours or not, the next look tells: a token of ours is not in our own way.
    if (isLost(cause)) return { kind: 'lost', reason: cause.message }
    if (cause instanceof QueryFailure) return { kind: 'refused', cause }
    throw cause
  }
  const facts = parseFacts(rows.slice(first.length))
  if (facts.lock?.owner !== token) return { kind: 'taken' }
  session.hold = { token, epoch: facts.lock.epoch }
  session.logEnd = facts.logEnd
  return { kind: 'ours', facts }
}

/** The statement that begins every batch under the lock: it fails the batch unless the epoch is still ours. */
function fence({ token, epoch }: { readonly token: string; readonly epoch: number }, session: Session): Query {
  return {
    sql: `INSERT INTO ${LOCK} (id, epoch, owner, holder, expires_at)
SELECT 1, (SELECT epoch + 1 FROM ${LOCK} WHERE id = 1 AND epoch = ?1 AND owner = ?2), ?2, ?3, ${LEASE} WHERE true
ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, expires_at = excluded.expires_at`,
    params: [epoch, token, holderOf(session.target)],
  }
}

/** Whether a batch failed because the epoch was no longer the one that it was sent with. */
export function isFenced(cause: unknown): boolean {
  return cause instanceof QueryFailure && cause.message.includes(`${LOCK}.epoch`)
}

/** Whether a batch failed because its history row was not what it must be in the end. */
export function isUnrecorded(cause: unknown): boolean {
  return cause instanceof QueryFailure && cause.message.includes(`${LOG}.outcome`)
}

/**
 * Sends a batch behind the fence, and makes the next epoch ours. What it throws leaves open what was done: only
 * `takeLock` and a look at the rows can tell.
 */
export async function sendFenced(
  session: Session,
  queries: readonly Query[],
  options: RequestOptions,
): Promise<readonly Rows[]> {
  const { hold } = session
  if (hold === null) throw new Error('the lock is not held')
  const [, ...rows] = await session.client.batch([fence(hold, session), ...queries], options)
  hold.epoch++
  return rows
}

/** How long giving the lock back may take, in milliseconds; if it is not heard, its time runs out. */
const RELEASE_MS = 5_000

/** Gives the lock back, if it is ours. Never throws. */
export async function releaseLock(session: Session): Promise<void> {
  const { hold, client } = session
  session.hold = null
  if (hold === null) return
  const release: Query = {
    sql: `UPDATE ${LOCK} SET epoch = epoch + 1, owner = NULL, holder = NULL, expires_at = ${NOW} WHERE id = 1 AND owner = ?1 AND epoch = ?2`,
    params: [hold.token, hold.epoch],
  }
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await client.batch([release], { withinMs: RELEASE_MS })
      return
    } catch (cause) {
      if (!isLost(cause)) return
      await session.pause(Math.min(Math.max(cause.retryAfterMs, 50), RELEASE_MS), AbortSignal.timeout(RELEASE_MS))
    }
  }
}

function lockHeld(environment: string, holder: string | null): MigrationManagerError {
  return new MigrationManagerError(
    'lock/held',
    `Another run is at work on ${environment}${holder === null ? '' : `: ${holder}`}.`,
    {
      environment,
      hint: `Wait until it is done, then run again. If its process is gone, it keeps others out for ${LEASE_S} s at most.`,
    },
  )
}

export function interrupted(environment: string): MigrationManagerError {
  return new MigrationManagerError('run/interrupted', `The run was interrupted in ${environment}.`, {
    environment,
    hint: 'What was under way was not applied. Run the same command again to go on.',
  })
}

/**
 * How long it is tried to find out what was done, in milliseconds: also those who do not want to wait for a database that is
 * gone ask it once, because a plain no is settled as well.
 */
export function recoverWaitOf({ target: { limits } }: Session): number {
  return limits.recoverWaitMs || limits.connectMs
}

/**
 * After an answer that was lost or said no: takes the lock again, so that no copy of what was sent can have an effect
 * any more, and reads what is so now, for good. Null if that could not be had within `limits.recoverWaitMs`.
 */
export async function settle(session: Session, retryAfterMs: number = 0): Promise<Facts | null> {
  const recoverWaitMs = recoverWaitOf(session)
  const deadline = Date.now() + recoverWaitMs
  // Not the run's own signal: an interrupted run must find out, too, what became of what it sent.
  const signal = AbortSignal.timeout(recoverWaitMs)
  await session.pause(Math.min(retryAfterMs, recoverWaitMs), signal)
  for (let wait = SHORTEST_WAIT; Date.now() < deadline; wait = Math.min(wait * 2, LONGEST_WAIT)) {
    try {
      return await takeLock(session, deadline - Date.now(), signal)
    } catch (cause) {
      if (!(cause instanceof MigrationManagerError) && !(cause instanceof QueryFailure)) throw cause
      await session.pause(wait, signal)
    }
  }
  return null
}
