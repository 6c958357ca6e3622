import { describe, expect, test } from 'vitest'
import { digestHistory } from '../../src/core/history.ts'
import type { Migration } from '../../src/core/migration.ts'
import { FRESH, byName, historyOf, run } from './suite.ts'
import type { ContractDatabase, Suite } from './suite.ts'

/** What a driver says and does when a run is broken off. */
export function describeLoss<Endpoint>({ name, createDatabase, connect, migrationOf }: Suite<Endpoint>): void {
  type Database = ContractDatabase<Endpoint>

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

    test('a connection lost while somebody changes what is done: nothing more is run', async () => {
      await using database = await createDatabase()
      await using connection = await connect(database)

      const running = run(connection, threeSteps(database), FRESH)
      await database.whenWaiting()
      await database.tamper('001-a', 'sha256:another')
      await database.terminate()
      await database.release()

      expect(await running).toMatchObject({ kind: 'stale', done: [{ name: '001-a' }] })
      expect(await database.effects()).toEqual(['001-a'])
    })

    test('a connection lost while somebody changes what the plan was made from: nothing more is run', async () => {
      await using database = await createDatabase()
      await using connection = await connect(database)
      const [first, ...others] = threeSteps(database)
      if (first === undefined) throw new Error('no first migration')
      await run(connection, [first], FRESH)

      await using other = await connect(database)
      const running = run(other, others, digestHistory(await historyOf(other)))
      await database.whenWaiting()
      await database.tamper('001-a', 'sha256:another')
      await database.commitUnheard('002-b')

      // What was under way is heard of all the same, and in some engines all that was sent with it.
      const { kind, done } = await running
      expect({ kind, first: done[0]?.name }).toEqual({ kind: 'stale', first: '002-b' })
      expect(await database.effects()).toEqual(['001-a', ...done.map(({ name: migration }) => migration)])
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
