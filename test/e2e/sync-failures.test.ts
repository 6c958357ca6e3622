import { describe, expect, test, vi } from 'vitest'
import { collect, createProject } from '../support/cli.ts'
import type { CliResult } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const HISTORY = 'SELECT migration_name, status FROM schema_migrations ORDER BY migration_name'

function applied(...names: readonly string[]): readonly Record<string, string>[] {
  return names.map((name) => ({ migration_name: name, status: 'applied' }))
}

/** The tables of `public`, those of the history among them. */
async function tablesIn(database: TestDatabase): Promise<readonly unknown[]> {
  const rows = await database.query(`SELECT relname FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname`)
  return rows.map((row) => row['relname'])
}

const OWN = ['schema_migrations', 'schema_migrations_log'] as const

/** The first environment of `sync --json`. */
function firstOutcome(result: CliResult): unknown {
  const { environments } = result.json()
  return Array.isArray(environments) ? environments[0] : undefined
}

describe('a migration that fails', () => {
  test('is rolled back whole: earlier files stay, later files and environments are not touched', async () => {
    await using dev = await createDatabase('dev')
    await using staging = await createDatabase('staging')
    await using project = createProject({
      files: {
        'database/001-a.sql': 'CREATE TABLE a (id int);\n',
        'database/002-b.sql':
          'CREATE TABLE b (id int);\nINSERT INTO b VALUES (1);\n\n  ALTER TABLE b ADD x nonsense;\n',
        'database/003-c.sql': 'CREATE TABLE c (id int);\n',
      },
      env: { DATABASE_URL: dev.url, STAGING_DATABASE_URL: staging.url },
    })

    const human = await project.run(['sync', '--yes'])
    const tablesAfter = await tablesIn(dev)
    const json = await project.run(['sync', '--yes', '--json'])

    expect(human.exitCode).toBe(1)
    expect(human.stderr).toContain('dev: failed 002-b\n')
    expect(human.stdout).toContain('migration/failed 42704\n  type "nonsense" does not exist\n')
    expect(human.stdout).toContain(
      `  database/002-b.sql:4:23\n    4 |   ALTER TABLE b ADD x nonsense;\n${' '.repeat(30)}^\n`,
    )
    expect(human.stdout).toMatch(/dev +1 migration applied in \d+ ms, 002-b rolled back, 1 migration left/)
    expect(human.stdout).toMatch(/staging +not reached, 3 migrations left/)
    expect(tablesAfter).toEqual(['a', ...OWN])

    expect(json.exitCode).toBe(1)
    expect(json.json()).toMatchObject({
      status: 'failed',
      environments: [
        {
          name: 'dev',
          status: 'failed',
          done: [],
          failed: {
            name: '002-b',
            error: {
              code: '42704',
              message: 'type "nonsense" does not exist',
              file: 'database/002-b.sql',
              line: 4,
              column: 23,
            },
          },
          left: [{ name: '003-c' }],
        },
        { name: 'staging', status: 'skipped', done: [], failed: null, left: [{}, {}, {}] },
      ],
      findings: [],
    })
    expect(await dev.query(HISTORY)).toEqual(applied('001-a'))
    expect(await tablesIn(staging)).toEqual([])

    project.write('database/002-b.sql', 'CREATE TABLE b (id int);\n')
    expect((await project.run(['sync', '--yes'])).exitCode).toBe(0)
    expect(await dev.query(HISTORY)).toEqual(applied('001-a', '002-b', '003-c'))
    expect(await staging.query(HISTORY)).toEqual(applied('001-a', '002-b', '003-c'))
  })

  test('in a later environment leaves those before it in step and those behind it untouched', async () => {
    await using dev = await createDatabase('dev')
    await using staging = await createDatabase('staging')
    await using prod = await createDatabase('prod')
    await using project = createProject({
      files: { 'database/1-a.sql': 'CREATE TABLE a (id int);\n', 'database/2-b.sql': 'CREATE TABLE b (id int);\n' },
      env: { DATABASE_URL: dev.url, STAGING_DATABASE_URL: staging.url, PROD_DATABASE_URL: prod.url },
    })
    await staging.query('CREATE TABLE b (made_by_hand int)')

    const result = await project.run(['sync', '--yes', '--json'])

    expect(result.exitCode).toBe(1)
    expect(result.json()).toMatchObject({
      status: 'failed',
      environments: [
        { name: 'dev', status: 'applied', done: [{ name: '1-a' }, { name: '2-b' }], failed: null, left: [] },
        { name: 'staging', status: 'failed', done: [{ name: '1-a' }], failed: { name: '2-b' }, left: [] },
        { name: 'prod', status: 'skipped', done: [], failed: null, left: [{ name: '1-a' }, { name: '2-b' }] },
      ],
    })
    expect(await dev.query(HISTORY)).toEqual(applied('1-a', '2-b'))
    expect(await staging.query(HISTORY)).toEqual(applied('1-a'))
    expect(await tablesIn(prod)).toEqual([])
  })

  test('with a syntax error in the third of five files leaves the first two applied', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({
      files: {
        'database/1-a.sql': 'CREATE TABLE a (id int);\n',
        'database/2-b.sql': 'CREATE TABLE b (id int);\n',
        'database/3-c.sql': "CREATE TABLE c (id int);\n-- 'ünï𝒸ödé'\nSELECT '𝒸', FROM WHERE;\n",
        'database/4-d.sql': 'CREATE TABLE d (id int);\n',
        'database/5-e.sql': 'CREATE TABLE e (id int);\n',
      },
      env: { DATABASE_URL: dev.url },
    })

    const result = await project.run(['sync', '--json'])

    expect(result.exitCode).toBe(1)
    expect(firstOutcome(result)).toMatchObject({
      status: 'failed',
      done: [{ name: '1-a' }, { name: '2-b' }],
      failed: { name: '3-c', error: { code: '42601', file: 'database/3-c.sql', line: 3, column: 13 } },
      left: [{ name: '4-d' }, { name: '5-e' }],
    })
    expect(await dev.query(HISTORY)).toEqual(applied('1-a', '2-b'))
    expect(await tablesIn(dev)).toEqual(['a', 'b', ...OWN])
  })

  test('at run time, without a position from the server, is shown at the statement that failed', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({
      files: {
        'database/1-a.sql':
          'CREATE TABLE a (id int PRIMARY KEY);\nINSERT INTO a VALUES (1);\n  INSERT INTO a VALUES (1);\nSELECT 1;\n',
      },
      env: { DATABASE_URL: dev.url },
    })

    const human = await project.run(['sync'])
    const json = await project.run(['sync', '--json'])

    expect(human.exitCode).toBe(1)
    expect(human.stdout).toContain('  database/1-a.sql:3:3\n    3 |   INSERT INTO a VALUES (1);\n          ^')
    expect(json.exitCode).toBe(1)
    expect(firstOutcome(json)).toMatchObject({ failed: { error: { code: '23505', line: 3, column: 3 } } })
    expect(await tablesIn(dev)).toEqual(OWN)
  })

  test('at the commit, by a deferred constraint, is named and rolled back', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({
      files: {
        'database/1-a.sql': 'CREATE TABLE a (id int PRIMARY KEY);\n',
        'database/2-b.sql':
          'CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO b VALUES (7);\n',
        'database/3-c.sql': 'CREATE TABLE c (id int);\n',
      },
      env: { DATABASE_URL: dev.url },
    })

    const result = await project.run(['sync', '--json'])

    expect(result.exitCode).toBe(1)
    expect(firstOutcome(result)).toMatchObject({
      done: [{ name: '1-a' }],
      failed: { name: '2-b', error: { code: '23503', message: expect.stringContaining('foreign key') } },
      left: [{ name: '3-c' }],
    })
    expect(await dev.query(HISTORY)).toEqual(applied('1-a'))
    expect(await tablesIn(dev)).toEqual(['a', ...OWN])
  })

  test('by its time limit says which setting to raise', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({
      files: {
        'database/1-a.sql': 'CREATE TABLE a (id int);\nSELECT pg_sleep(60);\n',
        'migration-manager.config.json': '{ "timeouts": { "statementSeconds": 1 } }',
      },
      env: { DATABASE_URL: dev.url },
    })

    const { exitCode, stdout } = await project.run(['sync'])

    expect(exitCode).toBe(1)
    expect(stdout).toContain('migration/failed 57014')
    expect(stdout).toContain('timeouts.statementSeconds')
    expect(await tablesIn(dev)).toEqual(OWN)
  })
})

