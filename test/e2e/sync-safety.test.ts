import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { describe, expect, test, vi } from 'vitest'
import { createProject, MAIN } from '../support/cli.ts'
import type { TestProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

/** Every table of a database and every row in it, as text. */
async function contentsOf(database: TestDatabase): Promise<string> {
  const [row] = await database.query(`SELECT COALESCE(string_agg(
    relname || query_to_xml('SELECT * FROM ' || oid::regclass, true, true, '')::text, E'\\n' ORDER BY relname), '') AS contents
    FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`)
  return String(row?.['contents'])
}

interface Landscape extends AsyncDisposable {
  readonly project: TestProject
  readonly dev: TestDatabase
  readonly staging: TestDatabase
  readonly prod: TestDatabase
  /** Of the three databases. */
  readonly contents: () => Promise<readonly string[]>
}

/** Three environments that hold 001 and 003, and a file 004 that is pending everywhere. */
async function createLandscape(): Promise<Landscape> {
  const [dev, staging, prod] = await Promise.all([
    createDatabase('dev'),
    createDatabase('staging'),
    createDatabase('prod'),
  ])
  const project = createProject({
    files: {
      'database/001-a.sql': 'CREATE TABLE a (id int);\n',
      'database/003-c.sql': 'CREATE TABLE c (id int);\n',
    },
    env: { DATABASE_URL: dev.url, STAGING_DATABASE_URL: staging.url, PROD_DATABASE_URL: prod.url },
  })
  const { exitCode, stderr } = await project.run(['sync', '--yes'])
  if (exitCode !== 0) throw new Error(`the first sync failed:\n${stderr}`)
  project.write('database/004-d.sql', 'CREATE TABLE d (id int);\n')
  return {
    project,
    dev,
    staging,
    prod,
    contents: () => Promise.all([dev, staging, prod].map((database) => contentsOf(database))),
    async [Symbol.asyncDispose]() {
      await Promise.all([dev.drop(), staging.drop(), prod.drop()])
      await project[Symbol.asyncDispose]()
    },
  }
}

describe('a blocking finding in one environment stops all of them before any write', () => {
  const HISTORY = 'schema_migrations'

  const SPOILED = [
    {
      what: 'a file that was edited after staging ran it',
      spoil: ({ staging }: Landscape) =>
        staging.query(`UPDATE ${HISTORY} SET checksum = 'sha256:0' WHERE migration_name = '001-a'`),
      codes: ['history/changed', 'history/differs-between-environments'],
      migration: '001-a',
      says: 'database/001-a.sql was edited after staging ran it',
    },
    {
      what: 'a file that only staging ran and that is gone',
      spoil: ({ staging }: Landscape) =>
        staging.query(`INSERT INTO ${HISTORY} SELECT '002-b', 'sha256:1', applied_at, status, step, duration_ms, applied_by, run_id
          FROM ${HISTORY} WHERE migration_name = '001-a'`),
      codes: ['history/missing-file'],
      migration: '002-b',
      says: '002-b is applied in staging, but its file is gone.',
    },
    {
      what: 'a file that comes before one that staging holds',
      spoil: ({ staging }: Landscape) =>
        staging.query(`DELETE FROM ${HISTORY} WHERE migration_name = '001-a'; DROP TABLE a`),
      codes: ['history/out-of-order'],
      migration: '001-a',
      says: '001-a is pending in staging, but comes before 003-c, which is already applied.\n  → dev holds it under this name, so it must keep it.',
    },
    {
      what: 'a migration that staging began and never ended',
      spoil: ({ staging }: Landscape) =>
        staging.query(`UPDATE ${HISTORY} SET status = 'started', applied_at = NULL WHERE migration_name = '003-c'`),
      codes: ['history/unfinished'],
      migration: '003-c',
      says: '003-c was started in staging and never finished.',
    },
  ]

  test.for(SPOILED)('$what', async ({ spoil, codes, migration, says }) => {
    await using landscape = await createLandscape()
    const { project, contents } = landscape
    await spoil(landscape)
    const before = await contents()

    const human = await project.run(['sync', '--yes'])
    const json = await project.run(['sync', '--yes', '--json'])
    const plan = await project.run(['plan', '--json'])

    expect(human.exitCode).toBe(4)
    expect(human.stdout).toContain(says)
    expect(human.stdout).toMatch(/dev +nothing written, 1 migration left/)
    expect(human.stdout).toMatch(/prod +nothing written, 1 migration left/)
    expect(json.exitCode).toBe(4)
    const report = json.json()
    expect(report).toMatchObject({
      status: 'blocked',
      environments: ['dev', 'staging', 'prod'].map((name) => ({ name, status: 'blocked', done: [], failed: null })),
      findings: codes.map((code) => ({
        code,
        severity: 'block',
        environment: 'staging',
        migration,
        message: expect.any(String),
        hint: expect.stringContaining(code === 'history/unfinished' ? 'by hand' : `--allow ${code}`),
      })),
    })
    expect(plan.exitCode).toBe(4)
    expect(plan.json()).toEqual(report)
    expect(await contents()).toEqual(before)
  })

  test.for(SPOILED.filter(({ codes }) => !codes.includes('history/unfinished')))(
    '$what, allowed by name, goes on in all',
    async ({ spoil, codes }) => {
      await using landscape = await createLandscape()
      const { project, dev, staging, prod } = landscape
      await spoil(landscape)

      const allowed = await project.run(['sync', '--yes', '--json', ...codes.flatMap((code) => ['--allow', code])])

      expect(allowed.exitCode).toBe(0)
      expect(allowed.json()).toMatchObject({
        status: 'applied',
        findings: codes.map((code) => ({ code, severity: 'warn' })),
      })
      for (const database of [dev, staging, prod]) {
        expect(await database.query('SELECT count(*)::int AS rows FROM d')).toEqual([{ rows: 0 }])
      }
    },
  )

  test('a migration of which only a part is there cannot be allowed', async () => {
    await using landscape = await createLandscape()
    await landscape.staging.query(
      `UPDATE ${HISTORY} SET status = 'started', applied_at = NULL WHERE migration_name = '003-c'`,
    )
    const before = await landscape.contents()

    const { exitCode } = await landscape.project.run(['sync', '--yes', '--json', '--allow', 'history/unfinished'])

    expect(exitCode).toBe(2)
    expect(await landscape.contents()).toEqual(before)
  })

  test('one code too few does not open the way, and several may be allowed in one list', async () => {
    await using landscape = await createLandscape()
    await landscape.staging.query(`UPDATE ${HISTORY} SET checksum = 'sha256:0' WHERE migration_name = '001-a'`)
    const before = await landscape.contents()

    const refused = await landscape.project.run(['sync', '--yes', '--allow', 'history/changed', '--json'])

    expect(refused.exitCode).toBe(4)
    expect(refused.json()).toMatchObject({
      status: 'blocked',
      findings: [
        { code: 'history/changed', severity: 'warn' },
        { code: 'history/differs-between-environments', severity: 'block' },
      ],
    })
    expect(await landscape.contents()).toEqual(before)

    const { exitCode } = await landscape.project.run([
      'sync',
      '--yes',
      '--allow',
      'history/changed,history/differs-between-environments',
    ])

    expect(exitCode).toBe(0)
    expect(await landscape.staging.query('SELECT * FROM d')).toEqual([])
  })

  test('a renamed file is told from one that is gone', async () => {
    await using landscape = await createLandscape()
    const { project, contents } = landscape
    project.write('database/003-see.sql', project.read('database/003-c.sql'))
    project.remove('database/003-c.sql')
    const before = await contents()

    const { exitCode, stdout } = await project.run(['sync', '--yes'])

    expect(exitCode).toBe(4)
    expect(stdout).toContain('003-c is applied in dev, but its file is now called database/003-see.sql.')
    expect(stdout).toContain('Name it 003-c.sql again')
    expect(await contents()).toEqual(before)
  })

  test('with --env only findings about the chosen environments count', async () => {
    await using landscape = await createLandscape()
    await landscape.prod.query(`UPDATE ${HISTORY} SET checksum = 'sha256:0' WHERE migration_name = '001-a'`)

    const { exitCode } = await landscape.project.run(['sync', '--env', 'dev', '--env', 'staging', '--yes'])

    expect(exitCode).toBe(0)
    expect(await landscape.staging.query('SELECT * FROM d')).toEqual([])
    expect(await landscape.prod.query(`SELECT to_regclass('d') AS d`)).toEqual([{ d: null }])
  })
})

test('an environment does not get what the one before it lacks, unless that is allowed', async () => {
  await using landscape = await createLandscape()
  const { project, prod, contents } = landscape
  const before = await contents()

  const human = await project.run(['sync', '--env', 'prod', '--yes'])
  const json = await project.run(['sync', '--env', 'prod', '--yes', '--json'])

  expect(human.exitCode).toBe(4)
  expect(human.stdout).toContain('prod would get 004-d before staging has it.')
  expect(json.exitCode).toBe(4)
  expect(json.json()).toMatchObject({
    status: 'blocked',
    environments: [{ name: 'prod', status: 'blocked' }],
    findings: [{ code: 'history/not-promoted', severity: 'block', environment: 'prod', migration: '004-d' }],
  })
  expect(await contents()).toEqual(before)

  const allowed = await project.run(['sync', '--env', 'prod', '--yes', '--allow', 'history/not-promoted'])

  expect(allowed.exitCode).toBe(0)
  expect(await prod.query('SELECT * FROM d')).toEqual([])
  expect((await contents()).slice(0, 2)).toEqual(before.slice(0, 2))
})

test('an environment may get what the one before it gets in the same run', async () => {
  await using landscape = await createLandscape()
  await landscape.project.run(['sync', '--env', 'dev'])

  const { exitCode } = await landscape.project.run(['sync', '--env', 'staging,prod', '--yes'])

  expect(exitCode).toBe(0)
  expect(await landscape.prod.query('SELECT * FROM d')).toEqual([])
})

test('a protected environment that nobody can confirm keeps every environment as it is', async () => {
  await using landscape = await createLandscape()
  const { project, contents } = landscape
  const before = await contents()

  const human = await project.run(['sync'], { input: 'staging\nprod\n' })
  const json = await project.run(['sync', '--json'])

  expect(human.exitCode).toBe(4)
  expect(human.stdout).toContain('staging is protected, and nobody is here to confirm.')
  expect(human.stdout).toContain('Say --yes to confirm in advance')
  expect(json.exitCode).toBe(4)
  expect(json.json()).toMatchObject({
    status: 'blocked',
    findings: [{ code: 'policy/confirmation-needed', severity: 'block', environment: 'staging' }],
  })
  expect(await contents()).toEqual(before)
})

test('a confirmation cannot be waved through with --allow', async () => {
  await using landscape = await createLandscape()
  const before = await landscape.contents()

  const { exitCode, stderr } = await landscape.project.run(['sync', '--allow', 'policy/confirmation-needed'])

  expect(exitCode).toBe(2)
  expect(stderr).toContain('no finding that can be accepted has this code')
  expect(await landscape.contents()).toEqual(before)
})

test('MIGRATION_PROTECTED says which environments need a confirmation', async () => {
  await using landscape = await createLandscape()
  const { project, contents } = landscape
  const before = await contents()

  const refused = await project.run(['sync'], { env: { MIGRATION_PROTECTED: 'dev' } })

  expect(refused.exitCode).toBe(4)
  expect(refused.stdout).toContain('dev is protected')
  expect(await contents()).toEqual(before)

  const done = await project.run(['sync', '--env', 'staging', '--allow', 'history/not-promoted'], {
    env: { MIGRATION_PROTECTED: 'dev' },
  })

  expect(done.exitCode).toBe(0)
  expect(await landscape.staging.query('SELECT * FROM d')).toEqual([])
})

/** `script` of util-linux gives a command a terminal; the one of BSD and macOS has other options. */
const hasScript = String(spawnSync('script', ['--version']).stdout).includes('util-linux')
if (!hasScript) process.stderr.write('SKIPPED: no script(1) of util-linux, so nothing is tested on a terminal.\n')

/** Runs the command line on a terminal. `talk` types what a person types when the text before it has appeared. */
async function runOnTerminal(
  project: TestProject,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  talk: readonly { readonly prompt: string; readonly type: string }[],
): Promise<{ readonly exitCode: number | null; readonly screen: string }> {
  const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ')
  const child: ChildProcessWithoutNullStreams = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: project.dir,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TERM: 'xterm', ...env },
  })
  let screen = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (screen += text))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  for (const { prompt, type } of talk) {
    await vi.waitFor(() => expect(screen).toContain(prompt), { timeout: 20_000, interval: 20 })
    child.stdin.write(type)
  }
  const exitCode = await ended
  return { exitCode, screen }
}

