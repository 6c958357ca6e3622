import { describe, expect, test, vi } from 'vitest'
import { collect, createProject } from '../support/cli.ts'
import type { TestProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

/*
 * Each test is named after what went wrong once.
 */

const ACCOUNT = 'CREATE TABLE acc (x int);\nINSERT INTO acc VALUES (0);\nCREATE TABLE other (id int);\n'

function projectOn(database: TestDatabase, files: Readonly<Record<string, string>>): TestProject {
  return createProject({ files: { 'database/001-acc.sql': ACCOUNT, ...files }, env: { DATABASE_URL: database.url } })
}

async function balance(database: TestDatabase): Promise<unknown> {
  return (await database.query('SELECT x FROM acc'))[0]?.['x']
}

describe('a migration that is carried out step by step', () => {
  test('whose block committed a part before a lock time-out is not run a second time', async () => {
    await using database = await createDatabase('reg')
    await using project = projectOn(database, {
      'migration-manager.config.json': '{ "timeouts": { "lockSeconds": 0.5 } }',
    })
    await project.run(['sync'])
    project.write('database/002-do.sql', 'DO $$ BEGIN UPDATE acc SET x = x + 10; COMMIT; LOCK TABLE other; END $$;\n')
    await database.query('BEGIN; LOCK TABLE other')

    const blocked = await project.run(['sync'])
    await database.query('COMMIT')
    const again = await project.run(['sync'])

    expect(blocked.exitCode).toBe(1)
    expect(blocked.stdout).toContain('repair abandon 002-do --env dev')
    expect(again.exitCode).toBe(6)
    expect(await balance(database)).toBe(10)
  })

  test('does not take a verify query about the whole file for one about the step in doubt', async () => {
    await using database = await createDatabase('reg')
    const text = `-- verify: SELECT to_regclass('acc_x') IS NOT NULL
CALL add10();
CREATE INDEX CONCURRENTLY acc_x ON acc (x);
`
    await using project = projectOn(database, { 'database/002-call.sql': text })
    await project.run(['sync', '--to', '001'])
    await database.query(
      'CREATE PROCEDURE add10() LANGUAGE plpgsql AS $$ BEGIN UPDATE acc SET x = x + 10; COMMIT; END $$; UPDATE acc SET x = 10',
    )
    const checksum = String((await project.run(['status', '--json'])).json()['migrations'][1].checksum)
    await database.query(
      `INSERT INTO schema_migrations VALUES ('002-call', '${checksum}', NULL, 'started', 0, NULL, 'me', NULL)`,
    )

    expect((await project.run(['sync'])).exitCode).toBe(6)
    expect(await balance(database)).toBe(10)
  })

  test.each([
    ['a BEGIN inside of an open transaction', 'BEGIN;\nCREATE TABLE a ();\nBEGIN;\nCREATE TABLE b ();\nCOMMIT;\n', 4],
    ['PREPARE TRANSACTION', "BEGIN;\nCREATE TABLE a ();\nPREPARE TRANSACTION 'x';\n", 4],
    ['VACUUM inside of its own transaction', 'BEGIN;\nCREATE TABLE a ();\nVACUUM;\nCOMMIT;\n', 4],
  ])('is refused rather than losing statements: %s', async (_what, text, line) => {
    await using database = await createDatabase('reg')
    await using project = projectOn(database, { 'database/002-x.sql': `-- migration: no-transaction\n${text}` })

    const result = await project.run(['sync', '--json'])

    expect(result.exitCode).toBe(4)
    expect(result.json()['findings']).toMatchObject([{ code: 'sql/transaction-control', line }])
  })

  test('that failed at a statement which can be repeated gives its claim back, so that a typo can be mended', async () => {
    await using database = await createDatabase('reg')
    await using project = projectOn(database, { 'database/002-v.sql': 'VACUUM nowhere;\n' })
    const failed = await project.run(['sync'])
    project.write('database/002-v.sql', 'VACUUM acc;\n')

    expect(failed.exitCode).toBe(1)
    expect((await project.run(['sync'])).exitCode).toBe(0)
  })

  test('whose file was edited in its middle is never called up to date', async () => {
    await using database = await createDatabase('reg')
    await using project = projectOn(database, {
      'database/002-m.sql': 'CREATE INDEX CONCURRENTLY acc_x ON acc (x);\nSELECT 1 / 0;\n',
    })
    await project.run(['sync'])
    project.write('database/002-m.sql', 'CREATE INDEX CONCURRENTLY acc_x ON acc (x);\nSELECT 1;\n')

    const plain = await project.run(['sync'])
    const allowed = await project.run(['sync', '--allow', 'history/changed'])

    expect([plain.exitCode, allowed.exitCode]).toEqual([4, 4])
    expect(plain.stdout).toContain('was edited after 1 of its steps had been done')
  })

  test('does not count an index in another schema as dropped', async () => {
    await using database = await createDatabase('reg')
    await using project = projectOn(database, { 'database/002-d.sql': 'DROP INDEX CONCURRENTLY hidden;\n' })
    await project.run(['sync', '--to', '001'])
    await database.query('CREATE SCHEMA app; CREATE TABLE app.t (id int); CREATE INDEX hidden ON app.t (id)')

    const result = await project.run(['sync'])

    expect(result.exitCode).toBe(1)
    expect(result.stdout).toContain('42704')
    expect(await database.query("SELECT to_regclass('app.hidden') IS NOT NULL AS there")).toEqual([{ there: true }])
  })
})

test('a file is not torn apart because a text equals a new enum value, when it holds itself together', async () => {
  await using database = await createDatabase('reg')
  await using project = projectOn(database, {
    'database/002-e.sql': "CREATE TYPE s AS ENUM ('a');\n",
    'database/003-e.sql':
      "BEGIN;\nALTER TYPE s ADD VALUE 'archived';\nCREATE TABLE labels (t text);\nINSERT INTO labels VALUES ('archived');\nSELECT 1 / 0;\nCOMMIT;\n",
  })

  expect((await project.run(['sync'])).exitCode).toBe(1)
  expect(await database.query("SELECT to_regclass('labels') AS t")).toEqual([{ t: null }])
  expect(
    await database.query("SELECT count(*)::int AS n FROM schema_migrations WHERE migration_name = '003-e'"),
  ).toEqual([{ n: 0 }])
})

test('what a file sets for its session does not reach the next file', async () => {
  await using database = await createDatabase('reg')
  await using project = projectOn(database, {
    'database/002-s.sql': "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;\nSET search_path = 'poison';\n",
    'database/003-t.sql': 'CREATE TABLE in_public (id int);\n',
  })

  expect((await project.run(['sync'])).exitCode).toBe(0)
  expect(await database.query("SELECT to_regclass('public.in_public') IS NOT NULL AS there")).toEqual([{ there: true }])
})

test('COPY TO stdout is refused with its line', async () => {
  await using database = await createDatabase('reg')
  await using project = projectOn(database, { 'database/002-c.sql': 'SELECT 1;\nCOPY acc TO STDOUT;\n' })

  const result = await project.run(['sync', '--json'])

  expect(result.exitCode).toBe(4)
  expect(result.json()['findings']).toMatchObject([{ code: 'sql/copy-data', line: 2 }])
})

test('prod does not get a file that was edited after the environment before had run it', async () => {
  await using dev = await createDatabase('dev')
  await using prod = await createDatabase('prod')
  await using project = createProject({
    files: { 'database/001-a.sql': 'CREATE TABLE a (id int);\n' },
    env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url },
  })
  await project.run(['sync', '--env', 'dev'])
  project.write('database/001-a.sql', 'CREATE TABLE a (id bigint);\n')

  const result = await project.run(['sync', '--env', 'prod', '--yes', '--json'])

  expect(result.exitCode).toBe(4)
  expect(result.json()['findings']).toMatchObject([
    { code: 'history/not-promoted', environment: 'prod', message: expect.stringContaining('another content') },
  ])
  expect(await prod.query("SELECT to_regclass('a') AS t")).toEqual([{ t: null }])
})

test('^C that comes while the server commits does not say "rolled back" of what is applied', async () => {
  await using database = await createDatabase('reg')
  await using project = projectOn(database, {})
  await project.run(['sync'])
  // A deferred trigger holds the COMMIT up, and no cancel reaches what a commit does behind it.
  await database.query(`CREATE TABLE slow (id int);
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      BEGIN PERFORM pg_sleep(1.5); EXCEPTION WHEN query_canceled THEN NULL; END; RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()`)
  project.write('database/002-w.sql', 'INSERT INTO slow VALUES (1);\n')

  const child = project.start(['sync', '--json'])
  const ended = collect(child)
  await vi.waitFor(
    async () => {
      const [row] = await database.query(
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
      )
      expect(row?.['n']).toBe(1)
    },
    { timeout: 20_000, interval: 50 },
  )
  child.kill('SIGINT')
  const result = await ended

  const rows = await database.query("SELECT status FROM schema_migrations WHERE migration_name = '002-w'")
  const [outcome] = result.json()['environments']
  const saysApplied = outcome.done.some(({ name }: { name: string }) => name === '002-w')
  expect(saysApplied).toBe(rows.length === 1)
})
