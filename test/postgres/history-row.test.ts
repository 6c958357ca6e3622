import { describe, expect, test, vi } from 'vitest'
import { collect, createProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'

/*
 * The statements of a migration's row are given to the session once, and run for each migration.
 */

describe.each([
  { how: 'one transaction a migration', args: ['sync', '--yes'] },
  { how: 'one transaction for all', args: ['sync', '--yes', '--atomic'] },
])('a file that makes the session forget its statements is applied all the same: $how', ({ args }) => {
  test.each(['DEALLOCATE ALL', 'DEALLOCATE PREPARE ALL', "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$"])(
    '%s',
    async (forget) => {
      await using database = await createDatabase('rows')
      await using project = createProject({
        files: {
          'database/001-a.sql': 'CREATE TABLE a (id int);\n',
          'database/002-forget.sql': `CREATE TABLE b (id int);\n${forget};\nINSERT INTO b VALUES (1);\n`,
          'database/003-c.sql': 'CREATE TABLE c (id int);\n',
        },
        env: { DATABASE_URL: database.url },
      })

      const run = await project.run(args)

      expect(run).toMatchObject({ exitCode: 0 })
      expect(await database.query('SELECT migration_name, status FROM schema_migrations ORDER BY 1')).toMatchObject([
        { migration_name: '001-a', status: 'applied' },
        { migration_name: '002-forget', status: 'applied' },
        { migration_name: '003-c', status: 'applied' },
      ])
      expect(await database.query('SELECT count(*)::int FROM b')).toMatchObject([{ count: 1 }])
      expect((await project.run(['history', '--check'])).exitCode).toBe(0)
    },
  )
})

test('a file that runs a prepared statement which nobody has made fails with the words of the server', async () => {
  await using database = await createDatabase('rows')
  await using project = createProject({
    files: { 'database/001-a.sql': 'CREATE TABLE a (id int);\nEXECUTE nobody_made_it;\n' },
    env: { DATABASE_URL: database.url },
  })

  const run = await project.run(['sync'])

  expect(run.exitCode).toBe(1)
  expect(run.stdout).toContain('prepared statement "nobody_made_it" does not exist')
  expect(run.stdout).toContain('001-a.sql:2')
})

test('a file that writes dates in another way than the database does not spoil the measured time', async () => {
  await using database = await createDatabase('rows')
  await database.query(
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET datestyle = ''SQL, DMY''', current_database()); END $$",
  )
  await using project = createProject({
    files: { 'database/001-a.sql': "SET datestyle = 'ISO, MDY';\nCREATE TABLE a (id int);\nSELECT pg_sleep(0.05);\n" },
    env: { DATABASE_URL: database.url },
  })

  const run = await project.run(['sync'])

  expect(run).toMatchObject({ exitCode: 0 })
  const [row] = await database.query(
    'SELECT h.duration_ms AS row, l.duration_ms AS log FROM schema_migrations h JOIN schema_migrations_log l USING (migration_name)',
  )
  expect(row?.['row']).toBeGreaterThanOrEqual(50)
  expect(row?.['row']).toBe(row?.['log'])
})

test('what fails among many brief statements is named with its file and line, though it was announced with others', async () => {
  await using database = await createDatabase('rows')
  const brief = (name: string, last: string): string =>
    `CREATE TABLE ${name} (id int);\nCOMMENT ON TABLE ${name} IS 'x';\nINSERT INTO ${name} VALUES (1);\n${last};\nCOMMENT ON TABLE ${name} IS 'y';\n`
  await using project = createProject({
    files: Object.fromEntries(
      Array.from({ length: 9 }, (_, index) => [
        `database/00${index + 1}-t.sql`,
        brief(`t${index}`, `INSERT INTO t${index} VALUES (${index === 6 ? '1 / 0' : '2'})`),
      ]),
    ),
    env: { DATABASE_URL: database.url },
  })

  const run = await project.run(['sync'])

  expect(run.exitCode).toBe(1)
  expect(run.stdout).toContain('database/007-t.sql:4')
  expect(run.stdout).toContain('division by zero')
  expect(await database.query('SELECT count(*)::int FROM schema_migrations')).toMatchObject([{ count: 6 }])
})

test('a statement that may take long is announced before it ends, with all that ran before it', async () => {
  await using database = await createDatabase('rows')
  await using project = createProject({
    files: {
      'database/001-a.sql': 'CREATE TABLE a (id int);\n',
      'database/002-b.sql': 'CREATE TABLE b (id int);\nLOCK TABLE gate;\nCREATE TABLE c (id int);\n',
    },
    env: { DATABASE_URL: database.url },
  })
  await database.query('CREATE TABLE gate (id int)')
  await database.query('BEGIN; LOCK TABLE gate')

  const child = project.start(['sync'])
  const ended = collect(child)
  let said = ''
  child.stderr.on('data', (chunk) => (said += String(chunk)))
  await vi.waitFor(() => expect(said).toContain('applied 001-a'), { timeout: 20_000, interval: 20 })
  expect(said).not.toContain('applied 002-b')
  await database.query('COMMIT')

  const run = await ended
  expect(run.exitCode).toBe(0)
  expect(run.stderr).toContain('applied 002-b')
})

test('a cast that never fails does not silence the guard of a file that lost its row', async () => {
  await using database = await createDatabase('rows')
  await using project = createProject({
    files: {
      'database/001-cast.sql': `CREATE FUNCTION to_int(text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN pg_catalog.int4in(pg_catalog.textout($1)); EXCEPTION WHEN others THEN RETURN 0; END $$;
CREATE CAST (text AS int) WITH FUNCTION to_int(text);
`,
      'database/002-lost.sql':
        "DELETE FROM schema_migrations WHERE migration_name = '002-lost';\nCREATE TABLE a (id int);\n",
    },
    env: { DATABASE_URL: database.url },
  })

  const run = await project.run(['sync', '--json'])

  expect(run.exitCode).toBe(6)
  expect(run.json()['environments'][0].failed.error.code).toBe('migration/escaped')
  expect(await database.query('SELECT migration_name FROM schema_migrations')).toMatchObject([
    { migration_name: '001-cast' },
  ])
})

test('what fails in a statement that an earlier message prepared is not blamed on another file', async () => {
  await using database = await createDatabase('rows')
  const files = Array.from({ length: 105 }, (_, index): [string, string] => {
    const number = String(index + 1).padStart(3, '0')
    return [`database/${number}-t.sql`, `CREATE TABLE t${number} (id int);\n`]
  })
  const rows = Array.from({ length: 300 }, (_, id) => `INSERT INTO t101 VALUES (${id});`).join('\n')
  await using project = createProject({
    files: {
      ...Object.fromEntries(files),
      'database/101-t.sql': `CREATE TABLE t101 (id int);\n${rows}\n`,
      'database/104-t.sql': 'CREATE TABLE t104 (id int);\nDROP TABLE schema_migrations;\n',
    },
    env: { DATABASE_URL: database.url },
  })

  const run = await project.run(['sync', '--json'])

  const [environment] = run.json()['environments']
  expect(run.exitCode).toBe(1)
  expect(environment.failed).toMatchObject({ name: '104-t', error: { file: 'database/104-t.sql', line: 2 } })
  expect(await database.query("SELECT migration_name FROM schema_migrations_log WHERE event = 'fail'")).toMatchObject([
    { migration_name: '104-t' },
  ])
  expect(await database.query('SELECT count(*)::int FROM schema_migrations')).toMatchObject([{ count: 103 }])
})

test('the server keeps the statements of the rows, and not the text of the migrations with them', async () => {
  await using database = await createDatabase('rows')
  await using project = createProject({
    files: {
      'database/001-large.sql': `CREATE TABLE kept AS SELECT name, statement FROM pg_prepared_statements;\n-- ${'x'.repeat(100_000)}\n`,
    },
    env: { DATABASE_URL: database.url },
  })

  const run = await project.run(['sync'])

  expect(run).toMatchObject({ exitCode: 0 })
  const kept = await database.query('SELECT statement FROM kept')
  expect(kept).toHaveLength(2)
  for (const { statement } of kept) expect(statement).toMatch(/^PREPARE "mm-[^;]*$/u)
})
