import { expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'

const ITEMS = 'CREATE TABLE items (\n  id int PRIMARY KEY\n);\n'
const CHECKSUM = /^sha256:[0-9a-f]{64}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

test('status --json has the documented keys, and no others', async () => {
  await using dev = await createDatabase('dev')
  await using prod = await createDatabase('prod')
  await using project = createProject({
    files: { 'database/001-items.sql': ITEMS },
    env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url },
  })
  await project.run(['sync', '--env', 'dev'])
  const [row] = await dev.query(
    `SELECT to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS applied_at, duration_ms, checksum
     FROM schema_migrations`,
  )

  const result = await project.run(['status', '--json'])

  expect(result).toMatchObject({ exitCode: 0, stderr: '' })
  expect(result.stdout.trimEnd()).not.toContain('\n')
  const counts = { applied: 0, pending: 0, changed: 0, missing: 0, started: 0 }
  const both = { engine: 'postgres', reachable: true, error: null, ...counts }
  expect(result.json()).toEqual({
    inSync: false,
    environments: [
      { ...both, name: 'dev', protected: false, initialised: true, applied: 1 },
      { ...both, name: 'prod', protected: true, initialised: false, pending: 1 },
    ],
    migrations: [
      {
        name: '001-items',
        version: '001',
        file: 'database/001-items.sql',
        checksum: expect.stringMatching(CHECKSUM),
        lines: 3,
        environments: {
          dev: {
            state: 'applied',
            appliedAt: row?.['applied_at'],
            durationMs: row?.['duration_ms'],
            checksum: row?.['checksum'],
          },
          prod: { state: 'pending' },
        },
      },
    ],
    findings: [],
  })
})

test('a finding in JSON names its code, severity, environment, migration, message and hint, and what git knows', async () => {
  await using database = await createDatabase('finding')
  await using project = createProject({
    files: { 'database/001-items.sql': ITEMS },
    env: { DATABASE_URL: database.url },
  })
  await project.run(['sync'])
  project.write('database/001-items.sql', `${ITEMS}-- edited\n`)

  const result = await project.run(['status', '--json'])

  const { findings, migrations } = result.json()
  expect(findings).toEqual([
    {
      code: 'history/changed',
      severity: 'block',
      environment: 'dev',
      migration: '001-items',
      message: expect.stringContaining('database/001-items.sql was edited after dev ran it'),
      hint: expect.stringContaining('--allow history/changed'),
      git: { found: false, reason: 'no-repository' },
    },
  ])
  expect(migrations).toMatchObject([
    { environments: { dev: { state: 'changed', appliedAt: expect.stringMatching(TIME) } } },
  ])
  expect(await database.query('SELECT count(*)::int AS n FROM schema_migrations')).toEqual([{ n: 1 }])
})

test('plan --json and sync --json have the documented keys, and no others', async () => {
  await using database = await createDatabase('keys')
  await using project = createProject({
    files: { 'database/001-items.sql': ITEMS },
    env: { DATABASE_URL: database.url },
  })

  const plan = await project.run(['plan', '--json'])
  const tablesAfterPlan = await database.query("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")
  const sync = await project.run(['sync', '--json'])
  const again = await project.run(['sync', '--json'])

  const left = [{ name: '001-items' }]
  expect(plan).toMatchObject({ exitCode: 0 })
  expect(plan.json()).toEqual({
    status: 'planned',
    environments: [{ name: 'dev', status: 'planned', done: [], failed: null, left }],
    findings: [],
  })
  expect(tablesAfterPlan).toEqual([])
  expect(sync).toMatchObject({ exitCode: 0 })
  const done = [{ name: '001-items', durationMs: expect.any(Number) }]
  expect(sync.json()).toEqual({
    status: 'applied',
    environments: [{ name: 'dev', status: 'applied', done, failed: null, left: [] }],
    findings: [],
  })
  expect(again.json()).toEqual({
    status: 'up-to-date',
    environments: [{ name: 'dev', status: 'up-to-date', done: [], failed: null, left: [] }],
    findings: [],
  })
  expect(await database.query('SELECT migration_name FROM schema_migrations')).toEqual([
    { migration_name: '001-items' },
  ])
})

