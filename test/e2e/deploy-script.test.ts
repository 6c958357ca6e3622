import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { collect, createProject } from '../support/cli.ts'
import type { CliResult, TestProject } from '../support/cli.ts'
import { createFleet } from '../support/fleet.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const SCRIPT = join(import.meta.dirname, '..', '..', 'scripts', 'deploy-migrations.sh')

const FILES = {
  'database/1-a.sql': 'CREATE TABLE a (id int);\n',
  'database/2-b.sql': 'CREATE TABLE b (id int);\n',
} as const

const HISTORY = 'SELECT migration_name FROM schema_migrations ORDER BY migration_name'
const BOTH = [{ migration_name: '1-a' }, { migration_name: '2-b' }]
const UNTOUCHED = [{ history: null }]
const TABLE = `SELECT to_regclass('schema_migrations') AS history`

type Variables = Readonly<Record<string, string>>

/** Starts a command in the project's folder, in a process group of its own, as a terminal or a pipeline would. */
function start(
  project: TestProject,
  [command, ...args]: readonly [string, ...string[]],
  env: Variables,
): ChildProcessWithoutNullStreams {
  return spawn(command, args, {
    cwd: project.dir,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    detached: true,
  })
}

function deploy(project: TestProject, args: readonly string[], env: Variables): Promise<CliResult> {
  return collect(start(project, ['bash', '-eu', '-o', 'pipefail', SCRIPT, ...args], env))
}

function steps({ stderr }: CliResult): readonly string[] {
  return stderr.split('\n').filter((line) => line.startsWith('== '))
}

async function createPair(): Promise<{ dev: TestDatabase; prod: TestDatabase; env: Variables } & AsyncDisposable> {
  const [dev, prod] = await Promise.all([createDatabase('dev'), createDatabase('prod')])
  return {
    dev,
    prod,
    env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url },
    async [Symbol.asyncDispose]() {
      await Promise.all([dev.drop(), prod.drop()])
    },
  }
}

test('deploy-migrations syncs every environment without asking, and checks that they agree', async () => {
  await using pair = await createPair()
  await using project = createProject({ files: FILES })

  const result = await deploy(project, [], pair.env)
  const again = await deploy(project, ['--no-backup'], pair.env)

  expect({ exitCode: result.exitCode, stderr: result.stderr }).toMatchObject({ exitCode: 0 })
  expect(steps(result)).toEqual([
    '== migration-manager sync',
    '== migration-manager verify',
    '== migration-manager status',
  ])
  for (const database of [pair.dev, pair.prod]) expect(await database.query(HISTORY)).toEqual(BOTH)
  expect(again.exitCode).toBe(0)
  expect(again.stdout).toMatch(/dev +up to date\nprod +up to date\n/)
  for (const { stdout, stderr } of [result, again]) {
    expect(`${stdout}${stderr}`).not.toContain(pair.dev.server.password)
  }
})

describe('it is the project of the working directory, however the script is found', () => {
  test.for([
    { how: 'by a path relative to the working directory', link: null },
    { how: 'by an absolute link, as npm makes one', link: 'absolute' },
    { how: 'by a relative link to a link', link: 'relative' },
  ] as const)('$how', async ({ link }) => {
    await using dev = await createDatabase('dev')
    await using project = createProject({ files: FILES })
    let path = relative(project.dir, SCRIPT)
    if (link !== null) {
      const bin = join(project.dir, 'node_modules', '.bin', 'deploy-migrations')
      mkdirSync(dirname(bin), { recursive: true })
      symlinkSync(link === 'absolute' ? SCRIPT : relative(dirname(bin), SCRIPT), bin)
      symlinkSync('node_modules/.bin/deploy-migrations', join(project.dir, 'deploy'))
      path = link === 'absolute' ? bin : './deploy'
    }

    const result = await collect(start(project, ['bash', path], { DATABASE_URL: dev.url }))

    expect({ exitCode: result.exitCode, stderr: result.stderr }).toMatchObject({ exitCode: 0 })
    expect(await dev.query(HISTORY)).toEqual(BOTH)
  })

  test('as a program', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({ files: FILES })

    const result = await collect(start(project, [SCRIPT], { DATABASE_URL: dev.url }))

    expect({ exitCode: result.exitCode, stderr: result.stderr }).toMatchObject({ exitCode: 0 })
    expect(await dev.query(HISTORY)).toEqual(BOTH)
  })
})

test('--dry-run shows the plan and writes nothing', async () => {
  await using pair = await createPair()
  await using project = createProject({ files: FILES })

  const result = await deploy(project, ['--dry-run'], pair.env)

  expect(result.exitCode).toBe(0)
  expect(steps(result)).toEqual(['== migration-manager plan'])
  expect(result.stdout).toMatch(/prod .*2 migrations, protected/)
  for (const database of [pair.dev, pair.prod]) expect(await database.query(TABLE)).toEqual(UNTOUCHED)
})

