import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { collect, createProject } from '../support/cli.ts'
import type { TestProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const SESSIONS = `SELECT pid, wait_event FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'migration-manager'`
const LOCKS = `SELECT pid FROM pg_locks WHERE locktype = 'advisory'
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
const HISTORY = 'SELECT migration_name, status FROM schema_migrations ORDER BY migration_name'
const TABLES = `SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
  AND relname NOT LIKE 'schema_migrations%' ORDER BY relname`

const SLOW = 'CREATE TABLE b (id int);\nSELECT pg_sleep(120);\nCREATE TABLE never (id int);\n'

function createSlowProject(env: Readonly<Record<string, string>>): TestProject {
  return createProject({
    files: {
      'database/1-a.sql': 'CREATE TABLE a (id int);\n',
      'database/2-b.sql': SLOW,
      'database/3-c.sql': 'CREATE TABLE c (id int);\n',
    },
    env,
  })
}

async function whenSleeping(database: TestDatabase): Promise<void> {
  await vi.waitFor(async () => expect(await database.query(`${SESSIONS} AND wait_event = 'PgSleep'`)).toHaveLength(1), {
    timeout: 20_000,
    interval: 50,
  })
}

/** No session of ours is left, and no lock that a session held. */
async function whenGone(database: TestDatabase): Promise<void> {
  await vi.waitFor(async () => expect(await database.query(SESSIONS)).toEqual([]), { timeout: 15_000, interval: 50 })
  expect(await database.query(LOCKS)).toEqual([])
}

/** Makes the slow file quick; it was never recorded, so it may still be edited. */
async function finish(project: TestProject, databases: readonly TestDatabase[]): Promise<void> {
  project.write('database/2-b.sql', 'CREATE TABLE b (id int);\n')
  const { exitCode, stdout } = await project.run(['sync', '--yes'])
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 })
  for (const database of databases) {
    expect(await database.query(TABLES)).toEqual([{ relname: 'a' }, { relname: 'b' }, { relname: 'c' }])
    expect(await database.query(HISTORY)).toEqual(
      ['1-a', '2-b', '3-c'].map((name) => ({ migration_name: name, status: 'applied' })),
    )
  }
}

describe.for([
  { signal: 'SIGINT', code: 130 },
  { signal: 'SIGTERM', code: 143 },
] as const)('$signal in the middle of a statement', ({ signal, code }) => {
  test(`ends with ${code}: it is rolled back, what was done stays, and a second run completes`, async () => {
    await using dev = await createDatabase('dev')
    await using staging = await createDatabase('staging')
    await using project = createSlowProject({ DATABASE_URL: dev.url, STAGING_DATABASE_URL: staging.url })
    const child = project.start(['sync', '--yes'])
    const running = collect(child)
    await whenSleeping(dev)

    child.kill(signal)
    const { exitCode, stdout, stderr } = await running

    expect(exitCode).toBe(code)
    expect(stderr).toContain('Interrupted: cancelling what is under way.')
    expect(stdout).toContain('run/interrupted')
    expect(stdout).toContain('What was under way was rolled back. Run the same command again to go on.')
    expect(stdout).toMatch(/dev +1 migration applied in \d+ ms, 2-b rolled back, 1 migration left/)
    expect(stdout).toMatch(/staging +not reached, 3 migrations left/)
    await whenGone(dev)
    await whenGone(staging)
    expect(await dev.query(TABLES)).toEqual([{ relname: 'a' }])
    expect(await dev.query(HISTORY)).toEqual([{ migration_name: '1-a', status: 'applied' }])
    expect(await staging.query(`SELECT to_regclass('schema_migrations') AS history`)).toEqual([{ history: null }])
    await finish(project, [dev, staging])
  })

  test('says so in one JSON object', async () => {
    await using dev = await createDatabase('dev')
    await using project = createSlowProject({ DATABASE_URL: dev.url })
    const child = project.start(['sync', '--json'])
    const running = collect(child)
    await whenSleeping(dev)

    child.kill(signal)
    const result = await running

    expect(result.exitCode).toBe(code)
    expect(result.json()).toMatchObject({
      status: 'failed',
      environments: [
        {
          name: 'dev',
          status: 'failed',
          done: [{ name: '1-a' }],
          failed: { name: '2-b', error: { code: 'run/interrupted' } },
          left: [{ name: '3-c' }],
        },
      ],
    })
    expect(await dev.query(HISTORY)).toEqual([{ migration_name: '1-a', status: 'applied' }])
  })
})

test('an interruption of sync --atomic is not logged as a failed attempt', async () => {
  await using dev = await createDatabase('dev')
  await using project = createSlowProject({ DATABASE_URL: dev.url })
  await project.run(['sync', '--to', '1'])
  const child = project.start(['sync', '--atomic', '--json'])
  const running = collect(child)
  await whenSleeping(dev)

  child.kill('SIGINT')
  const result = await running

  expect(result).toMatchObject({ exitCode: 130 })
  expect(result.json()).toMatchObject({
    environments: [{ name: 'dev', status: 'failed', failed: { name: '2-b', error: { code: 'run/interrupted' } } }],
  })
  await whenGone(dev)
  expect(await dev.query("SELECT event FROM schema_migrations_log WHERE event = 'fail'")).toEqual([])
  await finish(project, [dev])
})

test('kill -9 in the middle of a statement: it is rolled back, and a second run waits for that and completes', async () => {
  await using dev = await createDatabase('dev')
  await using project = createSlowProject({ DATABASE_URL: dev.url })
  const child = project.start(['sync'])
  const running = collect(child)
  await whenSleeping(dev)

  child.kill('SIGKILL')
  const { exitCode } = await running

  expect(exitCode).toBeNull()
  expect(await dev.query(TABLES)).toEqual([{ relname: 'a' }])
  await finish(project, [dev])
  await whenGone(dev)
})

test('an interruption while another run holds the lock ends at once, with nothing written', async () => {
  await using dev = await createDatabase('dev')
  await using project = createSlowProject({ DATABASE_URL: dev.url })
  const first = project.start(['sync'])
  const holding = collect(first)
  await whenSleeping(dev)
  await using other = createProject({
    files: {
      'database/1-a.sql': 'CREATE TABLE a (id int);\n',
      'database/9-z.sql': 'CREATE TABLE z (id int);\n',
    },
    env: { DATABASE_URL: dev.url },
  })
  const second = other.start(['sync'])
  let said = ''
  second.stderr.on('data', (text: string) => (said += text))
  const waiting = collect(second)
  await vi.waitFor(() => expect(said).toContain('another run is at work'), { timeout: 20_000, interval: 50 })

  second.kill('SIGINT')
  const { exitCode } = await waiting

  expect(exitCode).toBe(130)
  expect(await dev.query(HISTORY)).toEqual([{ migration_name: '1-a', status: 'applied' }])
  expect(await dev.query(SESSIONS)).toHaveLength(1)
  first.kill('SIGINT')
  expect((await holding).exitCode).toBe(130)
  await whenGone(dev)
})

test('a second signal leaves at once, and the database rolls back by itself', async () => {
  await using dev = await createDatabase('dev')
  await using project = createProject({
    // PL/pgSQL lets a cancel be caught by its name: this loop goes on until its client is gone.
    files: {
      'database/1-stubborn.sql': `CREATE TABLE b (id int);
DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(120); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$;\n`,
    },
    env: { DATABASE_URL: dev.url },
  })
  const child = project.start(['sync'])
  let said = ''
  child.stderr.on('data', (text: string) => (said += text))
  const running = collect(child)
  await whenSleeping(dev)

  child.kill('SIGINT')
  await vi.waitFor(() => expect(said).toContain('Again to leave at once.'), { timeout: 10_000, interval: 20 })
  // Signals within half a second are one: npx hands on the ^C that the terminal has sent already.
  const again = setInterval(() => child.kill('SIGINT'), 100)
  const { exitCode } = await running
  clearInterval(again)

  expect(exitCode).toBe(130)
  await whenGone(dev)
  expect(await dev.query(TABLES)).toEqual([])
  expect(await dev.query(HISTORY)).toEqual([])
})

test('an interruption while a server does not answer the login ends at once, with nothing written', async () => {
  await using dev = await createDatabase('dev')
  const sockets: Socket[] = []
  const silent = createServer((socket) => sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const address = silent.address()
  const port = typeof address === 'object' ? address?.port : undefined
  try {
    await using project = createSlowProject({
      DATABASE_URL: dev.url,
      STAGING_DATABASE_URL: `postgres://someone:something@127.0.0.1:${port}/staging`,
    })
    const child = project.start(['sync', '--yes', '--json'])
    const running = collect(child)
    await vi.waitFor(() => expect(sockets).toHaveLength(1), { timeout: 20_000, interval: 20 })
    const since = performance.now()

    child.kill('SIGINT')
    const result = await running

    expect(result.exitCode).toBe(130)
    // Well before the ten seconds that a login may take.
    expect(performance.now() - since).toBeLessThan(5_000)
    expect(result.json()).toMatchObject({ status: 'error', error: { code: 'run/interrupted' } })
    await whenGone(dev)
    expect(await dev.query(TABLES)).toEqual([])
    expect(await dev.query(`SELECT to_regclass('schema_migrations') AS history`)).toEqual([{ history: null }])
  } finally {
    for (const socket of sockets) socket.destroy()
    silent.close()
  }
})