describe('a database that cannot be worked on', () => {
  const FILES = { 'database/1-a.sql': 'CREATE TABLE a (id int);\n' }

  test('a user without the right to create tables is told what to grant', async () => {
    await using dev = await createDatabase('dev')
    const role = `visitor_${dev.name.slice(-12)}`
    await dev.query(`CREATE ROLE ${role} LOGIN PASSWORD 'visiting'`)
    try {
      await using project = createProject({
        files: FILES,
        env: { DATABASE_URL: dev.url.replace(/\/\/[^@]+@/, `//${role}:visiting@`) },
      })

      const human = await project.run(['sync'])
      const json = await project.run(['sync', '--json'])

      expect(human.exitCode).toBe(1)
      expect(human.stdout).toContain('target/permission-denied 42501')
      expect(human.stdout).toContain(`GRANT CREATE, USAGE ON SCHEMA public TO "${role}"`)
      expect(json.exitCode).toBe(1)
      expect(firstOutcome(json)).toMatchObject({
        status: 'failed',
        done: [],
        failed: { error: { code: '42501', hint: expect.stringContaining('GRANT CREATE') } },
      })
      expect(await tablesIn(dev)).toEqual([])
    } finally {
      await dev.query(`DROP ROLE ${role}`)
    }
  })

  test.for([
    {
      what: 'a wrong password',
      spoil: (url: string) => url.replace(/:[^:@]+@/, ':not-the-password@'),
      code: 'connection/wrong-password',
      says: 'Check user and password in STAGING_DATABASE_URL',
    },
    {
      what: 'a database that is not there',
      spoil: (url: string) => `${url}_absent`,
      code: 'connection/no-database',
      says: 'CREATE DATABASE "staging_',
    },
    {
      what: 'a port where nobody listens',
      spoil: (url: string) => url.replace(/:\d+\//, ':1/'),
      code: 'connection/refused',
      says: 'Check host and port in STAGING_DATABASE_URL',
    },
  ])('$what in one environment keeps all of them as they are', async ({ spoil, code, says }) => {
    await using dev = await createDatabase('dev')
    await using staging = await createDatabase('staging')
    await using project = createProject({
      files: FILES,
      env: { DATABASE_URL: dev.url, STAGING_DATABASE_URL: spoil(staging.url) },
    })

    const human = await project.run(['sync', '--yes'])
    const json = await project.run(['sync', '--yes', '--json'])

    expect({ exitCode: human.exitCode, stdout: human.stdout }).toEqual({ exitCode: 1, stdout: '' })
    expect(human.stderr).toContain(code)
    expect(human.stderr).toContain('staging could not be read: ')
    expect(human.stderr).toContain(says)
    expect(json.exitCode).toBe(1)
    expect(json.json()).toMatchObject({ status: 'error', error: { code, hint: expect.stringContaining(says) } })
    expect(await tablesIn(dev)).toEqual([])
    expect(await tablesIn(staging)).toEqual([])
  })
})

test('what was read and hashed is what runs, though the file is edited meanwhile', async () => {
  await using dev = await createDatabase('dev')
  await using project = createProject({
    files: {
      'database/1-slow.sql': 'SELECT pg_advisory_xact_lock(4711);\n',
      'database/2-b.sql': 'CREATE TABLE before (id int);\n',
    },
    env: { DATABASE_URL: dev.url },
  })
  await dev.query('SELECT pg_advisory_lock(4711)')
  const running = collect(project.start(['sync']))
  await vi.waitFor(
    async () =>
      expect(
        await dev.query(
          `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`,
        ),
      ).toHaveLength(1),
    { timeout: 20_000, interval: 50 },
  )
  project.write('database/2-b.sql', 'CREATE TABLE after (id int);\n')
  await dev.query('SELECT pg_advisory_unlock(4711)')

  const { exitCode } = await running
  const next = await project.run(['sync', '--json'])

  expect(exitCode).toBe(0)
  expect(await tablesIn(dev)).toEqual(['before', ...OWN])
  const [row] =
    await dev.query(`SELECT checksum = 'sha256:' || encode(sha256('CREATE TABLE before (id int);\n'), 'hex') AS old
    FROM schema_migrations WHERE migration_name = '2-b'`)
  expect(row).toEqual({ old: true })
  expect(next.exitCode).toBe(4)
  expect(next.json()).toMatchObject({ findings: [{ code: 'history/changed', migration: '2-b' }] })
})

describe('a file that would leave its transaction is refused before anything is written', () => {
  test.for([
    {
      what: 'COMMIT in the middle',
      sql: 'CREATE TABLE b (id int);\nCOMMIT;\nSELECT 1;\n',
      code: 'sql/transaction-control',
      line: 2,
      column: 1,
    },
    {
      what: 'END in the middle',
      sql: 'SELECT 1;\n  /* so */ END;\nSELECT 1;\n',
      code: 'sql/transaction-control',
      line: 2,
      column: 12,
    },
    {
      what: 'ROLLBACK',
      sql: 'CREATE TABLE b (id int);\nROLLBACK;\n',
      code: 'sql/transaction-control',
      line: 2,
      column: 1,
    },
    {
      what: 'COMMIT AND CHAIN',
      sql: 'SELECT 1; COMMIT AND CHAIN; SELECT 2;\n',
      code: 'sql/transaction-control',
      line: 1,
      column: 11,
    },
    {
      what: 'PREPARE TRANSACTION',
      sql: "SELECT 1;\nPREPARE TRANSACTION 'x';\n",
      code: 'sql/transaction-control',
      line: 2,
      column: 1,
    },
    { what: 'BEGIN without COMMIT', sql: 'BEGIN;\nSELECT 1;\n', code: 'sql/transaction-control', line: 1, column: 1 },
    {
      what: 'ABORT behind a savepoint',
      sql: 'SAVEPOINT s;\nROLLBACK TO s;\nABORT;\n',
      code: 'sql/transaction-control',
      line: 3,
      column: 1,
    },
    { what: 'an unclosed comment', sql: 'SELECT 1;\n/* never closed\n', code: 'sql/unterminated', line: 2, column: 1 },
    {
      what: 'an unclosed string',
      sql: "SELECT 1;\nSELECT 'never closed;\n",
      code: 'sql/unterminated',
      line: 2,
      column: 8,
    },
    { what: 'an unclosed dollar quote', sql: 'DO $x$ BEGIN END $y$;\n', code: 'sql/unterminated', line: 1, column: 4 },
    { what: 'a command of psql', sql: 'SELECT 1;\n\\i other.sql\n', code: 'sql/meta-command', line: 2, column: 1 },
    { what: 'COPY FROM stdin', sql: 'COPY a FROM stdin;\n1\n\\.\n', code: 'sql/copy-data', line: 1, column: 1 },
  ])('$what', async ({ sql, code, line, column }) => {
    await using dev = await createDatabase('dev')
    await using project = createProject({
      files: { 'database/1-a.sql': 'CREATE TABLE a (id int);\n', 'database/2-b.sql': sql },
      env: { DATABASE_URL: dev.url },
    })

    const human = await project.run(['sync'])
    const json = await project.run(['sync', '--json'])

    expect(human.exitCode).toBe(4)
    expect(human.stdout).toContain(code)
    expect(human.stdout).toContain(`database/2-b.sql:${line}:${column}\n`)
    expect(json.exitCode).toBe(4)
    expect(json.json()).toMatchObject({
      status: 'blocked',
      findings: [
        { code, severity: 'block', migration: '2-b', file: 'database/2-b.sql', line, column, hint: expect.any(String) },
      ],
    })
    expect(await tablesIn(dev)).toEqual([])
  })
})

describe('a file that changes its session leaves nothing of that to the next one', () => {
  const WHOAMI = `CREATE TABLE public.seen AS SELECT current_user::text AS who, session_user::text AS login,
    current_setting('search_path') AS path, current_setting('work_mem') AS memory, current_setting('standard_conforming_strings') AS strings;\n`

  test.for([
    { what: "search_path = ''", sql: "SET search_path = '';\nCREATE TABLE public.b (id int);\n" },
    {
      what: 'set_config of search_path, as pg_dump writes it',
      sql: "SELECT pg_catalog.set_config('search_path', '', false);\nCREATE TABLE public.b (id int);\n",
    },
    { what: 'SET LOCAL search_path', sql: "SET LOCAL search_path = 'pg_catalog';\nCREATE TABLE public.b (id int);\n" },
    { what: 'SET ROLE', sql: 'CREATE TABLE b (id int);\nSET ROLE pg_read_all_data;\n' },
    {
      what: 'SET SESSION AUTHORIZATION',
      sql: 'CREATE TABLE b (id int);\nSET SESSION AUTHORIZATION pg_read_all_data;\n',
    },
    { what: 'RESET ALL', sql: 'RESET ALL;\nCREATE TABLE b (id int);\n' },
    { what: 'a setting of its own', sql: "SET work_mem = '7MB';\nCREATE TABLE b (id int);\n" },
    { what: 'standard_conforming_strings', sql: 'CREATE TABLE b (id int);\nSET standard_conforming_strings = off;\n' },
    { what: 'client_min_messages', sql: 'SET client_min_messages = error;\nCREATE TABLE b (id int);\n' },
    {
      what: 'a row in a savepoint that is rolled back',
      sql: 'CREATE TABLE b (id int);\nSAVEPOINT s;\nDROP TABLE b;\nROLLBACK TO s;\n',
    },
    { what: 'pg_advisory_unlock_all()', sql: 'SELECT pg_advisory_unlock_all();\nCREATE TABLE b (id int);\n' },
    { what: 'a BEGIN and COMMIT around everything', sql: 'BEGIN;\nCREATE TABLE b (id int);\nCOMMIT;\n' },
    { what: 'a DO block', sql: "DO $$ BEGIN EXECUTE 'CREATE TABLE b (id int)'; END $$;\n" },
    { what: 'no last semicolon', sql: 'CREATE TABLE b (id int)' },
    { what: 'a line comment behind the last statement', sql: 'CREATE TABLE b (id int) -- done' },
    {
      what: 'a function with COMMIT in its text',
      sql: "CREATE TABLE b (id int);\nCREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 'COMMIT;' $$;\n",
    },
  ])('$what', async ({ sql }) => {
    await using dev = await createDatabase('dev')
    await using project = createProject({
      files: { 'database/1-a.sql': sql, 'database/2-seen.sql': WHOAMI },
      env: { DATABASE_URL: dev.url },
    })

    const { exitCode, stdout } = await project.run(['sync'])

    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 })
    expect(await dev.query(HISTORY)).toEqual(applied('1-a', '2-seen'))
    expect(await tablesIn(dev)).toEqual(['b', ...OWN, 'seen'])
    expect(await dev.query('SELECT * FROM seen')).toEqual([
      { who: 'postgres', login: 'postgres', path: '"$user", public', memory: '4MB', strings: 'on' },
    ])
  })
})

test('a procedure that commits inside of a migration fails and is rolled back', async () => {
  await using dev = await createDatabase('dev')
  await using project = createProject({
    files: {
      'database/1-a.sql':
        'CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;\nCREATE TABLE a (id int);\nCALL p();\n',
    },
    env: { DATABASE_URL: dev.url },
  })

  const result = await project.run(['sync', '--json'])

  expect(result.exitCode).toBe(1)
  expect(firstOutcome(result)).toMatchObject({ failed: { name: '1-a', error: { code: '2D000', line: 3, column: 1 } } })
  expect(await tablesIn(dev)).toEqual(OWN)
})
