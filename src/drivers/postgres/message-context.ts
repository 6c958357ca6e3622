import type { Limits } from '../../core/policy.ts'
import type { Author, Tables } from './tables.ts'

/** SQLSTATEs of our own, raised by the guards in a message. Class MM is used by nobody else. */
export const GUARD = {
  /** Another run holds the migration lock. */
  locked: 'MM001',
  /** The history is no longer the one that the plan was made from. */
  stale: 'MM002',
  /** The row that this transaction wrote is not this transaction's any more: the file ended the transaction. */
  escaped: 'MM003',
  /** A verify query of the file does not answer true. */
  unverified: 'MM004',
} as const

/** What every message of one run on one database has in common. */
export interface MessageContext {
  readonly tables: Tables
  readonly key: string
  /** The name in events and errors. */
  readonly environment: string
  /** What the database is registered as: the environment, without the database's own name in a fleet. */
  readonly owner: string
  readonly runId: string
  readonly author: Author
  readonly limits: Limits
  /** `server_version_num`: 180004. */
  readonly serverVersion: number
  /** Not behind a transaction pooler: a session lock and session settings mean something. */
  readonly hasSession: boolean
  /** Sets the session's own settings again after a `RESET ALL`; may be empty. */
  readonly sessionSettings: string
  /** Begins every marker of this run, so that no notice of a file can be taken for one. */
  readonly marker: string
}

/**
 * The settings of a session of ours; none where there is no session that could keep them, or not the system that
 * permits them. A statement whose client is gone ends within 2 s (PostgreSQL 14, Linux). A machine that vanished without
 * a word is noticed by the server's system within a minute, and its lock goes with its session: the default is two hours
 * (PostgreSQL manual, "Connections and Authentication"). On a Unix socket the last four have no effect.
 */
export function settingsOf({ hasSession, onLinux }: { hasSession: boolean; onLinux: boolean }): string {
  if (!hasSession || !onLinux) return ''
  return 'SET client_connection_check_interval = 2000;SET tcp_keepalives_idle = 30;SET tcp_keepalives_interval = 10;SET tcp_keepalives_count = 3;SET tcp_user_timeout = 60000;'
}

/** The limits of waiting of one transaction. */
export function localSettings({ limits, serverVersion }: MessageContext): string {
  return `SET LOCAL lock_timeout = ${limits.lockTimeoutMs};SET LOCAL statement_timeout = ${limits.statementTimeoutMs};SET LOCAL idle_in_transaction_session_timeout = 60000;${serverVersion >= 170_000 ? 'SET LOCAL transaction_timeout = 0;' : ''}`
}

/** How long the server may stay silent while it runs one statement, in milliseconds, before it counts as lost. */
export function silenceOf({ limits }: Pick<MessageContext, 'limits'>): number {
  return limits.statementTimeoutMs + limits.lockTimeoutMs + limits.silenceMs
}

/**
 * The PL/pgSQL statement that keeps other runs out until the transaction or the session ends. Each transaction has its own:
 * behind a transaction pooler the lock of the opening has ended with the opening.
 */
export function keepOthersOut(
  { key }: Pick<MessageContext, 'key'>,
  until: 'transaction' | 'session' = 'transaction',
): string {
  const lock = until === 'session' ? 'pg_try_advisory_lock' : 'pg_try_advisory_xact_lock'
  return `IF NOT pg_catalog.${lock}(${key}) THEN RAISE EXCEPTION 'another run holds the lock' USING ERRCODE = '${GUARD.locked}'; END IF;`
}
