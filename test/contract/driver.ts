import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { checksumOf } from '../../src/core/checksum.ts'
import type { Connection, Driver, Target } from '../../src/core/driver.ts'
import type { Emit, RunEvent } from '../../src/core/event.ts'
import { digestHistory } from '../../src/core/history.ts'
import type { AppliedMigration } from '../../src/core/history.ts'
import type { Migration } from '../../src/core/migration.ts'
import type { RunResult } from '../../src/core/outcome.ts'
import { planSync } from '../../src/core/plan.ts'
import type { Step } from '../../src/core/plan.ts'
import type { Limits } from '../../src/core/policy.ts'
import { DEFAULT_LIMITS } from '../../src/core/policy.ts'
import { syncTarget } from '../../src/runner/sync-target.ts'

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

interface ConnectOptions {
  readonly environment?: string
  readonly limits?: Partial<Limits>
  readonly runId?: string
  readonly emit?: Emit
  readonly signal?: AbortSignal
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
const FRESH = digestHistory([])

/** The suite that every driver passes: what the port in `src/core/driver.ts` promises, seen from both sides. */
export function describeDriver<Endpoint>(
  name: string,
  driver: Driver<Endpoint>,
  createDatabase: () => Promise<ContractDatabase<Endpoint>>,
): void {
  type Database = ContractDatabase<Endpoint>

  function connect(database: Database, options: ConnectOptions = {}): Promise<Connection> {
    const target: Target<Endpoint> = {
      environment: {
        name: options.environment ?? 'dev',
        engine: driver.engine,
        endpoint: database.endpoint,
        secrets: [],
        protected: false,
        order: 0,
        origin: 'DEV_DATABASE_URL in .env',
        migrationsDir: 'database',
      },
      historySchema: 'public',
      limits: { ...LIMITS, ...options.limits },
      runId: options.runId ?? randomUUID(),
      actor: { osUser: 'suite', gitCommit: null, ciRun: null },
    }
    return driver.connect(target, options.emit ?? (() => {}), options.signal ?? new AbortController().signal)
  }

  function migrationOf(database: Database, migration: string, behaviour: Behaviour = 'works'): Migration {
    const up = database.textOf(migration, behaviour)
    return {
      version: migration.slice(0, 3),
      name: migration,
      file: `database/${migration}.sql`,
      checksum: checksumOf(up),
      up,
      down: null,
      lines: 1,
    }
  }

  describe(`the ${name} driver: reading and preparing`, () => {
    test('a fresh database reads as empty, and reading writes nothing', async () => {
      await using database = await createDatabase()
      const before = await database.contents()
      await using connection = await connect(database)

      const first = await connection.read()
      const second = await connection.read()

      expect(first).toEqual({ ...first, initialisedAs: null, history: [], lockHolder: null })
      expect(second).toEqual(first)
      expect(await database.contents()).toBe(before)
    })

    test('two connections to one database name it the same, and another database otherwise', async () => {
      await using database = await createDatabase()
      await using other = await createDatabase()
      await using one = await connect(database)
      await using two = await connect(database, { environment: 'prod' })
      await using three = await connect(other)

      const { databaseId } = await one.read()

      expect(databaseId).not.toBe('')
      expect((await two.read()).databaseId).toBe(databaseId)
      expect((await three.read()).databaseId).not.toBe(databaseId)
    })

    test('prepare registers the environment once, and says whether it had anything to do', async () => {
      await using database = await createDatabase()
      await using connection = await connect(database, { environment: 'staging' })

      expect(await connection.prepare({ rename: false })).toBe(true)
      const prepared = await database.contents()

      expect(await connection.prepare({ rename: false })).toBe(false)
      expect(await database.contents()).toBe(prepared)
      expect(await connection.read()).toMatchObject({ initialisedAs: 'staging', history: [], lockHolder: null })
    })

    test('prepare keeps the name of a database unless it is told to rename it', async () => {
      await using database = await createDatabase()
      await using dev = await connect(database, { environment: 'dev' })
      await dev.prepare({ rename: false })
      await using prod = await connect(database, { environment: 'prod' })

      expect(await prod.prepare({ rename: false })).toBe(false)
      expect((await prod.read()).initialisedAs).toBe('dev')
      expect(await prod.prepare({ rename: true })).toBe(true)
      expect((await prod.read()).initialisedAs).toBe('prod')
      expect(await prod.prepare({ rename: true })).toBe(false)
    })

    test('what was done over a connection is seen by its first reading', async () => {
      await using database = await createDatabase()
      await using connection = await connect(database)

      await run(connection, [migrationOf(database, '001-a')], FRESH)

      expect(await connection.read()).toMatchObject({ initialisedAs: 'dev', history: [{ name: '001-a' }] })
    })

    test('a row that somebody edited is read as it is', async () => {
      await using database = await createDatabase()
      await using connection = await connect(database)
      await run(connection, [migrationOf(database, '001-a')], FRESH)

      await database.tamper('001-a', 'sha256:edited')

      expect(await historyOf(connection)).toMatchObject([{ name: '001-a', checksum: 'sha256:edited' }])
    })
  })

  describe(`the ${name} driver: running`, () => {
    test('steps on a fresh database are run in order, each with one row, and the environment is registered', async () => {
      await using database = await createDatabase()
      const migrations = ['001-a', '002-b', '003-c'].map((each) => migrationOf(database, each))
      const runId = randomUUID()
      const events: RunEvent[] = []
      await using connection = await connect(database, { runId, emit: (event) => void events.push(event) })

      const result = await run(connection, migrations, FRESH)

      const { history, initialisedAs } = await connection.read()
      expect(await database.effects()).toEqual(['001-a', '002-b', '003-c'])
      expect(initialisedAs).toBe('dev')
      expect(byName(history)).toEqual(
        migrations.map(({ name: each, checksum }) => ({
          name: each,
          checksum,
          status: 'applied',
          appliedAt: expect.any(Date),
          durationMs: expect.any(Number),
          appliedBy: expect.stringMatching(/./),
          runId,
        })),
      )
      expect(result).toEqual({
        kind: 'done',
        done: byName(history).map(({ name: each, durationMs }) => ({ name: each, durationMs })),
      })
      expect(events.filter(({ type }) => type === 'prepared')).toHaveLength(1)
      expect(events.flatMap((event) => (event.type === 'migration-applied' ? [event.migration] : []))).toEqual([
        '001-a',
        '002-b',
        '003-c',
      ])
    })

    test('names of any script and with SQL inside are kept as they are', async () => {
      await using database = await createDatabase()
      const names = ['001-größe', '002-数据', "003-it's", '004-emoji-🎉']
      await using connection = await connect(database)

      const result = await run(
        connection,
        names.map((each) => migrationOf(database, each)),
        FRESH,
      )

      expect(result.kind).toBe('done')
      expect(await database.effects()).toEqual(names)
      expect(byName(await historyOf(connection)).map((row) => row.name)).toEqual(names)
    })

    test('no steps are done at once, and nothing is prepared', async () => {
      await using database = await createDatabase()
      const before = await database.contents()
      await using connection = await connect(database)

      expect(await run(connection, [], FRESH)).toEqual({ kind: 'done', done: [] })
      expect(await database.contents()).toBe(before)
    })

    test('a plan whose history has moved on is stale, and nothing of it is run', async () => {
      await using database = await createDatabase()
      await using connection = await connect(database)
      await run(connection, [migrationOf(database, '001-a')], FRESH)
      const before = await database.contents()

      expect(await run(connection, [migrationOf(database, '002-b')], FRESH)).toEqual({ kind: 'stale' })
      expect(await run(connection, [migrationOf(database, '001-a')], FRESH)).toEqual({ kind: 'stale' })
      expect(await database.contents()).toBe(before)
      expect(await database.effects()).toEqual(['001-a'])
    })

    test('a plan made from a row that was edited since is stale', async () => {
      await using database = await createDatabase()
      await using connection = await connect(database)
      await run(connection, [migrationOf(database, '001-a')], FRESH)
      const basis = digestHistory(await historyOf(connection))

      await database.tamper('001-a', 'sha256:edited')

      expect(await run(connection, [migrationOf(database, '002-b')], basis)).toEqual({ kind: 'stale' })
      expect(await database.effects()).toEqual(['001-a'])
    })

    test('a plan for a history on a database that is fresh is stale, and nothing is prepared', async () => {
      await using database = await createDatabase()
      const before = await database.contents()
      await using connection = await connect(database)

      const basis = digestHistory([rowOf('001-a')])

      expect(await run(connection, [migrationOf(database, '002-b')], basis)).toEqual({ kind: 'stale' })
      expect(await database.contents()).toBe(before)
    })

    test('a migration that is applied is never run again, even with the right basis', async () => {
      await using database = await createDatabase()
      await using connection = await connect(database)
      await run(connection, [migrationOf(database, '001-a')], FRESH)

      const result = await run(connection, [migrationOf(database, '001-a')], digestHistory(await historyOf(connection)))

      expect(result).toEqual({ kind: 'stale' })
      expect(await database.effects()).toEqual(['001-a'])
    })

    test('a failing step is rolled back alone: those before it stay, those after it are not run', async () => {
      await using database = await createDatabase()
      const events: RunEvent[] = []
      await using connection = await connect(database, { emit: (event) => void events.push(event) })

      const result = await run(
        connection,
        [migrationOf(database, '001-a'), migrationOf(database, '002-b', 'fails'), migrationOf(database, '003-c')],
        FRESH,
      )

      expect(result).toMatchObject({
        kind: 'failed',
        done: [{ name: '001-a' }],
        failed: { name: '002-b', error: { code: 'migration/failed', environment: 'dev' } },
      })
      expect(await database.effects()).toEqual(['001-a'])
      expect((await historyOf(connection)).map((row) => row.name)).toEqual(['001-a'])
      expect(events.filter(({ type }) => type === 'migration-failed')).toEqual([
        { type: 'migration-failed', environment: 'dev', migration: '002-b' },
      ])
    })

    test('a first step that fails leaves a prepared database without rows', async () => {
      await using database = await createDatabase()
      await using connection = await connect(database)

      const result = await run(connection, [migrationOf(database, '001-a', 'fails')], FRESH)

      expect(result).toMatchObject({ kind: 'failed', done: [], failed: { name: '001-a' } })
      expect(await connection.read()).toMatchObject({ initialisedAs: 'dev', history: [], lockHolder: null })
      expect(await database.effects()).toEqual([])
    })

    test('what failed can be mended and run again, over the same connection', async () => {
      await using database = await createDatabase()
      await using connection = await connect(database)
      await run(connection, [migrationOf(database, '001-a'), migrationOf(database, '002-b', 'fails')], FRESH)
      const mended = migrationOf(database, '002-b', 'works')

      const result = await run(
        connection,
        [mended, migrationOf(database, '003-c')],
        digestHistory(await historyOf(connection)),
      )

      expect(result).toMatchObject({ kind: 'done', done: [{ name: '002-b' }, { name: '003-c' }] })
      expect(await database.effects()).toEqual(['001-a', '002-b', '003-c'])
      expect(byName(await historyOf(connection))[1]?.checksum).toBe(mended.checksum)
    })
  })

  describe(`the ${name} driver: the lock`, () => {
    test('the history under the lock holds what another run has just done', async () => {
      await using database = await createDatabase()
      await using one = await connect(database)
      await using two = await connect(database)
      await two.read()
      await run(one, [migrationOf(database, '001-a')], FRESH)

      const history = await two.withLock((locked) => locked.history())

      expect(history).toMatchObject([{ name: '001-a', status: 'applied' }])
    })

    test('while one run holds the lock another does nothing, and says so when its patience ends', async () => {
      await using database = await createDatabase()
      await using holder = await connect(database)
      await using other = await connect(database, { limits: { lockWaitMs: 150 } })
      await other.read()

      await holder.withLock(async (locked) => {
        await locked.history()
        expect((await other.read()).lockHolder).toMatch(/./)
        const held = { code: 'lock/held', environment: 'dev' }
        await expect(run(other, [migrationOf(database, '001-a')], FRESH)).rejects.toMatchObject(held)
        await expect(other.withLock((second) => second.history())).rejects.toMatchObject(held)
        await expect(other.prepare({ rename: false })).rejects.toMatchObject(held)
      })

      expect(await database.effects()).toEqual([])
      expect(await other.read()).toMatchObject({ initialisedAs: null, lockHolder: null })
    })

    test('a run that waits for the lock goes on when the lock becomes free', async () => {
      await using database = await createDatabase()
      const { whenHeard, emit } = listenFor('waiting')
      await using holder = await connect(database)
      await using other = await connect(database, { emit })

      const { result } = await holder.withLock(async (locked) => {
        await locked.history()
        const running = run(other, [migrationOf(database, '001-a')], FRESH)
        await whenHeard
        expect(await database.effects()).toEqual([])
        return { result: running }
      })

      expect(await result).toMatchObject({ kind: 'done', done: [{ name: '001-a' }] })
      expect(await database.effects()).toEqual(['001-a'])
    })

    /** Each way in which work under the lock can end; afterwards the lock is free although the connection stays open. */
    const ends: Record<string, (connection: Connection, database: Database) => Promise<unknown>> = {
      'its work returned': (connection) => connection.withLock((locked) => locked.history()),
      'its work threw': (connection) =>
        connection
          .withLock(async (locked) => {
            await locked.history()
            throw new Error('thrown by the work')
          })
          .catch((cause: unknown) => expect(cause).toMatchObject({ message: 'thrown by the work' })),
      'its run was done': (connection, database) => run(connection, [migrationOf(database, '001-a')], FRESH),
      'its run failed': (connection, database) => run(connection, [migrationOf(database, '001-a', 'fails')], FRESH),
      'its run was stale': (connection, database) =>
        run(connection, [migrationOf(database, '001-a')], digestHistory([rowOf('000-x')])),
      'its run was stale later': async (connection, database) => {
        await run(connection, [migrationOf(database, '001-a')], FRESH)
        await run(connection, [migrationOf(database, '002-b')], FRESH)
      },
      'it was prepared': (connection) => connection.prepare({ rename: false }),
    }
    test.each(Object.entries(ends))('the lock is free after %s', async (_, end) => {
      await using database = await createDatabase()
      await using holder = await connect(database)
      await end(holder, database)
      await using other = await connect(database, { limits: { lockWaitMs: 0 } })

      expect((await other.read()).lockHolder).toBeNull()
      await expect(other.withLock((locked) => locked.history())).resolves.toBeInstanceOf(Array)
    })

    test('the lock is held between the runs of one piece of work, and a prepare that had to wait does not fake it', async () => {
      await using database = await createDatabase()
      const { whenHeard, emit } = listenFor('waiting')
      await using first = await connect(database)
      await using second = await connect(database, { emit })
      const { prepared } = await first.withLock(async (locked) => {
        await locked.history()
        const preparing = second.prepare({ rename: false })
        await whenHeard
        return { prepared: preparing }
      })
      expect(await prepared).toBe(true)
      await using other = await connect(database, { limits: { lockWaitMs: 0 } })

      await second.withLock(async (locked) => {
        await locked.history()
        await expect(other.withLock((third) => third.history())).rejects.toMatchObject({ code: 'lock/held' })
      })
    })

    test('eight runs at once bring twenty migrations in, each exactly once', async () => {
      await using database = await createDatabase()
      const files = Array.from({ length: 20 }, (_, index) =>
        migrationOf(database, `${String(index + 1).padStart(3, '0')}-m`),
      )

      const outcomes = await Promise.all(
        Array.from({ length: 8 }, async () => {
          await using connection = await connect(database)
          const plan = (history: readonly AppliedMigration[]): ReturnType<typeof planSync> =>
            planSync('dev', files, history, { allow: new Set() })
          return syncTarget(connection, plan((await connection.read()).history), plan, () => {})
        }),
      )

      expect(await database.effects()).toEqual(files.map((file) => file.name))
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual([
        'applied',
        ...Array.from({ length: 7 }, () => 'up-to-date'),
      ])
    })
  })

  describe(`the ${name} driver: when it is broken off`, () => {
    /** 001-a works, 002-b waits in the database, 003-c works. */
    function threeSteps(database: Database): readonly Migration[] {
      return [migrationOf(database, '001-a'), migrationOf(database, '002-b', 'waits'), migrationOf(database, '003-c')]
    }

    test('a connection lost in the middle of a migration: it was rolled back, and is run again', async () => {
      await using database = await createDatabase()
      await using connection = await connect(database)

      const running = run(connection, threeSteps(database), FRESH)
      await database.whenWaiting()
      await database.terminate()
      await database.release()

      expect(await running).toMatchObject({
        kind: 'done',
        done: [{ name: '001-a' }, { name: '002-b' }, { name: '003-c' }],
      })
      expect(await database.effects()).toEqual(['001-a', '002-b', '003-c'])
      expect(await historyOf(connection)).toHaveLength(3)
    })

    test('a connection lost before the commit is heard of: the migration counts as applied, and is not run again', async () => {
      await using database = await createDatabase()
      const applied: string[] = []
      await using connection = await connect(database, {
        emit: (event) => void (event.type === 'migration-applied' && applied.push(event.migration)),
      })

      const running = run(connection, threeSteps(database), FRESH)
      await database.whenWaiting()
      await database.commitUnheard('002-b')

      expect(await running).toMatchObject({
        kind: 'done',
        done: [{ name: '001-a' }, { name: '002-b' }, { name: '003-c' }],
      })
      expect(await database.effects()).toEqual(['001-a', '002-b', '003-c'])
      expect(applied).toEqual(['001-a', '002-b', '003-c'])
    })

    test('a connection lost again and again: the run ends as failed, and the migration is not applied', async () => {
      await using database = await createDatabase()
      await using connection = await connect(database)

      const running = run(connection, threeSteps(database), FRESH)
      for (let time = 0; time < 4; time++) {
        await database.whenWaiting()
        await database.terminate()
      }

      expect(await running).toMatchObject({
        kind: 'failed',
        done: [{ name: '001-a' }],
        failed: { name: '002-b', error: { code: 'connection/lost', environment: 'dev' } },
      })
      expect(await database.effects()).toEqual(['001-a'])
    })

    test('a connection lost for the last time that is tried, with the commit through: it counts as applied', async () => {
      await using database = await createDatabase()
      await using connection = await connect(database)

      const running = run(connection, threeSteps(database).slice(0, 2), FRESH)
      for (let time = 0; time < 3; time++) {
        await database.whenWaiting()
        await database.terminate()
      }
      await database.whenWaiting()
      await database.commitUnheard('002-b')

      expect(await running).toMatchObject({ kind: 'done', done: [{ name: '001-a' }, { name: '002-b' }] })
      expect(await database.effects()).toEqual(['001-a', '002-b'])
    })

    test.each([
      ['committed', ['001-a', '002-b']],
      ['rolled back', ['001-a']],
    ] as const)('a database that does not come back: unknown, and it was %s', async (fate, effects) => {
      await using database = await createDatabase()
      await using connection = await connect(database, { limits: { recoverWaitMs: 500 } })

      const running = run(connection, threeSteps(database).slice(0, 2), FRESH)
      await database.whenWaiting()
      database.setReachable(false)
      if (fate === 'committed') await database.commitUnheard('002-b')
      else await database.terminate()

      expect(await running).toMatchObject({
        kind: 'unknown',
        done: [{ name: '001-a' }],
        failed: { name: '002-b', error: { code: 'outcome/unknown', environment: 'dev' } },
      })
      database.setReachable(true)
      await using later = await connect(database)
      expect(byName((await later.read()).history).map((row) => row.name)).toEqual(effects)
      expect(await database.effects()).toEqual(effects)
    })

    test('an interrupted run rolls back what is under way, keeps what is done, and gives the lock back', async () => {
      await using database = await createDatabase()
      const interruption = new AbortController()
      await using connection = await connect(database, { signal: interruption.signal })

      const running = run(connection, threeSteps(database), FRESH)
      await database.whenWaiting()
      interruption.abort()

      expect(await running).toMatchObject({
        kind: 'failed',
        done: [{ name: '001-a' }],
        failed: { name: '002-b', error: { code: 'run/interrupted', environment: 'dev' } },
      })
      expect(await database.effects()).toEqual(['001-a'])
      await using other = await connect(database, { limits: { lockWaitMs: 0 } })
      expect((await other.read()).history).toMatchObject([{ name: '001-a' }])
      await expect(other.withLock((locked) => locked.history())).resolves.toHaveLength(1)
    })

    test('a run that is interrupted before it begins does nothing', async () => {
      await using database = await createDatabase()
      const before = await database.contents()
      const interruption = new AbortController()
      await using connection = await connect(database, { signal: interruption.signal })
      interruption.abort()

      expect(await run(connection, [migrationOf(database, '001-a')], FRESH)).toMatchObject({
        kind: 'failed',
        done: [],
        failed: { name: '001-a', error: { code: 'run/interrupted' } },
      })
      expect(await database.contents()).toBe(before)
    })

    test('a run that is interrupted while it waits for the lock ends at once, with nothing done', async () => {
      await using database = await createDatabase()
      const interruption = new AbortController()
      await using holder = await connect(database)
      await using other = await connect(database, {
        signal: interruption.signal,
        emit: (event) => void (event.type === 'waiting' && interruption.abort()),
      })

      await holder.withLock(async (locked) => {
        await locked.history()
        await expect(run(other, [migrationOf(database, '001-a')], FRESH)).rejects.toMatchObject({
          code: 'run/interrupted',
        })
      })

      expect(await database.effects()).toEqual([])
    })
  })
}

function run(connection: Connection, migrations: readonly Migration[], basis: string): Promise<RunResult> {
  const steps = migrations.map((migration): Step => ({ kind: 'apply', migration }))
  return connection.withLock((locked) => locked.run(steps, basis))
}

async function historyOf(connection: Connection): Promise<readonly AppliedMigration[]> {
  return (await connection.read()).history
}

function byName(history: readonly AppliedMigration[]): readonly AppliedMigration[] {
  return history.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function listenFor(type: RunEvent['type']): { readonly whenHeard: Promise<void>; readonly emit: Emit } {
  let hear = (): void => {}
  const whenHeard = new Promise<void>((resolve) => (hear = resolve))
  return { whenHeard, emit: (event) => void (event.type === type && hear()) }
}

function rowOf(name: string): AppliedMigration {
  return {
    name,
    checksum: 'sha256:0',
    status: 'applied',
    appliedAt: new Date(0),
    durationMs: 0,
    appliedBy: 'suite',
    runId: null,
  }
}