describe.for([
  { args: ['status'], why: 'while it read the environments' },
  { args: ['check', '--reversible'], why: 'while the embedded PostgreSQL server of rehearsal started' },
])('^C while $args make an embedded server', ({ args, why }) => {
  test('is an interruption, not a defect', async () => {
    await using project = createProject({
      files: { 'database/1-a.sql': 'CREATE TABLE a (id int);\n' },
      env: { DATABASE_URL: 'embedded:dev' },
    })
    const child = project.start([...args, '--json'])
    const running = collect(child)
    child.stderr.on('data', (text: string) => {
      if (text.includes('creating the embedded PostgreSQL server')) child.kill('SIGINT')
    })

    const result = await running
    // The server's supervisor ends what it has begun; the folder cannot be removed under it.
    await vi.waitFor(() => expect(processesIn(project.dir)).toEqual([]), { timeout: 25_000, interval: 50 })

    expect(result).toMatchObject({ exitCode: 130 })
    expect(result.json()).toMatchObject({
      status: 'error',
      error: { code: 'run/interrupted', message: `The run was interrupted ${why}.` },
    })
  })
})

/** The processes that were started with a path in `dir`; none is seen where there is no /proc. */
function processesIn(dir: string): readonly string[] {
  if (!existsSync('/proc/self/cmdline')) return []
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/u.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(dir)
    } catch {
      return false
    }
  })
}
