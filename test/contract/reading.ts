import { describe, expect, test } from 'vitest'
import { expectHistories } from '../../src/core/expected-history.ts'
import { byName, FRESH, historyOf, run } from './suite.ts'
import type { Suite } from './suite.ts'

/** What a driver reads, and how it prepares a database. */
export function describeReading<Endpoint>({ name, createDatabase, connect, migrationOf }: Suite<Endpoint>): void {
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

    test('a history that was expected says what its rows say, and one that was not expected is read', async () => {
      await using database = await createDatabase()
      const migrations = Array.from({ length: 120 }, (_, index) => migrationOf(database, `${index + 100}-a`))
      const expected = expectHistories(migrations)
      if (expected === null) throw new Error('nothing is expected')
      await using first = await connect(database)
      await run(first, migrations, FRESH)
      const essence = async (): Promise<unknown> => {
        await using connection = await connect(database, { expected: Promise.resolve(expected) })
        return byName(await historyOf(connection)).map((row) => [row.name, row.checksum, row.status])
      }
      const applied = migrations.map((migration) => [migration.name, migration.checksum, 'applied'])

      expect(await essence()).toEqual(applied)
      await database.tamper('150-a', 'sha256:edited')
      expect(await essence()).toEqual(
        applied.map((row) => (row[0] === '150-a' ? ['150-a', 'sha256:edited', 'applied'] : row)),
      )
    })

    test('a row that somebody edited is read as it is', async () => {
      await using database = await createDatabase()
      await using connection = await connect(database)
      await run(connection, [migrationOf(database, '001-a')], FRESH)

      await database.tamper('001-a', 'sha256:edited')

      expect(await historyOf(connection)).toMatchObject([{ name: '001-a', checksum: 'sha256:edited' }])
    })
  })
}
