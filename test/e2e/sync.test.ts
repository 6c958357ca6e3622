import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const FILES = {
  'database/001-users.sql': 'CREATE TABLE users (id int PRIMARY KEY);\n',
  'database/002-names.sql': 'ALTER TABLE users ADD name text;\nSELECT pg_sleep(0.06);\n',
  'database/003-roles.sql': 'CREATE TABLE roles (id int PRIMARY KEY);\n',
} as const

const NAMES = ['001-users', '002-names', '003-roles']

/** What a run has left in a database: nothing at all, or the names in its history. */
async function appliedIn(database: TestDatabase): Promise<readonly unknown[] | 'untouched'> {
  const [tables] = await database.query(`SELECT count(*)::int AS count FROM pg_class
    WHERE relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace)`)
  if (tables?.['count'] === 0) return 'untouched'
  const rows = await database.query(
    `SELECT migration_name FROM schema_migrations WHERE status = 'applied' ORDER BY migration_name`,
  )
  return rows.map((row) => row['migration_name'])
}

test('sync prepares fresh databases and applies what is missing, environment after environment, and says so', async () => {
  await using dev = await createDatabase('dev')
  await using staging = await createDatabase('staging')
  await using prod = await createDatabase('prod')
  await using project = createProject({
    files: FILES,
    // The order in which the variables are set is not the order of promotion.
    env: { PROD_DATABASE_URL: prod.url, STAGING_DATABASE_URL: staging.url, DATABASE_URL: dev.url },
  })

  const { exitCode, stdout, stderr } = await project.run(['sync', '--yes'])

  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 })
  const progress = stderr.split('\n').filter((line) => /^\w+: (?:history|applied)/.test(line))
  expect(progress.map((line) => line.replace(/ \(.*/, ''))).toEqual(
    ['dev', 'staging', 'prod'].flatMap((name) => [
      `${name}: history tables created`,
      ...NAMES.map((migration) => `${name}: applied ${migration}`),
    ]),
  )
  for (const name of ['dev', 'staging', 'prod']) expect(stdout).toMatch(new RegExp(`${name} +3 migrations applied in`))
  for (const database of [dev, staging, prod]) {
    expect(await appliedIn(database)).toEqual(NAMES)
    expect(await database.query('SELECT id, name FROM users')).toEqual([])
  }
})

test('an environment that lags behind gets only what it lacks', async () => {
  await using dev = await createDatabase('dev')
  await using staging = await createDatabase('staging')
  await using project = createProject({ files: FILES, env: { DATABASE_URL: dev.url } })
  const env = { STAGING_DATABASE_URL: staging.url }
  await project.run(['sync'])
  await project.run(['sync', '--yes', '--to', '1'], { env })

  const result = await project.run(['sync', '--yes', '--json'], { env })

  expect(result.exitCode).toBe(0)
  expect(result.json()).toMatchObject({
    status: 'applied',
    environments: [
      { name: 'dev', status: 'up-to-date', done: [], failed: null, left: [] },
      {
        name: 'staging',
        status: 'applied',
        done: [{ name: '002-names' }, { name: '003-roles' }],
        failed: null,
        left: [],
      },
    ],
    findings: [],
  })
  expect(await appliedIn(staging)).toEqual(NAMES)
})

