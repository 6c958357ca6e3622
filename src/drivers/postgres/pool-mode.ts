import { randomBytes } from 'node:crypto'
import { openSession } from './session.ts'
import type { Login, Session, SessionOptions } from './session.ts'

/** The port of Supabase's poolers in transaction mode, by its documentation; on 5432 of the same host they keep sessions. */
const TRANSACTION_PORT = 6543
const SUPABASE_POOLER = /\.pooler\.supabase\.com$/iu

/** How often the two sessions of a trial take turns. */
const ROUNDS = 3

/** A pooler without a backend to spare lets the second session wait; longer than this is not worth an answer. */
const TRIAL_MS = 2_000

/**
 * Whether a session keeps its backend from message to message, so that its lock and its settings mean something.
 * `pid` is the backend that ran its first message. Costs nothing on a direct connection and on Supabase; behind another
 * pooler a trial decides, and only an answer that speaks for a session in every round counts as one.
 * Throws what `session` threw.
 */
export async function keepsBackend(
  login: Login,
  session: Session,
  pid: number,
  options: SessionOptions,
): Promise<boolean> {
  if (login.port === TRANSACTION_PORT) return false
  if (pid === session.backendPid) return true
  return SUPABASE_POOLER.test(login.host) || passesTrial(login, session, pid, options)
}

/**
 * Looks for a backend that is shared. A pooler that hands a backend out again after each transaction gives it to the
 * next client or, when it goes round its backends, gives us another one: asking twice, then as somebody else, meets both
 * on a quiet pooler. On a busy one others use our backend while we are away, and what it ran last tells.
 */
async function passesTrial(login: Login, session: Session, pid: number, options: SessionOptions): Promise<boolean> {
  const connectMs = Math.min(options.connectMs, TRIAL_MS)
  const marker = `mm-${randomBytes(6).toString('hex')}`
  const [again, opened] = await Promise.allSettled([
    session.ask(question(`${marker}-a0`, pid), options.connectMs),
    openSession(login, question(`${marker}-b0`, pid), { ...options, connectMs }),
  ])
  const other = opened.status === 'fulfilled' ? opened.value : null
  try {
    if (again.status === 'rejected') throw again.reason
    const otherPid = Number(other?.rows[0]?.[0])
    if (Number(again.value[0]?.[0]) !== pid || other === null || otherPid === pid) return false
    for (let round = 1; round < ROUNDS; round++) {
      const ours = await session.ask(question(`${marker}-a${round}`, otherPid), options.connectMs)
      if (!isUntouched(ours, pid, `${marker}-b${round - 1}`)) return false
      // Two backends that are handed out in turn meet two sessions that take turns: only asking twice in a row tells.
      const twice = await session.ask(question(`${marker}-a${round}`, otherPid), options.connectMs)
      if (!isUntouched(twice, pid, `${marker}-b${round - 1}`)) return false
      const theirs = await other.session.ask(question(`${marker}-b${round}`, pid), TRIAL_MS).catch(() => [])
      if (!isUntouched(theirs, otherPid, `${marker}-a${round}`)) return false
    }
    return true
  } finally {
    other?.session.close()
  }
}

/** Asks which backend answers, and what the backend `watched` ran last; both sessions have one role, so it may be seen. */
function question(marker: string, watched: number): string {
  return `/* ${marker} */ SELECT pg_catalog.pg_backend_pid()::text, (SELECT query FROM pg_catalog.pg_stat_activity WHERE pid = ${watched})`
}

function isUntouched(answer: readonly (readonly (string | null)[])[], pid: number, lastMarker: string): boolean {
  const [answering, watchedQuery] = answer[0] ?? []
  return Number(answering) === pid && watchedQuery?.startsWith(`/* ${lastMarker} */`) === true
}