test.for([[['--env', 'dev']], [['--env=dev']]])('%s leaves the other environments as they are', async ([args]) => {
  await using pair = await createPair()
  await using project = createProject({ files: FILES })

  const result = await deploy(project, args ?? [], pair.env)

  expect({ exitCode: result.exitCode, stderr: result.stderr }).toMatchObject({ exitCode: 0 })
  expect(await pair.dev.query(HISTORY)).toEqual(BOTH)
  expect(await pair.prod.query(TABLE)).toEqual(UNTOUCHED)
})

test('--allow goes to the sync and to verify', async () => {
  await using dev = await createDatabase('dev')
  await using project = createProject({
    files: { ...FILES, 'database/2-b.sql': `${FILES['database/2-b.sql']}-- verify: SELECT count(*) = 0 FROM b\n` },
  })
  const env = { DATABASE_URL: dev.url }
  expect(await deploy(project, [], env)).toMatchObject({ exitCode: 0 })
  await dev.query('INSERT INTO b VALUES (1)')

  expect(await deploy(project, [], env)).toMatchObject({ exitCode: 4 })
  const allowed = await deploy(project, ['--allow', 'verify/false'], env)
  const planned = await deploy(project, ['--allow=verify/false', '--dry-run'], env)

  expect({ exitCode: allowed.exitCode, stderr: allowed.stderr }).toMatchObject({ exitCode: 0 })
  expect(steps(allowed)).toHaveLength(3)
  expect(planned).toMatchObject({ exitCode: 0 })
})

test('what --allow accepts for good does not fail the last step', async () => {
  await using dev = await createDatabase('dev')
  await using project = createProject({ files: FILES })
  const env = { DATABASE_URL: dev.url }
  expect(await deploy(project, [], env)).toMatchObject({ exitCode: 0 })
  project.write('database/1-a.sql', 'CREATE TABLE a (id int); -- edited\n')

  const allowed = await deploy(project, ['--allow', 'history/changed'], env)

  expect({ exitCode: allowed.exitCode, stderr: allowed.stderr }).toMatchObject({ exitCode: 0 })
  expect(steps(allowed)).toHaveLength(3)
  expect(allowed.stdout).toContain('1 changed')
})

test('--max-failures and the waits go to the sync, --concurrency and --all to every step', async () => {
  await using fleet = await createFleet(3, FILES)
  const { dev, tenants, project } = fleet
  const env = { DATABASE_URL: dev.url, PROD_DATABASE_URLS_FILE: 'tenants.txt' }
  const args = ['--max-failures', '1', '--lock-wait=20', '--recover-wait', '20', '--concurrency', '2', '--all']
  await tenants[0]?.query('CREATE TABLE a (id int)')

  const planned = await deploy(project, [...args, '--dry-run'], env)
  expect({ exitCode: planned.exitCode, stderr: planned.stderr }).toMatchObject({ exitCode: 0 })
  expect(steps(planned)).toEqual(['== migration-manager plan'])

  const failed = await deploy(project, args, env)
  expect(failed.exitCode).toBe(1)
  expect(steps(failed)).toEqual(['== migration-manager sync'])
  // Without --max-failures the first, which fails, would have been the last.
  for (const tenant of tenants.slice(1)) expect(await tenant.query(HISTORY)).toEqual(BOTH)

  await tenants[0]?.query('DROP TABLE a')
  const mended = await deploy(project, args, env)
  expect({ exitCode: mended.exitCode, stderr: mended.stderr }).toMatchObject({ exitCode: 0 })
  expect(steps(mended)).toHaveLength(3)
})

test.for([
  { args: ['--drop-everything'], says: 'there is no option --drop-everything' },
  { args: ['prod'], says: 'there is no option prod' },
  { args: ['--env'], says: '--env needs a value' },
  { args: ['--max-failures'], says: '--max-failures needs a value' },
  { args: ['--env', 'nowhere'], says: 'nowhere' },
])('$args ends with 2, and nothing is written', async ({ args, says }) => {
  await using dev = await createDatabase('dev')
  await using project = createProject({ files: FILES })

  const result = await deploy(project, args, { DATABASE_URL: dev.url })

  expect(result.exitCode).toBe(2)
  expect(result.stderr).toContain(says)
  expect(await dev.query(TABLE)).toEqual(UNTOUCHED)
})

