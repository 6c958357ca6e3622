import type { Connection, Driver, Locked, Target } from '../core/driver.ts'
import { ownerOf } from '../core/environment.ts'
import { MigrationManagerError } from '../core/errors.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { Emit } from '../core/event.ts'
import { digestHistory } from '../core/history.ts'
import type { AppliedMigration } from '../core/history.ts'
import type { Migration } from '../core/migration.ts'
import { hasMovedOn } from '../core/moved-on.ts'
import type { RunResult, StepResult } from '../core/outcome.ts'
import type { Step } from '../core/plan.ts'

/** How often a connection that is lost in the middle of a run is taken up again. */
const MAX_RECOVERIES = 3

/** What becomes of a migration that is run; `lost-…`: the connection breaks before or after its commit. */
export type Fate = 'commits' | 'fails' | 'lost-before-commit' | 'lost-after-commit'

/** A database without an engine. Its connections share it; whoever holds it may look and meddle past the driver. */
export interface MemoryDatabase {
  readonly id: string
  initialisedAs: string | null
  history: readonly AppliedMigration[]
  /** The names of the migrations that took effect, in order, once for each time. */
  effects: readonly string[]
  /** Who holds the migration lock. */
  holder: LockHolder | null
  /** Whether a lost connection can be had again, and a new one can be made. */
  isReachable: boolean
  /** Decides what becomes of a migration; the run waits for it. */
  fateOf(migration: Migration): Fate | Promise<Fate>
}

export interface LockHolder {
  /** In words, for those who wait. */
  readonly name: string
  /** Resolves when the lock is given back. */
  readonly released: Promise<void>
  readonly release: () => void
}

/** An empty database in which every migration commits. */
export function createMemoryDatabase(id: string): MemoryDatabase {
  return { id, initialisedAs: null, history: [], effects: [], holder: null, isReachable: true, fateOf: () => 'commits' }
}

/**
 * The reference driver: what the port means, without an engine and without waiting for anything but other runs. A
 * migration's effect is its name in `MemoryDatabase.effects`. The endpoint of an environment is the database itself.
 */
export const memoryDriver: Driver<MemoryDatabase> = {
  engine: 'memory',
  async connect(target, emit, signal) {
    const { name, endpoint } = target.environment
    if (!endpoint.isReachable) {
      throw new MigrationManagerError('connection/refused', `${name} cannot be reached.`, { environment: name })
    }
    return createConnection(target, emit, signal)
  },
}

