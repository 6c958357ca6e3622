import postgres from 'postgres'
import { expect, test } from 'vitest'
import { postgresDriver } from '../../src/drivers/postgres/index.ts'
import { parsePostgresUrl } from '../../src/drivers/postgres/url.ts'
import { connectTo } from '../contract/suite.ts'
import { createProject } from '../support/cli.ts'
import type { CliResult, TestProject } from '../support/cli.ts'
import { createDeferred } from '../support/deferred.ts'
import { createCountingProxy } from '../support/proxy.ts'
import type { CountingProxy, CountingProxyOptions } from '../support/proxy.ts'
import { createDatabase, testServer } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

/*
 * How often the client waits for the server, login included: SCRAM without TLS is 3 flights (start-up, then two of
 * SASL), so 4 is a login and one question. The counts do not depend on the machine or on the network.
 */

const LOGIN = 3

test('the proxy counts one flight for each answer that a client waits for, and none for its goodbye', async () => {
  await using proxy = await createCountingProxy({ serverPort: testServer().port, roundTripMs: 4 })
  const { user, password, host } = testServer()
  const sql = postgres({ host, port: proxy.port, user, password, database: 'postgres', max: 1, fetch_types: false })
  const long = await sql
    .unsafe("SELECT string_agg(i::text, ',' ORDER BY i) AS list FROM generate_series(1, 300000) i")
    .simple()
  await sql.unsafe('SELECT 1; SELECT 2').simple()
  await sql.end()

  expect(long).toEqual([{ list: Array.from({ length: 300_000 }, (_, index) => index + 1).join(',') }])
  expect(proxy.connections.map(({ flights }) => flights)).toEqual([LOGIN + 2])
})

test('status is one connection and one flight after the login', async () => {
  await using bench = await createBench(['dev'])
  bench.addFiles(1, 20)
  await bench.succeed('sync', '--yes')
  bench.proxy.reset()

  await bench.succeed('status')

  expect(bench.flights()).toEqual([LOGIN + 1])
})

test('status asks every database at once', async () => {
  // Nobody is answered before all three have asked: who asks one after the other waits here until the time-out.
  await using bench = await createBench(['dev', 'staging', 'prod'], {
    isHeld: (connection, all) => connection.flights > LOGIN && all.filter(({ flights }) => flights > LOGIN).length < 3,
  })
  bench.addFiles(1, 2)

  await bench.succeed('status')

  expect(bench.flights()).toEqual([LOGIN + 1, LOGIN + 1, LOGIN + 1])
  expect(bench.proxy.mostOpen).toBe(3)
})

test('verify is two flights after the login, however many queries there are', async () => {
  await using bench = await createBench(['dev', 'prod'])
  bench.addFiles(1, 20, '-- verify: SELECT true\n-- verify: SELECT 1 = 1\n')
  await bench.succeed('sync', '--yes')
  bench.proxy.reset()

  await bench.succeed('verify')

  expect(bench.flights()).toEqual([LOGIN + 2, LOGIN + 2])
})

test('plan is one flight after the login, on a fresh database and on one with a history', async () => {
  await using bench = await createBench(['dev'])
  bench.addFiles(1, 2)

  await bench.succeed('plan')
  await bench.succeed('sync', '--yes')
  bench.addFiles(3, 2)
  await bench.succeed('plan')

  expect(bench.flights()).toEqual([LOGIN + 1, LOGIN + 2, LOGIN + 1])
})

test('sync with nothing pending is one flight after the login', async () => {
  await using bench = await createBench(['dev', 'prod'])
  bench.addFiles(1, 20)
  await bench.succeed('sync', '--yes')
  bench.proxy.reset()

  await bench.succeed('sync', '--yes')

  expect(bench.flights()).toEqual([LOGIN + 1, LOGIN + 1])
})

test.each([1, 10, 100])('sync of %i files is two flights after the login, first on a fresh database', async (files) => {
  await using bench = await createBench(['dev'])
  bench.addFiles(1, files)
  await bench.succeed('sync', '--yes')
  bench.addFiles(files + 1, files)
  await bench.succeed('sync', '--yes')

  expect(bench.flights()).toEqual([LOGIN + 2, LOGIN + 2])
  expect(await bench.countApplied('dev')).toBe(2 * files)
})

