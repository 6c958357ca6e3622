import { expect, inject, test, vi } from 'vitest'
import { postgresDriver } from '../../src/drivers/postgres/index.ts'
import { parsePostgresUrl } from '../../src/drivers/postgres/url.ts'
import { connectTo as connectAs } from '../contract/suite.ts'
import { connectTo, prepareGround } from './arena.ts'
import { readReport } from './oracle.ts'
import { createFaultProxy } from './proxy.ts'
import { ATOMIC_ROLLBACK, FAILING, INIT, MIXED, REBUILD, ROLLBACK, SLOW_COMMIT, TRANSACTIONAL } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import { createJudge, tryCase } from './trial.ts'
import type { FaultCase, TrialReport } from './trial.ts'

/*
 * What the campaigns have found, each by its name. Each database that is read is one COMMIT and one query of the client,
 * so with two of them the third is the first of the work itself.
 */

/** The first commit of the work itself, as the server says it. */
const FIRST_COMMIT = { message: 'server: C (complete COMMIT)', time: 3 }

test('init whose connection is lost at the commit looks again instead of saying that it failed', async () => {
  const { violations, sayings } = await tryOnce(INIT, { strike: { at: FIRST_COMMIT, fault: 'before' } })
  expect(violations).toEqual([])
  expect(readReport(sayings[0]?.stdout ?? '')).toMatchObject({
    status: 'applied',
    environments: [
      { name: 'dev', status: 'initialised' },
      { name: 'prod', status: 'initialised' },
    ],
  })
})

test('a connection that is lost for good before anything of a migration is sent: failed, and not unknown', async () => {
  // The third query is all files at once, which does not parse; the fourth is the opening alone.
  const strike = { at: { message: 'client: Q (query)', time: 4 }, fault: 'gone' } as const
  const { violations, sayings } = await tryOnce(FAILING, { strike, isImpatient: true })
  expect(violations).toEqual([])
  expect(sayings[0]?.exitCode).toBe(1)
  expect(readReport(sayings[0]?.stdout ?? '')).toMatchObject({
    status: 'failed',
    environments: [{ name: 'dev', failed: { name: '001-good', error: { code: 'connection/lost' } } }, { name: 'prod' }],
  })
})

test('a migration of steps whose connection is lost for good is not said to be applied as a whole or not at all', async () => {
  const strike = { at: { message: 'server: C (complete CREATE INDEX)', time: 1 }, fault: 'gone' } as const
  const { violations, sayings } = await tryOnce(MIXED, { strike, isImpatient: true })
  expect(violations).toEqual([])
  expect(sayings[0]?.exitCode).toBe(7)
  expect(sayings[0]?.stdout).toContain(
    'It is carried out step by step, and how many of its steps are done is not known.',
  )
})

test('what is applied already is said, also when the run cannot go on after a lost connection', async () => {
  const server = inject('server')
  await using ground = await prepareGround(server, MIXED)
  await using arena = await ground.open()
  const admin = connectTo(server, 'postgres', 1)
  const judge = createJudge(ground, arena)
  await judge.look('before')
  // As a failover to a replica: 001 is applied, and when 002 is to be claimed, the database is read-only.
  const strike = {
    at: { message: 'client: Q (query)', time: 4 },
    fault: async (pid: number) => {
      await admin.unsafe(`ALTER DATABASE ${arena.databases[0]} SET default_transaction_read_only = on`)
      await admin`SELECT pg_terminate_backend(${pid}, 10000)`
    },
  }
  const proxy = await createFaultProxy(server.port, strike)
  const said = await arena.run({ port: proxy.port })
  await proxy[Symbol.asyncDispose]()
  await judge.hear('after the first run', said)
  await admin.unsafe(`ALTER DATABASE ${arena.databases[0]} RESET default_transaction_read_only`)
  await admin.end()

  expect((await judge.rerun()).violations).toEqual([])
  expect([said.exitCode, readReport(said.stdout)?.environments?.[0]]).toMatchObject([
    1,
    { status: 'failed', done: [{ name: '001-first' }], failed: { name: '002-index', error: { code: '25006' } } },
  ])
})

test('a REINDEX that was cut off leaves nothing at the table that holds the long values either', async () => {
  await using ground = await prepareGround(inject('server'), REBUILD)
  await using arena = await ground.open(['dev'])
  const judge = createJudge(ground, arena)
  await judge.look('before')
  const other = connectTo(inject('server'), arena.databases[0] ?? '', 1)
  const admin = connectTo(inject('server'), 'postgres', 1)
  // It holds a lock for which the rebuild waits in its middle, until it runs into lock_timeout.
  await other.unsafe("BEGIN; INSERT INTO item VALUES (0, '', '')").simple()
  const running = arena.run({})
  await vi.waitFor(
    async () => {
      const { dev } = await arena.look()
      expect(dev?.brokenIndexes).toContainEqual(expect.stringMatching(/^pg_toast.*_ccnew$/))
      const busy = await admin`SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'REINDEX%'`
      expect(busy).toHaveLength(0)
    },
    { timeout: 20_000, interval: 10 },
  )
  await other.unsafe('ROLLBACK').simple()
  await other.end()
  await admin.end()
  await judge.hear('after the run', await running)

  expect((await judge.rerun()).violations).toEqual([])
})

