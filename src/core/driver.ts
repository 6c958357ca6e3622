import type { Adoption, AdoptionSource, Claim } from './adoption.ts'
import type { Environment } from './environment.ts'
import type { ErrorCode } from './errors.ts'
import type { Emit } from './event.ts'
import type { ExpectedHistories } from './expected-history.ts'
import type { AppliedMigration } from './history.ts'
import type { LogEntry } from './log.ts'
import type { HoldResult, RunResult } from './outcome.ts'
import type { Step } from './plan.ts'
import type { Finding } from './finding.ts'
import type { Limits } from './policy.ts'
import type { Repair } from './repair.ts'
import type { Migration } from './migration.ts'
import type { Secret } from './secret.ts'
import type { Snapshot } from './snapshot.ts'
import type { Verification } from './verification.ts'

/** What a driver makes of a connection string: its own endpoint, or what is wrong with it, never repeating a secret. */
export type ParsedUrl<Endpoint = unknown> =
  | {
      readonly ok: true
      readonly endpoint: Endpoint
      readonly secrets: readonly Secret[]
      /** What the database is called, for those who have no other name for it. No secret. */
      readonly database?: string
    }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string; readonly hint: string }

/** One database that a run works on, and all that a driver must know to work on it. */
export interface Target<Endpoint = unknown> {
  readonly environment: Environment<Endpoint>
  /** The schema of the history tables. */
  readonly historySchema: string
  readonly limits: Limits
  /** This run, a UUID; it is written beside every row. */
  readonly runId: string
  /** Who runs this, for the log. */
  readonly actor: Actor
  /**
   * Histories that the caller knows by their digests when it has read its files; null where every row is to be read. A
   * driver logs in meanwhile, over a network, and asks when it has the answer; it may then leave the rows of such a history unread and
   * answer the first `read` with the rows given here. Where the files are bad, this fails, and nothing is asked.
   */
  readonly expected?: Promise<ExpectedHistories | null> | undefined
}

/** Who does something to a database, as far as the client knows. */
export interface Actor {
  /** The operating system's user. */
  readonly osUser: string | null
  /** The git commit of the working directory. */
  readonly gitCommit: string | null
  /** The CI run's address. */
  readonly ciRun: string | null
  /** The CI job's name. */
  readonly ciJob: string | null
  /**
   * Whether the migration files were not what `gitCommit` holds, or null where that is not known. Git is asked with the
   * first call: make it when something is about to be written, beside what has to be waited for anyway.
   */
  isTreeDirty(): Promise<boolean | null>
}

/** A database that nobody needs afterwards, with a server of its own where the engine has servers. Dispose of it. */
export interface ThrowAway extends AsyncDisposable {
  /** For the driver of its engine. */
  readonly endpoint: unknown
}

/** One engine: how its databases are spoken to. The contract of all of them is held by one test suite. */
export interface Driver<Endpoint = unknown> {
  readonly engine: string
  /**
   * The server that an environment's database is on, in any form that is the same for all databases on it. Absent where
   * nobody counts connections.
   */
  serverOf?(environment: Environment<Endpoint>): string
  /**
   * The database that an environment's connection string names, without asking it: the same answer means the same
   * database for certain, another one means nothing. Absent where only the database itself tells.
   */
  databaseOf?(environment: Environment<Endpoint>): string
  /** Opens one connection. Throws a `MigrationManagerError` whose code is `connection/…` or `target/…`. */
  connect(target: Target<Endpoint>, emit: Emit, signal: AbortSignal): Promise<Connection>
}

export interface Connection extends AsyncDisposable {
  /** All that a run must know of the database, in one read-only question. Never writes; throws rather than guess. */
  read(): Promise<Reading>
  /** The whole log, oldest first; empty on a fresh database. Never writes. */
  log(): Promise<readonly LogEntry[]>
  /** The whole schema, as it is at one moment. Never writes. */
  snapshot(): Promise<Snapshot>
  /**
   * Asks the verify queries of these migrations, and looks for what is damaged. Never writes: a query that would is a
   * query that fails.
   */
  verify(migrations: readonly Migration[]): Promise<Verification>
  /**
   * What another tool's history says, each claim against these files and the live schema. Never writes. Absent where
   * the engine knows no such tool; throws `adopt/no-table` where the other tool has left nothing.
   */
  claims?(source: AdoptionSource, migrations: readonly Migration[]): Promise<readonly Claim[]>
  /**
   * Makes sure that the history tables are there and the database is registered as this environment.
   * Returns whether anything had to be made. Throws `lock/held` when another run is at work for too long.
   */
  prepare(options: { readonly rename: boolean }): Promise<boolean>
  /**
   * Does `work` as the only run on this database. The lock is taken with the first thing that `work` does; if another
   * run holds it for longer than `limits.lockWaitMs`, that throws `lock/held` and nothing has happened.
   */
  withLock<T>(work: (locked: Locked) => Promise<T>): Promise<T>
  /**
   * Closes the connection and waits until the server has let go of it, so that another can take its place; disposing
   * waits for nobody. Absent where nobody counts connections.
   */
  leave?(): Promise<void>
}

/** What one may do while holding the lock: it exists only inside `withLock`. */
export interface Locked {
  /** The history as it is now, under the lock. */
  history(): Promise<readonly AppliedMigration[]>
  /**
   * Runs steps in order, each as one atom of its SQL and its history row, and stops at the first that fails.
   * `basis` is the digest of the history that the steps were planned from: if it has moved on, nothing is run; if it
   * moves on meanwhile, nothing more.
   * Prepares the database when it is fresh.
   */
  run(steps: readonly Step[], basis: string): Promise<RunResult>
  /**
   * Changes one row of the history by hand and writes it to the log; false, and nothing is changed, if the history is
   * no longer the one with the digest `basis`.
   */
  amend(repair: Repair, basis: string): Promise<boolean>
  /**
   * Writes a row for each migration, all of them or none, and tells the log whose word was taken; false, and nothing is
   * written, if the history is no longer the one with the digest `basis`. Prepares the database when it is fresh.
   */
  adopt?(source: AdoptionSource, adoptions: readonly Adoption[], basis: string): Promise<boolean>
  /**
   * Carries out all steps in one transaction and leaves it open, so that several targets can be committed together.
   * Absent where the engine cannot.
   */
  hold?(steps: readonly Step[], basis: string): Promise<HoldResult>
}

/** What a database says of itself. */
export interface Reading {
  /** The same for two connections to the same database, whatever the way there. */
  readonly databaseId: string
  /** The environment that it was initialised as, or null on a fresh database. */
  readonly initialisedAs: string | null
  readonly history: readonly AppliedMigration[]
  /**
   * Whether a lock and settings last from one message to the next; behind a transaction pooler they do not, and what
   * cannot run in a transaction cannot run at all.
   */
  readonly keepsSession: boolean
  /** Who holds the migration lock now, in words, or null. */
  readonly lockHolder: string | null
  /**
   * The foreign keys by which dropping a table changes rows of others, where the engine does that (SQLite empties a
   * table before it drops it). Absent where it does not.
   */
  readonly dependents?: readonly Dependent[]
  /** What the driver noticed on the way: an unverified server, a short time-out of the role. */
  readonly findings: readonly Finding[]
}

/** A table whose rows are deleted or emptied with those of another one. */
export interface Dependent {
  readonly table: string
  readonly parent: string
  /** In upper case, as SQL has it: `CASCADE`, `SET NULL`, `SET DEFAULT`. */
  readonly onDelete: string
}
