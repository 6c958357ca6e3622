import postgres from 'postgres'
import { expect, test } from 'vitest'
import { createDatabase } from '../support/server.ts'

test('a test database is reached over TCP with its password and over the socket without one', async () => {
  await using database = await createDatabase()
  await database.query('CREATE TABLE note (id int); INSERT INTO note VALUES (1)')

  const sql = postgres(database.url, { max: 1 })
  try {
    expect(await sql`SELECT id FROM note`).toEqual([{ id: 1 }])
  } finally {
    await sql.end()
  }
  expect(await database.query('SELECT 1 AS a; SELECT id FROM note')).toEqual([{ id: 1 }])
})

test('TCP refuses a wrong password', async () => {
  await using database = await createDatabase()
  const sql = postgres(database.url, { max: 1, password: 'wrong' })
  await expect(sql`SELECT 1`).rejects.toMatchObject({ code: '28P01' })
})

test('a dropped database is gone even while somebody is connected to it', async () => {
  await using observer = await createDatabase()
  const database = await createDatabase()
  const sql = postgres(database.url, { max: 1, onclose: () => {} })
  await sql`SELECT 1`

  await database.drop()

  expect(await observer.query(`SELECT 1 FROM pg_database WHERE datname = '${database.name}'`)).toEqual([])
  await sql.end()
})