test('sync of 1,000 files is one flight for every hundred of them', async () => {
  await using bench = await createBench(['dev'])
  bench.addFiles(1, 1000)

  await bench.succeed('sync', '--yes')

  expect(bench.flights()).toEqual([LOGIN + 1 + 10])
  expect(await bench.countApplied('dev')).toBe(1000)
})

test('sync of two environments reads both at once, then writes one after the other', async () => {
  await using bench = await createBench(['dev', 'prod'], {
    isHeld: (connection, all) =>
      connection.flights === LOGIN + 1 && all.filter(({ flights }) => flights > LOGIN).length < 2,
  })
  bench.addFiles(1, 100)

  await bench.succeed('sync', '--yes')

  expect(bench.flights()).toEqual([LOGIN + 2, LOGIN + 2])
})

test('the login is under way while the files are read, and nothing is asked before they are known', async () => {
  await using database = await createDatabase('flights')
  await using proxy = await createCountingProxy({ serverPort: testServer().port })
  const url = new URL(database.url)
  url.port = `${proxy.port}`
  const parsed = parsePostgresUrl(url.href, { projectDir: process.cwd(), variable: () => undefined })
  if (!parsed.ok) throw new Error(parsed.message)
  const files = createDeferred<null>()
  const flights = (): readonly number[] => proxy.connections.map((connection) => connection.flights)

  const connecting = connectTo(postgresDriver, parsed.endpoint, { expected: files.promise })
  await expect.poll(flights).toEqual([LOGIN])
  files.resolve(null)
  await using _connection = await connecting

  expect(flights()).toEqual([LOGIN + 1])
})

test("time that we need for our files is not the server's delay", async () => {
  await using database = await createDatabase('flights')
  const parsed = parsePostgresUrl(database.url, { projectDir: process.cwd(), variable: () => undefined })
  if (!parsed.ok) throw new Error(parsed.message)
  const files = createDeferred<null>()
  const connectMs = 1_000

  const connecting = connectTo(postgresDriver, parsed.endpoint, { expected: files.promise, limits: { connectMs } })
  setTimeout(() => files.resolve(null), 1.5 * connectMs)
  await using connection = await connecting

  expect(await connection.read()).toMatchObject({ history: [] })
})

/** A project whose environments are fresh databases behind one proxy. */
interface Bench extends AsyncDisposable {
  readonly project: TestProject
  readonly proxy: CountingProxy
  /** Writes `count` migrations of one small table each, from version `from`, with `more` behind it. */
  addFiles(from: number, count: number, more?: string): void
  /** Runs the built command line; throws unless it ends with exit code 0. */
  succeed(...args: readonly string[]): Promise<CliResult>
  /** The flights of each connection, in the order in which they were opened. */
  flights(): readonly number[]
  countApplied(environment: string): Promise<unknown>
}

async function createBench(
  environments: readonly string[],
  options: Omit<CountingProxyOptions, 'serverPort'> = {},
): Promise<Bench> {
  const proxy = await createCountingProxy({ ...options, serverPort: testServer().port })
  const databases = new Map<string, TestDatabase>()
  for (const name of environments) databases.set(name, await createDatabase('flights'))
  const env = Object.fromEntries(
    [...databases].map(([name, { url }]) => {
      const address = new URL(url)
      address.port = `${proxy.port}`
      return [name === 'dev' ? 'DATABASE_URL' : `${name.toUpperCase()}_DATABASE_URL`, address.href]
    }),
  )
  const project = createProject({ env })
  return {
    project,
    proxy,
    addFiles(from, count, more = '') {
      for (let version = from; version < from + count; version++) {
        const digits = `${version}`.padStart(5, '0')
        const table = `CREATE TABLE t${digits} (id bigint PRIMARY KEY, note text);\n`
        project.write(`database/${digits}-table.sql`, `${table}${more}`)
      }
    },
    async succeed(...args) {
      const result = await project.run(args)
      if (result.exitCode !== 0) throw new Error(`${args[0]} ended with ${result.exitCode}: ${result.stderr}`)
      return result
    },
    flights: () => proxy.connections.map(({ flights }) => flights),
    async countApplied(environment) {
      const rows = await databases
        .get(environment)
        ?.query("SELECT count(*)::int AS applied FROM schema_migrations WHERE status = 'applied'")
      return rows?.[0]?.['applied']
    },
    async [Symbol.asyncDispose]() {
      await project[Symbol.asyncDispose]()
      await proxy[Symbol.asyncDispose]()
      for (const database of databases.values()) await database.drop()
    },
  }
}