test('a row of the history tells checksum, time, duration, role and run', async () => {
  await using dev = await createDatabase('dev')
  await using staging = await createDatabase('staging')
  await using project = createProject({
    files: FILES,
    env: { DATABASE_URL: dev.url, STAGING_DATABASE_URL: staging.url },
  })
  const before = Date.now()

  const { exitCode } = await project.run(['sync', '--yes'])

  const after = Date.now()
  expect(exitCode).toBe(0)
  const columns = 'migration_name, checksum, applied_at, status, step, duration_ms, applied_by, run_id'
  const rows = [dev, staging].map((database) =>
    database.query(`SELECT ${columns} FROM schema_migrations ORDER BY migration_name`),
  )
  const [inDev = [], inStaging = []] = await Promise.all(rows)
  expect(inDev.map((row) => [row['migration_name'], row['checksum'], row['status'], row['applied_by']])).toEqual(
    Object.values(FILES).map((text, index) => [
      NAMES[index],
      `sha256:${createHash('sha256').update(text).digest('hex')}`,
      'applied',
      'postgres',
    ]),
  )
  expect(inStaging.map((row) => row['checksum'])).toEqual(inDev.map((row) => row['checksum']))
  expect(new Set([...inDev, ...inStaging].map((row) => row['run_id'])).size).toBe(1)
  expect(inDev[0]?.['run_id']).toMatch(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  for (const row of [...inDev, ...inStaging]) {
    // One second, because the two clocks need not be read at the same instant.
    expect(Number(row['applied_at'])).toBeGreaterThan(before - 1_000)
    expect(Number(row['applied_at'])).toBeLessThan(after + 1_000)
    expect(row['duration_ms']).toBeLessThan(after - before)
  }
  expect(inDev[1]?.['duration_ms']).toBeGreaterThanOrEqual(60)
})

/** The documented formula, written down once more: SHA-256 over the JSON array of the row and its predecessor's hash. */
const BROKEN_LINKS = `SELECT id::int FROM (
  SELECT *, lag(hash, 1, '') OVER (ORDER BY id) AS before, encode(sha256(convert_to(jsonb_build_array(
    id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), event, migration_name, checksum, outcome,
    duration_ms, run_id, role, os_user, git_commit, ci_run, detail, previous_hash)::text, 'UTF8')), 'hex') AS computed
  FROM schema_migrations_log) AS link WHERE hash <> computed OR previous_hash <> before ORDER BY id`

test('the log holds one row for each event, chained by hash, and an edited row breaks the chain', async () => {
  await using dev = await createDatabase('dev')
  await using project = createProject({ files: FILES, env: { DATABASE_URL: dev.url } })
  await project.run(['sync', '--to', '2'])
  project.write('database/003-roles.sql', 'SELECT 1 / 0;\n')

  const { exitCode } = await project.run(['sync'], { env: { CI_JOB_URL: 'https://ci.example/jobs/7' } })

  expect(exitCode).toBe(1)
  const columns = 'id::int, event, migration_name, outcome, role, ci_run, detail'
  const rows = await dev.query(`SELECT ${columns} FROM schema_migrations_log ORDER BY id`)
  expect(rows).toMatchObject([
    { id: 1, event: 'init', migration_name: null, outcome: 'done', detail: { environment: 'dev' } },
    { id: 2, event: 'apply', migration_name: '001-users', outcome: 'applied', role: 'postgres', ci_run: null },
    { id: 3, event: 'apply', migration_name: '002-names', outcome: 'applied' },
    { id: 4, event: 'fail', migration_name: '003-roles', outcome: 'failed', ci_run: 'https://ci.example/jobs/7' },
  ])
  expect(rows[3]).toHaveProperty('detail', { code: '22012' })
  const [agreement] = await dev.query(`SELECT count(*)::int AS rows FROM schema_migrations h
    JOIN schema_migrations_log l USING (migration_name, checksum, run_id, duration_ms) WHERE l.event = 'apply'`)
  expect(agreement).toEqual({ rows: 2 })
  expect(await dev.query(BROKEN_LINKS)).toEqual([])

  await dev.query(`UPDATE schema_migrations_log SET role = 'somebody-else' WHERE id = 2`)
  expect(await dev.query(BROKEN_LINKS)).toEqual([{ id: 2 }])
  await dev.query('DELETE FROM schema_migrations_log WHERE id = 2')
  expect(await dev.query(BROKEN_LINKS)).toEqual([{ id: 3 }])
})

test('the history tables are closed to everyone, also where new tables are open to the web by default', async () => {
  await using dev = await createDatabase('dev')
  // Roles are the server's, and other tests may make the same one at the same time.
  await dev.query(`DO $$ BEGIN CREATE ROLE anon; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`)
  await dev.query('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, PUBLIC')
  await using project = createProject({ files: FILES, env: { DATABASE_URL: dev.url } })

  const { exitCode } = await project.run(['sync'])

  expect(exitCode).toBe(0)
  const rows = await dev.query(`SELECT relname, relrowsecurity AS closed,
    has_table_privilege('anon', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') AS open
    FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname`)
  expect(rows).toEqual([
    { relname: 'roles', closed: false, open: true },
    { relname: 'schema_migrations', closed: true, open: false },
    { relname: 'schema_migrations_log', closed: true, open: false },
    { relname: 'users', closed: false, open: true },
  ])
})

test('a second sync finds everything up to date and writes nothing', async () => {
  await using dev = await createDatabase('dev')
  await using staging = await createDatabase('staging')
  await using project = createProject({
    files: FILES,
    env: { DATABASE_URL: dev.url, STAGING_DATABASE_URL: staging.url },
  })
  await project.run(['sync', '--yes'])
  const log = 'SELECT id, hash FROM schema_migrations_log ORDER BY id'
  const before = await Promise.all([dev.query(log), staging.query(log)])

  // Without --yes: where nothing would be written, nobody has to confirm.
  const { exitCode, stdout, stderr } = await project.run(['sync'])
  const json = await project.run(['sync', '--json'])

  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  expect(stdout).toMatch(/dev +up to date\nstaging +up to date\n$/)
  expect(json.exitCode).toBe(0)
  expect(json.json()).toMatchObject({
    status: 'up-to-date',
    environments: [
      { name: 'dev', status: 'up-to-date' },
      { name: 'staging', status: 'up-to-date' },
    ],
  })
  expect(await Promise.all([dev.query(log), staging.query(log)])).toEqual(before)
})

test.for(['2', '002', '002-names', '002-names.sql'])('--to %s stops after that migration', async (version) => {
  await using dev = await createDatabase('dev')
  await using project = createProject({ files: FILES, env: { DATABASE_URL: dev.url } })

  const result = await project.run(['sync', '--to', version, '--json'])

  expect(result.exitCode).toBe(0)
  expect(result.json()).toMatchObject({
    status: 'applied',
    environments: [{ done: [{ name: '001-users' }, { name: '002-names' }], left: [] }],
  })
  expect(await appliedIn(dev)).toEqual(['001-users', '002-names'])
})

test('--only applies one migration alone and warns of those that it leaves behind', async () => {
  await using dev = await createDatabase('dev')
  await using project = createProject({ files: FILES, env: { DATABASE_URL: dev.url } })

  const result = await project.run(['sync', '--only', '3', '--json'])
  const human = await project.run(['status'])

  expect(result.exitCode).toBe(0)
  expect(result.json()).toMatchObject({
    status: 'applied',
    environments: [{ done: [{ name: '003-roles' }] }],
    findings: [{ code: 'plan/skips-pending', severity: 'warn', environment: 'dev', migration: '003-roles' }],
  })
  expect(await appliedIn(dev)).toEqual(['003-roles'])
  expect(human.stdout).toContain('001-users')
})

test.for([
  { args: ['--to', '9'], code: 'usage/unknown-version', says: '--to 9: no migration has this version.' },
  { args: ['--only', '009-x'], code: 'usage/unknown-version', says: '--only 009-x: no migration has this version.' },
  { args: ['--to', '2', '--only', '2'], code: 'usage/bad-arguments', says: '--only' },
  { args: ['--sql'], code: 'usage/bad-arguments', says: 'dry-run' },
])('sync $args is refused and nothing is written', async ({ args, code, says }) => {
  await using dev = await createDatabase('dev')
  await using project = createProject({ files: FILES, env: { DATABASE_URL: dev.url } })

  const { exitCode, stdout, stderr } = await project.run(['sync', ...args])
  const json = await project.run(['sync', ...args, '--json'])

  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
  expect(stderr).toContain(code)
  expect(stderr).toContain(says)
  expect(json.exitCode).toBe(2)
  expect(json.json()).toMatchObject({ status: 'error', error: { code } })
  expect(await appliedIn(dev)).toBe('untouched')
})

test('plan and sync --dry-run say the same, exit 0, and write nothing, not even tables', async () => {
  await using dev = await createDatabase('dev')
  await using prod = await createDatabase('prod')
  await using project = createProject({ files: FILES, env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url } })

  const plan = await project.run(['plan'])
  const dryRun = await project.run(['sync', '--dry-run'])
  const json = await project.run(['plan', '--json'])

  expect(plan).toMatchObject({ exitCode: 0, stderr: '' })
  expect({ ...dryRun, json: undefined }).toEqual({ ...plan, json: undefined })
  expect(plan.stdout).toMatch(/dev .*3 migrations, the history tables will be created\n {2}\+ 001-users .*1 line\n/)
  expect(plan.stdout).toMatch(/prod .*3 migrations, protected, the history tables will be created\n/)
  expect(json.exitCode).toBe(0)
  expect(json.json()).toMatchObject({
    status: 'planned',
    environments: ['dev', 'prod'].map((name) => ({
      name,
      status: 'planned',
      done: [],
      failed: null,
      left: NAMES.map((migration) => ({ name: migration })),
    })),
    findings: [],
  })
  expect((await project.run(['sync', '--dry-run', '--json'])).stdout).toBe(json.stdout)
  expect(await appliedIn(dev)).toBe('untouched')
  expect(await appliedIn(prod)).toBe('untouched')
})