test('a failed migration in JSON has the code of PostgreSQL and the place in the file', async () => {
  await using dev = await createDatabase('dev')
  await using prod = await createDatabase('prod')
  await using project = createProject({
    files: {
      'database/001-items.sql': ITEMS,
      'database/002-bad.sql': 'SELECT 1;\nSELECT é, oops\nFROM items;\n',
      'database/003-more.sql': 'CREATE TABLE more ();\n',
    },
    env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url },
  })

  const result = await project.run(['sync', '--yes', '--json'])

  expect(result).toMatchObject({ exitCode: 1 })
  expect(result.json()).toEqual({
    status: 'failed',
    environments: [
      {
        name: 'dev',
        status: 'failed',
        done: [{ name: '001-items', durationMs: expect.any(Number) }],
        failed: {
          name: '002-bad',
          error: {
            code: '42703',
            message: expect.stringContaining('"é"'),
            file: 'database/002-bad.sql',
            line: 2,
            column: 8,
            hint: null,
          },
        },
        left: [{ name: '003-more' }],
      },
      {
        name: 'prod',
        status: 'skipped',
        done: [],
        failed: null,
        left: [{ name: '001-items' }, { name: '002-bad' }, { name: '003-more' }],
      },
    ],
    findings: [],
  })
  expect(await dev.query('SELECT migration_name FROM schema_migrations')).toEqual([{ migration_name: '001-items' }])
  expect(await prod.query("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).toEqual([])
})

test('an unknown column behind wide characters is counted in characters', async () => {
  await using database = await createDatabase('columns')
  await using project = createProject({
    files: { 'database/001-bad.sql': "SELECT '😀é', oops;\n" },
    env: { DATABASE_URL: database.url },
  })

  const result = await project.run(['sync', '--json'])

  expect(result).toMatchObject({ exitCode: 1 })
  expect(result.json()).toMatchObject({ environments: [{ failed: { error: { line: 1, column: 14 } } }] })
  expect(await database.query('SELECT 1 FROM schema_migrations')).toEqual([])
})

test.for([
  [['status', '--json'], 2, 'config/no-environment'],
  [['statsu', '--json'], 2, 'usage/unknown-command'],
  [['status', '--jsno', '--json'], 2, 'usage/unknown-option'],
  [['sync', '--to', '--json'], 2, 'usage/bad-arguments'],
  [['new', '--json'], 2, 'usage/bad-arguments'],
  [['new', '!!!', '--json'], 2, 'usage/no-description'],
  [['completion', 'tcsh', '--json'], 2, 'usage/unknown-shell'],
  [['status', '--config', 'no.json', '--json'], 2, 'config/unreadable-file'],
] as const)('%j prints one JSON object with the error', async ([args, exitCode, code]) => {
  await using project = createProject()

  const result = await project.run(args)

  expect(result).toMatchObject({ exitCode, stderr: '' })
  expect(result.json()).toEqual({
    status: 'error',
    error: {
      code,
      message: expect.stringMatching(/\S/),
      hint: expect.stringMatching(/\S/),
    },
  })
})

test.for([
  [[]],
  [['--help']],
  [['status', '--help']],
  [['--version']],
  [['completion', 'bash']],
  [['new', 'a name']],
  [['init']],
])('%j --json prints one JSON object', async ([args]) => {
  await using project = createProject()

  const result = await project.run([...(args ?? []), '--json'])

  expect(result).toMatchObject({ exitCode: 0, stderr: '' })
  expect(Object.keys(result.json()).length).toBeGreaterThan(0)
  expect(result.stdout.trimEnd()).not.toContain('\n')
})

test('a version that no file has is an error, and nothing is written', async () => {
  await using database = await createDatabase('version')
  await using project = createProject({
    files: { 'database/001-items.sql': ITEMS },
    env: { DATABASE_URL: database.url },
  })

  const result = await project.run(['sync', '--to', '7', '--json'])

  expect(result).toMatchObject({ exitCode: 2 })
  expect(result.json()).toMatchObject({ status: 'error', error: { code: 'usage/unknown-version' } })
  expect(result.stdout).toContain('The newest is 001 (001-items).')
  expect(await database.query("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).toEqual([])
})

test('progress stays off stdout, and --quiet keeps stderr empty', async () => {
  await using dev = await createDatabase('dev')
  await using prod = await createDatabase('prod')
  await using project = createProject({
    files: { 'database/001-items.sql': `DO $$ BEGIN RAISE NOTICE 'hello'; END $$;\n${ITEMS}` },
  })

  const loud = await project.run(['sync', '--json'], { env: { DATABASE_URL: dev.url } })
  const quiet = await project.run(['sync', '--json', '--quiet', '--yes'], { env: { PROD_DATABASE_URL: prod.url } })

  expect(loud).toMatchObject({ exitCode: 0 })
  expect(loud.stderr).toContain('applied 001-items')
  expect(loud.stderr).toContain('hello')
  expect(loud.json()).toMatchObject({ status: 'applied' })
  expect(quiet).toMatchObject({ exitCode: 0, stderr: '' })
  expect(await prod.query('SELECT migration_name FROM schema_migrations')).toEqual([{ migration_name: '001-items' }])
})
