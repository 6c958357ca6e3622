import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import { createDatabase, testServer } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

/* Files of more than 4 MB go to the server a piece at a time, past the client library. */

const ROWS = 40_000
/** Characters of one, two, three and four bytes, so that borders of pieces fall between and inside of them. */
const NOTE = 'plain é 数据 🎉 '.repeat(10)

function largeFile(last: string = ''): string {
  const inserts = Array.from({ length: ROWS }, (_, id) => `INSERT INTO bulk VALUES (${id}, '${NOTE}${id}');`)
  return `CREATE TABLE bulk (id int PRIMARY KEY, note text);\n${inserts.join('\n')}\n${last}`
}

async function expectWhole(database: TestDatabase): Promise<void> {
  expect(
    await database.query(
      `SELECT count(*)::int AS rows, count(*) FILTER (WHERE note = '${NOTE}' || id)::int AS right FROM bulk`,
    ),
  ).toEqual([{ rows: ROWS, right: ROWS }])
  expect(await database.query('SELECT migration_name, status FROM schema_migrations')).toEqual([
    { migration_name: '001-large', status: 'applied' },
  ])
}

test('a large file arrives byte for byte', async () => {
  await using database = await createDatabase('long')
  await using project = createProject({
    files: { 'database/001-large.sql': largeFile() },
    env: { DATABASE_URL: database.url },
  })

  const result = await project.run(['sync', '--yes'])

  expect(result).toMatchObject({ exitCode: 0 })
  await expectWhole(database)
})

test('an error at the end of a large file is found there, and nothing of the file stays', async () => {
  await using database = await createDatabase('long')
  await using project = createProject({
    files: { 'database/001-large.sql': largeFile("SELECT '🎉', nowhere;\n") },
    env: { DATABASE_URL: database.url },
  })

  const result = await project.run(['sync', '--yes', '--json'])

  expect(result.exitCode).toBe(1)
  expect(result.json()['environments']).toMatchObject([
    { failed: { name: '001-large', error: { code: '42703', line: ROWS + 2, column: 13 } } },
  ])
  expect(await database.query("SELECT to_regclass('bulk')::text AS bulk")).toEqual([{ bulk: null }])
})

test('a connection that is cut in the middle of a large file is taken up again, and the file applied once', async () => {
  await using database = await createDatabase('long')
  await using cutter = await createCutter(2_000_000)
  const address = new URL(database.url)
  address.port = `${cutter.port}`
  await using project = createProject({
    files: { 'database/001-large.sql': largeFile() },
    env: { DATABASE_URL: address.href },
  })

  const result = await project.run(['sync', '--yes'])

  expect(result).toMatchObject({ exitCode: 0 })
  expect(cutter.cuts()).toBe(1)
  await expectWhole(database)
})

/** A relay to the test server whose first connection breaks once the client has sent so many bytes. */
async function createCutter(bytes: number): Promise<AsyncDisposable & { readonly port: number; cuts(): number }> {
  let left = bytes
  let cuts = 0
  const relay = createServer((client) => {
    const server = connect({ port: testServer().port, host: '127.0.0.1' })
    client.on('data', (data) => {
      server.write(data)
      left -= data.length
      if (left > 0 || cuts > 0) return
      cuts++
      client.destroy()
      server.destroy()
    })
    server.pipe(client)
    client.on('end', () => server.end())
    for (const socket of [client, server]) socket.on('error', () => {})
    client.on('close', () => server.destroy())
    server.on('close', () => client.destroy())
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  const address = relay.address()
  if (address === null || typeof address === 'string') throw new Error('the relay has no port')
  return {
    port: address.port,
    cuts: () => cuts,
    async [Symbol.asyncDispose]() {
      relay.close()
    },
  }
}
