/** The limits of waiting: every wait has one. All in milliseconds. */
export interface Limits {
  /** To connect and log in. */
  readonly connectMs: number
  /** How long a statement may wait for a lock of the database, and so how long others can wait behind us. */
  readonly lockTimeoutMs: number
  /** How often a migration that ran into `lockTimeoutMs` is tried again. */
  readonly lockRetries: number
  /** How long one statement may run. */
  readonly statementTimeoutMs: number
  /** How long to wait for another run that holds the migration lock. */
  readonly lockWaitMs: number
  /** How long to try to reach a database again whose connection was lost at a moment that matters. */
  readonly recoverWaitMs: number
  /** How long a server may stay silent beyond what its statement may take, before the connection counts as lost. */
  readonly silenceMs: number
}

/**
 * How many databases of one server are connected to at once: within what the smallest hosted servers and poolers allow
 * one client (Supabase's session pooler begins with 15).
 */
export const DEFAULT_CONCURRENCY = 10

export const DEFAULT_LIMITS: Limits = {
  connectMs: 10_000,
  lockTimeoutMs: 3_000,
  lockRetries: 10,
  statementTimeoutMs: 15 * 60_000,
  lockWaitMs: 60_000,
  recoverWaitMs: 120_000,
  silenceMs: 30_000,
}