test('plan --sql prints the statements that sync would run', async () => {
  await using dev = await createDatabase('dev')
  await using project = createProject({ files: FILES, env: { DATABASE_URL: dev.url } })
  await project.run(['sync', '--to', '1'])

  const plan = await project.run(['plan', '--sql'])
  const dryRun = await project.run(['sync', '--dry-run', '--sql'])

  expect(plan).toMatchObject({ exitCode: 0, stderr: '' })
  expect(dryRun.stdout).toBe(plan.stdout)
  expect(plan.stdout).toContain('    ALTER TABLE users ADD name text;\n    SELECT pg_sleep(0.06);\n')
  expect(plan.stdout).not.toContain('CREATE TABLE users')
  expect(await appliedIn(dev)).toEqual(['001-users'])
})

test('plan of what is in step is up to date', async () => {
  await using dev = await createDatabase('dev')
  await using project = createProject({ files: FILES, env: { DATABASE_URL: dev.url } })
  await project.run(['sync'])

  const result = await project.run(['plan', '--json'])

  expect(result.exitCode).toBe(0)
  expect(result.json()).toMatchObject({ status: 'up-to-date', environments: [{ status: 'up-to-date', left: [] }] })
  expect(await appliedIn(dev)).toEqual(NAMES)
})

test('--env leaves the other environments as they are', async () => {
  await using dev = await createDatabase('dev')
  await using test1 = await createDatabase('test')
  await using prod = await createDatabase('prod')
  await using project = createProject({
    files: FILES,
    env: { DATABASE_URL: dev.url, TEST_DATABASE_URL: test1.url, PROD_DATABASE_URL: prod.url },
  })

  const result = await project.run(['sync', '--env', 'dev,test', '--json'])

  expect(result.exitCode).toBe(0)
  expect(result.json()).toMatchObject({ environments: [{ name: 'dev' }, { name: 'test' }] })
  expect(await appliedIn(dev)).toEqual(NAMES)
  expect(await appliedIn(test1)).toEqual(NAMES)
  expect(await appliedIn(prod)).toBe('untouched')
})

test('--quiet keeps progress away and leaves the result', async () => {
  await using dev = await createDatabase('dev')
  await using project = createProject({ files: FILES, env: { DATABASE_URL: dev.url } })

  const { exitCode, stdout, stderr } = await project.run(['sync', '--quiet'])

  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  expect(stdout).toMatch(/dev +3 migrations applied in/)
  expect(await appliedIn(dev)).toEqual(NAMES)
})

test('what a migration says with RAISE NOTICE is shown while it runs', async () => {
  await using dev = await createDatabase('dev')
  await using project = createProject({
    files: { 'database/1-talks.sql': `DO $$ BEGIN RAISE NOTICE 'moved % rows', 7; END $$;\n` },
    env: { DATABASE_URL: dev.url },
  })

  const { exitCode, stdout, stderr } = await project.run(['sync'])

  expect(exitCode).toBe(0)
  expect(stderr).toContain('dev: 1-talks: moved 7 rows\n')
  expect(stdout).not.toContain('moved')
  expect(await appliedIn(dev)).toEqual(['1-talks'])
})
