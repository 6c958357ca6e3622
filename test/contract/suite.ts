import { randomUUID } from 'node:crypto'
import { checksumOf } from '../../src/core/checksum.ts'
import type { Connection, Driver, Target } from '../../src/core/driver.ts'
import type { Emit, RunEvent } from '../../src/core/event.ts'
import type { ExpectedHistories } from '../../src/core/expected-history.ts'
import { digestHistory } from '../../src/core/history.ts'
import type { AppliedMigration } from '../../src/core/history.ts'
import type { Migration } from '../../src/core/migration.ts'
import type { RunResult } from '../../src/core/outcome.ts'
import type { Step } from '../../src/core/plan.ts'
import { DEFAULT_LIMITS } from '../../src/core/policy.ts'
import type { Limits } from '../../src/core/policy.ts'

/**
 * What a migration of the suite does. All leave one effect.
 * `fails`: an error comes after the effect. `waits`: it waits after the effect until `release`.
 */
export type Behaviour = 'works' | 'fails' | 'waits'

/** A database of one engine, as the suite needs it beside the driver: it looks and meddles past the driver. */
export interface ContractDatabase<Endpoint> extends AsyncDisposable {
  readonly endpoint: Endpoint
  /** The text of a migration that leaves the effect `name`. */
  textOf(name: string, behaviour: Behaviour): string
  /** The names of the migrations that took effect for good, in order, once for each time. */
  effects(): Promise<readonly string[]>
  /** Names all that is in the database, the driver's own tables and rows included: the same text, nothing was written. */
  contents(): Promise<string>
  /** Sets the checksum of a row of the history. */
  tamper(name: string, checksum: string): Promise<void>
  /** Resolves once a migration waits. Rejects when that takes too long. */
  whenWaiting(): Promise<void>
  /** Lets the migration that waits, and all that come later, go on. */
  release(): Promise<void>
  /** Breaks the connection of the migration that waits, so that the engine rolls it back. */
  terminate(): Promise<void>
  /** Lets the migration that waits commit, and breaks its connection before the driver hears of it. */
  commitUnheard(name: string): Promise<void>
  /** Whether new connections come through. Those that there are stay. */
  setReachable(isReachable: boolean): void
}

export interface ConnectOptions {
  readonly environment?: string
  readonly limits?: Partial<Limits>
  readonly runId?: string
  readonly emit?: Emit
  readonly signal?: AbortSignal
  readonly expected?: Promise<ExpectedHistories | null>
}

/** No wait of the suite is longer than this; a lock of the engine is never the reason to give up. */
const LIMITS: Limits = {
  ...DEFAULT_LIMITS,
  lockTimeoutMs: 20_000,
  statementTimeoutMs: 30_000,
  lockWaitMs: 20_000,
  recoverWaitMs: 20_000,
}

/** The digest of a history without rows. */
export const FRESH: string = digestHistory([])

/** The engine under test, and how the parts of the suite reach it. */
export interface Suite<Endpoint> {
  readonly name: string
  readonly createDatabase: () => Promise<ContractDatabase<Endpoint>>
  readonly connect: (database: ContractDatabase<Endpoint>, options?: ConnectOptions) => Promise<Connection>
  /** A migration of a database that does as told; it works if nothing else is said. */
  readonly migrationOf: (database: ContractDatabase<Endpoint>, name: string, behaviour?: Behaviour) => Migration
}

/** Connects to a database as the environment `dev`, with a run of its own. */
export function connectTo<Endpoint>(
  driver: Driver<Endpoint>,
  endpoint: Endpoint,
  options: ConnectOptions = {},
): Promise<Connection> {
  const target: Target<Endpoint> = {
    environment: {
      name: options.environment ?? 'dev',
      engine: driver.engine,
      endpoint,
      secrets: [],
      protected: false,
      order: 0,
      origin: 'DEV_DATABASE_URL in .env',
      migrationsDir: 'database',
    },
    historySchema: 'public',
    limits: { ...LIMITS, ...options.limits },
    runId: options.runId ?? randomUUID(),
    actor: { osUser: 'suite', gitCommit: null, ciRun: null, ciJob: null, isTreeDirty: async () => null },
    expected: options.expected,
  }
  return driver.connect(target, options.emit ?? (() => {}), options.signal ?? new AbortController().signal)
}

export function makeMigration(name: string, up: string): Migration {
  const file = `database/${name}.sql`
  return { version: name.slice(0, 3), name, file, checksum: checksumOf(up), up, down: null, lines: 1 }
}

/** Runs migrations under the lock, planned from the history with the digest `basis`. */
export function run(connection: Connection, migrations: readonly Migration[], basis: string): Promise<RunResult> {
  const steps = migrations.map((migration): Step => ({ kind: 'apply', migration, resumeAt: null }))
  return connection.withLock((locked) => locked.run(steps, basis))
}

export async function historyOf(connection: Connection): Promise<readonly AppliedMigration[]> {
  return (await connection.read()).history
}

export function byName(history: readonly AppliedMigration[]): readonly AppliedMigration[] {
  return history.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

export function listenFor(type: RunEvent['type']): { readonly whenHeard: Promise<void>; readonly emit: Emit } {
  let hear = (): void => {}
  const whenHeard = new Promise<void>((resolve) => (hear = resolve))
  return { whenHeard, emit: (event) => void (event.type === type && hear()) }
}

export function rowOf(name: string): AppliedMigration {
  return {
    name,
    checksum: 'sha256:0',
    status: 'applied',
    step: null,
    appliedAt: new Date(0),
    durationMs: 0,
    appliedBy: 'suite',
    runId: null,
  }
}