test.for([
  {
    what: 'a migration that fails',
    sql: 'SELECT 1 / 0;\n',
    code: 1,
    tables: ['a', 'schema_migrations', 'schema_migrations_log'],
  },
  { what: 'a finding that blocks', sql: 'COMMIT; SELECT 1;\n', code: 4, tables: [] },
])('$what stops it with the exit code of sync, before status', async ({ sql, code, tables }) => {
  await using dev = await createDatabase('dev')
  await using project = createProject({ files: { ...FILES, 'database/2-b.sql': sql } })

  const result = await deploy(project, [], { DATABASE_URL: dev.url })

  expect(result.exitCode).toBe(code)
  expect(steps(result)).toEqual(['== migration-manager sync'])
  const found = await dev.query(`SELECT relname FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname`)
  expect(found.map((row) => row['relname'])).toEqual(tables)
})

test.for([
  { signal: 'SIGTERM', to: 'the script', group: false, code: 143 },
  { signal: 'SIGINT', to: 'the script', group: false, code: 130 },
  { signal: 'SIGINT', to: 'the whole group, as ^C does', group: true, code: 130 },
  { signal: 'SIGTERM', to: 'the whole group', group: true, code: 143 },
] as const)(
  '$signal to $to: the migration is rolled back and the script ends with $code after that',
  async ({ signal, group, code }) => {
    await using dev = await createDatabase('dev')
    await using project = createProject({
      files: { ...FILES, 'database/2-b.sql': 'CREATE TABLE b (id int);\nSELECT pg_sleep(120);\n' },
    })
    const child = start(project, ['bash', '-eu', '-o', 'pipefail', SCRIPT], { DATABASE_URL: dev.url })
    const running = collect(child)
    const sessions = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'migration-manager'`
    await vi.waitFor(async () => expect(await dev.query(`${sessions} AND wait_event = 'PgSleep'`)).toHaveLength(1), {
      timeout: 20_000,
      interval: 50,
    })

    if (child.pid === undefined) throw new Error('the script did not start')
    process.kill(group ? -child.pid : child.pid, signal)
    const result = await running

    expect(result.exitCode).toBe(code)
    expect(steps(result)).toEqual(['== migration-manager sync'])
    expect(result.stdout).toContain('2-b rolled back')
    expect(await dev.query(HISTORY)).toEqual([{ migration_name: '1-a' }])
    expect(await dev.query(`SELECT to_regclass('b') AS b`)).toEqual([{ b: null }])
    await vi.waitFor(async () => expect(await dev.query(sessions)).toEqual([]), { timeout: 10_000, interval: 50 })
  },
)

test('--help says that there is no backup yet', async () => {
  await using project = createProject()

  const { exitCode, stdout } = await deploy(project, ['--help'], {})

  expect(exitCode).toBe(0)
  expect(stdout).toContain('There is no backup step yet: nothing is backed up, with or without --no-backup.')
  expect(stdout).toContain('Works from any directory: the project is the one it\nis called in.')
  expect(stdout).not.toContain('set -eu')
})

test('where an alert is expected, a run that may write says that none is sent, and does not show where to', async () => {
  await using dev = await createDatabase('dev')
  await using project = createProject({
    files: { ...FILES, '.env': 'MIGRATION_WEBHOOK_URL=https://hooks.example.com/T0/secret-path\n' },
  })
  const env = { DATABASE_URL: dev.url }

  const plan = await deploy(project, ['--dry-run'], env)
  const whole = await deploy(project, ['--quiet'], env)
  const json = await project.run(['rollback', '--json'], { env: { ...env, MIGRATION_WEBHOOK_URL: ' ' } })

  expect({ plan: plan.exitCode, whole: whole.exitCode }).toEqual({ plan: 0, whole: 0 })
  expect(whole.stderr.match(/warning MIGRATION_WEBHOOK_URL is set, but nothing is sent to it yet/g)).toHaveLength(1)
  for (const { stdout, stderr } of [plan, whole]) expect(stdout + stderr).not.toMatch(/hooks\.example|secret-path/)
  for (const { stderr } of [plan, json]) expect(stderr).not.toContain('MIGRATION_WEBHOOK_URL')
})

test('on the summary page of GitHub the final matrix stands once', async () => {
  await using pair = await createPair()
  await using project = createProject({ files: FILES })
  const env = { ...pair.env, GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: join(project.dir, 'page.md') }

  const { exitCode } = await deploy(project, [], env)
  const rows = (): readonly string[] | null => project.read('page.md').match(/^\| 2-b \|.*$/gm)
  const once = rows()
  await project.run(['status', '--env', 'dev'], { env })
  await project.run(['status'], { env })

  expect(exitCode).toBe(0)
  expect(once).toEqual(['| 2-b | ✓ | ✓ |'])
  // The last one on the page is the last one that was seen, though the page has had it before.
  expect(rows()).toEqual(['| 2-b | ✓ | ✓ |', '| 2-b | ✓ |', '| 2-b | ✓ | ✓ |'])
})