function createConnection(target: Target<MemoryDatabase>, emit: Emit, signal: AbortSignal): Connection {
  const { environment, limits, runId } = target
  const { name, endpoint: database } = environment
  let held: LockHolder | null = null

  async function takeLock(): Promise<void> {
    const patience = new AbortController()
    const timer = setTimeout(() => patience.abort(), limits.lockWaitMs)
    try {
      while (held === null) {
        const { holder } = database
        if (signal.aborted) throw failure('run/interrupted', 'The run was interrupted before it began')
        if (holder === null) {
          held = database.holder = createHolder(`run ${runId}`)
        } else if (patience.signal.aborted) {
          throw failure('lock/held', `Another run, ${holder.name}, is at work`)
        } else {
          emit({ type: 'waiting', environment: name, what: `another run is at work: ${holder.name}` })
          await unlessAborted(holder.released, AbortSignal.any([signal, patience.signal]))
        }
      }
    } finally {
      clearTimeout(timer)
    }
  }

  function giveBack(): void {
    if (held === null) return
    database.holder = null
    held.release()
    held = null
  }

  function register(mayRename: boolean): boolean {
    const owner = ownerOf(environment)
    if (database.initialisedAs === owner || (database.initialisedAs !== null && !mayRename)) return false
    database.initialisedAs = owner
    emit({ type: 'prepared', environment: name })
    return true
  }

  function commit({ name: migration, checksum }: Migration, startedAt: number): void {
    const durationMs = Math.round(performance.now() - startedAt)
    const appliedAt = new Date()
    database.effects = [...database.effects, migration]
    database.history = [
      ...database.history,
      {
        name: migration,
        checksum,
        status: 'applied',
        step: null,
        appliedAt,
        durationMs,
        appliedBy: 'memory',
        runId,
      },
    ]
  }

  /**
   * Runs one migration, again where its connection is lost and nobody else has changed the history meanwhile. Returns
   * null when it is applied, else why it is not.
   */
  async function apply(
    migration: Migration,
    isOvertaken: () => boolean,
  ): Promise<MigrationManagerError | 'overtaken' | null> {
    const { name: subject } = migration
    for (let recoveries = 0; recoveries <= MAX_RECOVERIES; recoveries++) {
      if (signal.aborted) return failure('run/interrupted', `${subject} was not begun`)
      const startedAt = performance.now()
      const fate = await unlessAborted(database.fateOf(migration), signal)
      if (fate === undefined) return failure('run/interrupted', `${subject} was interrupted and rolled back`)
      if (fate === 'fails') return failure('migration/failed', `${subject} failed and was rolled back`)
      if (fate !== 'lost-before-commit') commit(migration, startedAt)
      if (fate === 'commits') return null
      // What was lost is for the history to decide; only while it cannot be read is the answer unknown.
      if (!database.isReachable) return failure('outcome/unknown', `${subject} lost its connection for good`)
      if (database.history.some((row) => row.name === subject)) return null
      if (isOvertaken()) return 'overtaken'
    }
    return failure('connection/lost', `${subject} lost its connection again and again, and is not applied`)
  }

  async function run(steps: readonly Step[], basis: string): Promise<RunResult> {
    const done: StepResult[] = []
    // Neither a run without steps nor one that is interrupted before it begins touches the database.
    if (steps.length > 0 && !signal.aborted) {
      await takeLock()
      const applied = new Set(database.history.map((row) => row.name))
      if (digestHistory(database.history) !== basis) return { kind: 'stale', done: [] }
      if (steps.some(({ migration }) => applied.has(migration.name))) return { kind: 'stale', done: [] }
      register(false)
    }
    const before = database.history
    for (const [index, { migration }] of steps.entries()) {
      const isOvertaken = (count: number): boolean =>
        hasMovedOn(before, database.history, { runId, done: steps.slice(0, count), underWay: null })
      const error = await apply(migration, () => isOvertaken(index))
      if (error === 'overtaken') return { kind: 'stale', done }
      if (error !== null) {
        if (error.code === 'migration/failed') {
          emit({ type: 'migration-failed', environment: name, migration: migration.name })
        }
        const kind = error.code === 'outcome/unknown' ? 'unknown' : 'failed'
        return { kind, done, failed: { name: migration.name, error } }
      }
      const durationMs = database.history.at(-1)?.durationMs ?? 0
      done.push({ name: migration.name, durationMs })
      emit({ type: 'migration-applied', environment: name, migration: migration.name, durationMs })
      if (isOvertaken(index + 1)) return { kind: 'stale', done }
    }
    return { kind: 'done', done }
  }

  function failure(code: ErrorCode, what: string): MigrationManagerError {
    return new MigrationManagerError(code, `${what} (${name}).`, { environment: name })
  }

  return {
    async read() {
      const { id, initialisedAs, history, holder } = database
      const lockHolder = holder === held ? null : (holder?.name ?? null)
      return { databaseId: id, initialisedAs, history, keepsSession: true, lockHolder, findings: [] }
    },
    // Nothing is recorded here but the history itself.
    async log() {
      return []
    },
    // Its migrations ask nothing, and nothing in it can break.
    async snapshot() {
      return []
    },
    async verify() {
      return { answers: [], damage: [] }
    },
    async prepare({ rename }) {
      await takeLock()
      const isNew = register(rename)
      giveBack()
      return isNew
    },
    async withLock(work) {
      const locked: Locked = {
        async history() {
          await takeLock()
          return database.history
        },
        run,
        async amend({ migration, after }, basis) {
          await takeLock()
          if (digestHistory(database.history) !== basis) return false
          const rest = database.history.filter(({ name: other }) => other !== migration)
          const appliedAt = after?.status === 'applied' ? new Date() : null
          const row = { name: migration, appliedAt, durationMs: null, appliedBy: 'memory', runId, step: null }
          database.history = after === null ? rest : [...rest, { ...row, ...after }]
          return true
        },
      }
      try {
        return await work(locked)
      } finally {
        giveBack()
      }
    },
    async [Symbol.asyncDispose]() {
      giveBack()
    },
  }
}

function createHolder(name: string): LockHolder {
  let release = (): void => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  return { name, released, release }
}

/** What `promise` resolves with, or undefined when the signal comes first. */
async function unlessAborted<T>(promise: T | Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  let stop = (): void => {}
  const aborted = new Promise<undefined>((resolve) => (stop = () => resolve(undefined)))
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop)
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', stop))
}
