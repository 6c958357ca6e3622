import { describe, expect, test } from 'vitest'
import type { Connection } from '../../src/core/driver.ts'
import { digestHistory } from '../../src/core/history.ts'
import type { AppliedMigration } from '../../src/core/history.ts'
import { planSync } from '../../src/core/plan.ts'
import { syncTarget } from '../../src/runner/sync-target.ts'
import { FRESH, listenFor, rowOf, run } from './suite.ts'
import type { ContractDatabase, Suite } from './suite.ts'

/** That one run at a time works on a database. */
export function describeLock<Endpoint>({ name, createDatabase, connect, migrationOf }: Suite<Endpoint>): void {
  type Database = ContractDatabase<Endpoint>

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
          return await syncTarget(connection, plan((await connection.read()).history), plan, () => {})
        }),
      )

      expect(await database.effects()).toEqual(files.map((file) => file.name))
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual([
        'applied',
        ...Array.from({ length: 7 }, () => 'up-to-date'),
      ])
    })
  })
}