describe.skipIf(!hasScript)('on a terminal', () => {
  /** dev holds everything, so that only prod has something to ask about. */
  async function createQuestion(): Promise<Landscape & { readonly env: Readonly<Record<string, string>> }> {
    const landscape = await createLandscape()
    const { dev, prod } = landscape
    return { ...landscape, env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url } }
  }
  const PROMPT = 'About to apply 1 migration to prod.'

  test('typing the name of a protected environment goes on', async () => {
    await using question = await createQuestion()

    const { exitCode, screen } = await runOnTerminal(question.project, ['sync'], question.env, [
      { prompt: PROMPT, type: 'prod\n' },
    ])

    expect({ exitCode, screen }).toMatchObject({ exitCode: 0 })
    expect(await question.dev.query('SELECT * FROM d')).toEqual([])
    expect(await question.prod.query('SELECT * FROM d')).toEqual([])
  })

  test.for([
    { what: 'something else', type: 'yes\n' },
    { what: 'the name in capitals', type: 'PROD\n' },
    { what: 'an empty line', type: '\n' },
    { what: '^D', type: '\x04' },
  ])('typing $what declines, and no environment is written to', async ({ type }) => {
    await using question = await createQuestion()
    const before = await question.contents()

    const { exitCode, screen } = await runOnTerminal(question.project, ['sync'], question.env, [
      { prompt: PROMPT, type },
    ])

    expect({ exitCode, screen }).toMatchObject({ exitCode: 4 })
    expect(screen).toContain('prod was not confirmed.')
    expect(await question.contents()).toEqual(before)
  })

  test('^C at the question ends with 130, and no environment is written to', async () => {
    await using question = await createQuestion()
    const before = await question.contents()

    const { exitCode, screen } = await runOnTerminal(question.project, ['sync'], question.env, [
      { prompt: PROMPT, type: '\x03' },
    ])

    expect({ exitCode, screen }).toMatchObject({ exitCode: 130 })
    expect(await question.contents()).toEqual(before)
  })

  test('nobody is asked where everything is up to date', async () => {
    await using question = await createQuestion()
    await question.project.run(['sync', '--yes'], { env: question.env })

    const { exitCode, screen } = await runOnTerminal(question.project, ['sync'], question.env, [])

    expect(exitCode).toBe(0)
    expect(screen).toContain('up to date')
    expect(await question.prod.query('SELECT * FROM d')).toEqual([])
  })
})
