import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { collect, createProject, MAIN } from '../support/cli.ts'
import type { TestProject } from '../support/cli.ts'
import { startDatabases } from '../support/d1/database.ts'
import { createRemote } from '../support/d1/remote.ts'
import type { RemoteDatabase } from '../support/d1/remote.ts'

const databases = startDatabases(6)
afterAll(() => databases[Symbol.asyncDispose]())

const FILES = {
  'd1/001-users.sql': 'CREATE TABLE users (id text PRIMARY KEY);\n',
  'd1/002-rows.sql': "INSERT INTO users (id) VALUES ('once');\n",
} as const

function projectOn(remote: RemoteDatabase): TestProject {
  return createProject({ files: FILES, env: { DATABASE_URL: remote.url, MIGRATIONS_DIR: 'd1', ...remote.env } })
}

/** Holds the first batch that carries 002-rows. */
function holdRows(remote: RemoteDatabase): {
  readonly whenHeld: Promise<void>
  readonly release: (end: 'works' | 'request-lost') => void
} {
  let hold = (): void => {}
  let release = (_end: 'works' | 'request-lost'): void => {}
  const whenHeld = new Promise<void>((resolve) => (hold = resolve))
  const until = new Promise<'works' | 'request-lost'>((resolve) => (release = resolve))
  let isHeld = false
  remote.shim.fateOf = ({ text }) => {
    if (isHeld || !text.includes("'once'")) return { kind: 'works' }
    isHeld = true
    hold()
    return { kind: 'held', until }
  }
  return { whenHeld, release: (end) => release(end) }
}

test('^C while a batch is under way: not applied, said so, and a late copy of it has no effect any more', async () => {
  await using remote = await createRemote(databases)
  const { whenHeld, release } = holdRows(remote)
  await using project = projectOn(remote)

  const child = project.start(['sync', '--json'])
  const ended = collect(child)
  await whenHeld
  child.kill('SIGINT')
  const run = await ended
  release('works')
  await vi.waitFor(() => expect(remote.shim.carriedOut).toBe(remote.shim.requests))

  expect({ exitCode: run.exitCode, stderr: run.stderr }).toMatchObject({ exitCode: 130 })
  expect(run.json()['environments'][0]).toMatchObject({ done: [{ name: '001-users' }], failed: { name: '002-rows' } })
  expect(await remote.query('SELECT * FROM users')).toEqual([])
  expect(await remote.applied()).toEqual(['001-users'])
  expect((await project.run(['sync', '--lock-wait', '5'])).exitCode).toBe(0)
  expect(await remote.query('SELECT * FROM users')).toEqual([{ id: 'once' }])
})

test.each(['works', 'request-lost'] as const)(
  'a run that is killed while a batch is under way (which %s): the next one goes on at once, each migration once',
  async (fate) => {
    await using remote = await createRemote(databases)
    const { whenHeld, release } = holdRows(remote)
    await using project = projectOn(remote)

    const child = project.start(['sync'])
    const ended = collect(child)
    await whenHeld
    child.kill('SIGKILL')
    await ended
    release(fate)
    const next = await project.run(['sync', '--lock-wait', '5'])

    expect({ exitCode: next.exitCode, stderr: next.stderr }).toMatchObject({ exitCode: 0 })
    expect(await remote.query('SELECT * FROM users')).toEqual([{ id: 'once' }])
    expect(await remote.applied()).toEqual(['001-users', '002-rows'])
    expect((await project.run(['history', '--check'])).exitCode).toBe(0)
  },
)

test.skipIf(process.platform !== 'linux')(
  'a run on a local database that is killed leaves no process behind, and the next one goes on',
  async () => {
    await using project = createProject({
      files: {
        'd1/001-slow.sql':
          'CREATE TABLE n AS WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 10000000) SELECT count(*) AS n FROM c;\n',
      },
      env: { DATABASE_URL: 'd1-local:app', MIGRATIONS_DIR: 'd1' },
    })

    const child = project.start(['sync'])
    let said = ''
    child.stderr.on('data', (text: Buffer) => (said += text.toString()))
    const ended = collect(child)
    await vi.waitFor(() => expect(said).toContain('history tables created'), { timeout: 30_000, interval: 20 })
    const family = descendantsOf(child.pid ?? 0)
    child.kill('SIGKILL')
    await ended
    await vi.waitFor(() => expect(family.filter(isAlive)).toEqual([]), { timeout: 30_000, interval: 50 })
    const next = await project.run(['sync'])

    expect(family.length).toBeGreaterThanOrEqual(2)
    expect({ exitCode: next.exitCode, stderr: next.stderr }).toMatchObject({ exitCode: 0 })
    expect((await project.run(['status', '--check'])).exitCode).toBe(0)
  },
  120_000,
)

test('the token follows no redirect', async () => {
  await using remote = await createRemote(databases)
  const heard: (string | undefined)[] = []
  const elsewhere = createServer((request, response) => {
    heard.push(request.headers.authorization)
    response.end('{}')
  })
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
  const address = elsewhere.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  remote.shim.fateOf = () => ({ kind: 'redirect', to: `http://127.0.0.1:${port}/` })
  await using project = projectOn(remote)
  project.write('migration-manager.config.json', JSON.stringify({ timeouts: { connectSeconds: 1 } }))

  const run = await project.run(['status'])
  elsewhere.close()

  expect(run.exitCode).toBe(1)
  expect(heard).toEqual([])
})

/** The processes below one, by what the kernel says. */
function descendantsOf(pid: number): readonly number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name): [number, number][] => {
        try {
          const [, parent] = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
          return [[Number(name), Number(parent)]]
        } catch {
          return []
        }
      }),
  )
  const below = (root: number): readonly number[] =>
    [...parents].filter(([, parent]) => parent === root).flatMap(([child]) => [child, ...below(child)])
  return below(pid)
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test('the process of a local database ends when its parent is gone before it has begun, and starts no workerd', async () => {
  await using project = createProject()
  const task = { projectDir: import.meta.dirname, persistDir: join(project.dir, 'state'), databaseId: 'app' }
  const host = fork(join(MAIN, '../../drivers/d1/local-host.js'), [JSON.stringify(task)], { execArgv: [] })
  const ended = once(host, 'exit', { signal: AbortSignal.timeout(20_000) })

  host.disconnect()

  try {
    expect(await ended).toEqual([0, null])
  } finally {
    host.kill()
  }
  expect(existsSync(join(project.dir, 'state'))).toBe(false)
})