test('an interruption between two steps says how many are done, and not that all was rolled back', async () => {
  // 003 is at its second step, which the interruption may come too late for; the first marker is there for good.
  const { violations, sayings } = await tryOnce(MIXED, { env: { MM_FAULT: 'looked:2:SIGTERM' } })
  expect(violations).toEqual([])
  expect(sayings[0]?.exitCode).toBe(143)
  expect(readReport(sayings[0]?.stdout ?? '')?.environments?.[0]).toMatchObject({
    status: 'failed',
    failed: { name: '003-both', error: { hint: expect.stringMatching(/^Steps 1 to [12] of 3 are done/) } },
  })
})

test('an interruption at a commit whose connection is lost as well is no defect: the history decides', async () => {
  // The cancel hits the commit itself; the fourth query is the first of those that look what became of it.
  const strike = { at: { message: 'client: Q (query)', time: 4 }, fault: 'before' } as const
  const { violations, sayings } = await tryOnce(SLOW_COMMIT, { strike, env: { MM_FAULT: 'ending:1:SIGTERM' } })
  expect(violations).toEqual([])
  expect(sayings[0]?.exitCode).toBe(143)
  expect(sayings[0]?.stdout).not.toContain('internal/unexpected')
})

test('a cancel that comes behind the last commit has not made anything fail', async () => {
  await using ground = await prepareGround(inject('server'), TRANSACTIONAL)
  const { trace } = await tryCase(ground, {})
  // The last answer to the third query, which is all that dev needs: the lock is given back.
  const query = trace.findIndex(
    (line, index) => line.includes('Q (query)') && countQueries(trace.slice(0, index)) === 2,
  )
  const end = trace.findIndex((line, index) => index > query && line.includes('Z (ready)'))
  const { violations, sayings } = await tryCase(ground, { strike: { at: end, fault: 'cancelled' } })
  expect(violations).toEqual([])
  expect(sayings.map(({ exitCode }) => exitCode)).toEqual([0])
})

test('init that is interrupted before it reaches an environment does not end as if it were done', async () => {
  // The handler of the signal runs when the first environment is prepared, at the latest.
  const { violations, sayings } = await tryOnce(INIT, { env: { MM_FAULT: 'read:2:SIGTERM' } })
  expect(violations).toEqual([])
  expect(sayings[0]?.exitCode).toBe(143)
})

test('a rollback that is cut off says to run it again, and not to sync, which would apply what has to go', async () => {
  // Still at work when the interruption comes, which the first answer brings about.
  const slowFile = `SELECT pg_catalog.pg_sleep(1);\n${ROLLBACK.files['004-from-a-dump.down.sql']}`
  const slowRollback = { ...ROLLBACK, files: { ...ROLLBACK.files, '004-from-a-dump.down.sql': slowFile } }
  const interrupted = await tryOnce(slowRollback, { env: { MM_FAULT: 'statement:2:SIGTERM' } })
  const lost = await tryOnce(ATOMIC_ROLLBACK, { strike: { at: FIRST_COMMIT, fault: 'before' } })
  const strike = { at: FIRST_COMMIT, fault: 'gone' } as const
  const unknown = await tryOnce(ROLLBACK, { strike, isImpatient: true })

  expect([...interrupted.violations, ...lost.violations, ...unknown.violations]).toEqual([])
  const hints = [interrupted, lost, unknown].map(
    ({ sayings }) =>
      readReport(sayings[0]?.stdout ?? '')?.environments?.find(({ failed }) => failed !== null)?.failed?.error,
  )
  expect(hints).toMatchObject([
    { code: 'run/interrupted', hint: expect.stringContaining('Run the same command again') },
    { code: 'connection/lost', hint: expect.stringContaining('run the same command again') },
    { code: 'outcome/unknown', hint: expect.stringContaining('It took effect as a whole or not at all.') },
  ])
})

test('an interruption before the first connection is one error and not one more for each environment', async () => {
  const { password, port } = inject('server')
  const url = parsePostgresUrl(`postgres://postgres:${password}@127.0.0.1:${port}/postgres`, { projectDir: '/nowhere' })
  if (!url.ok) throw new Error(url.message)
  // vitest fails for an error that nobody catches: the socket used to emit one.
  await expect(
    connectAs(postgresDriver, url.endpoint, { signal: AbortSignal.abort(new Error('interrupted')) }),
  ).rejects.toMatchObject({ code: 'connection/lost' })
  await new Promise((resolve) => setImmediate(resolve))
})

function countQueries(trace: readonly string[]): number {
  return trace.filter((line) => line.includes('Q (query)')).length
}

async function tryOnce(scenario: Scenario, faultCase: FaultCase): Promise<TrialReport> {
  await using ground = await prepareGround(inject('server'), scenario)
  return await tryCase(ground, faultCase)
}
