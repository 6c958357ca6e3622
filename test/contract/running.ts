import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { RunEvent } from '../../src/core/event.ts'
import { digestHistory } from '../../src/core/history.ts'
import { FRESH, byName, historyOf, rowOf, run } from './suite.ts'
import type { Suite } from './suite.ts'

/** How a driver runs steps. */
export function describeRunning<Endpoint>({ name, createDatabase, connect, migrationOf }: Suite<Endpoint>): void {
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
          step: null,
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

      expect(await run(connection, [migrationOf(database, '002-b')], FRESH)).toEqual({ kind: 'stale', done: [] })
      expect(await run(connection, [migrationOf(database, '001-a')], FRESH)).toEqual({ kind: 'stale', done: [] })
      expect(await database.contents()).toBe(before)
      expect(await database.effects()).toEqual(['001-a'])
    })

    test('a plan made from a row that was edited since is stale', async () => {
      await using database = await createDatabase()
      await using connection = await connect(database)
      await run(connection, [migrationOf(database, '001-a')], FRESH)
      const basis = digestHistory(await historyOf(connection))

      await database.tamper('001-a', 'sha256:edited')

      expect(await run(connection, [migrationOf(database, '002-b')], basis)).toEqual({ kind: 'stale', done: [] })
      expect(await database.effects()).toEqual(['001-a'])
    })

    test('a plan for a history on a database that is fresh is stale, and nothing is prepared', async () => {
      await using database = await createDatabase()
      const before = await database.contents()
      await using connection = await connect(database)

      const basis = digestHistory([rowOf('001-a')])

      expect(await run(connection, [migrationOf(database, '002-b')], basis)).toEqual({ kind: 'stale', done: [] })
      expect(await database.contents()).toBe(before)
    })

    test('a migration that is applied is never run again, even with the right basis', async () => {
      await using database = await createDatabase()
      await using connection = await connect(database)
      await run(connection, [migrationOf(database, '001-a')], FRESH)

      const result = await run(connection, [migrationOf(database, '001-a')], digestHistory(await historyOf(connection)))

      expect(result).toEqual({ kind: 'stale', done: [] })
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
}
