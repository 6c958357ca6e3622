import { describe, expect, test, vi } from 'vitest'
import { createProject } from '../support/cli.ts'
import type { TestProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const TABLE = 'CREATE TABLE t (id int, name text);\nINSERT INTO t SELECT i, i::text FROM generate_series(1, 50) i;\n'

/** A project whose first file makes the table t, on one database. */
function projectOn(database: TestDatabase, files: Readonly<Record<string, string>>): TestProject {
  return createProject({ files: { 'database/001-t.sql': TABLE, ...files }, env: { DATABASE_URL: database.url } })
}

async function validIndexes(database: TestDatabase): Promise<Readonly<Record<string, boolean>>> {
  const rows = await database.query(`SELECT c.relname, i.indisvalid AND i.indisready AS valid
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 't'::regclass ORDER BY 1`)
  return Object.fromEntries(rows.map(({ relname, valid }) => [String(relname), valid === true]))
}

async function rowOf(database: TestDatabase, name: string): Promise<Record<string, unknown> | undefined> {
  const rows = await database.query(`SELECT status, step FROM schema_migrations WHERE migration_name = '${name}'`)
  return rows[0]
}

describe('a migration that cannot run in a transaction', () => {
  test('is carried out step by step without being told to, transactional statements among them', async () => {
    await using database = await createDatabase('steps')
    await using project = projectOn(database, {
      'database/002-mixed.sql': `SET maintenance_work_mem = '32MB';
CREATE INDEX CONCURRENTLY t_id ON t (id);
INSERT INTO t VALUES (100, 'mark');
CREATE UNIQUE INDEX CONCURRENTLY t_name ON t (name);
VACUUM t;
DROP INDEX CONCURRENTLY t_id;
REINDEX TABLE CONCURRENTLY t;
`,
      'database/003-type.sql': "CREATE TYPE mood AS ENUM ('ok');\n",
      'database/004-value.sql': "ALTER TYPE mood ADD VALUE 'bad';\nCREATE TABLE m (x mood DEFAULT 'bad');\n",
      'database/005-own.sql':
        '-- migration: no-transaction\nBEGIN;\nCREATE TABLE n (x int);\nINSERT INTO n VALUES (1);\nCOMMIT;\nVACUUM n;\n',
    })

    const result = await project.run(['sync', '--json'])

    expect(result.exitCode).toBe(0)
    expect(result.json()).toMatchObject({ status: 'applied', findings: expect.arrayContaining([]) })
    expect(await validIndexes(database)).toEqual({ t_name: true })
    expect(await database.query('SELECT count(*)::int AS n FROM t WHERE id = 100')).toEqual([{ n: 1 }])
    expect(await database.query('SELECT count(*)::int AS n FROM n')).toEqual([{ n: 1 }])
    expect(await rowOf(database, '002-mixed')).toEqual({ status: 'applied', step: 7 })
    expect(await rowOf(database, '005-own')).toEqual({ status: 'applied', step: 2 })
  })

  test('that fails at its first step leaves nothing behind, so that the file can be mended', async () => {
    await using database = await createDatabase('steps')
    await using project = projectOn(database, {
      'database/002-double.sql': "INSERT INTO t VALUES (1, '1');\n",
      'database/003-unique.sql': 'CREATE UNIQUE INDEX CONCURRENTLY t_name ON t (name);\n',
    })

    const failed = await project.run(['sync'])
    const indexes = await validIndexes(database)
    const row = await rowOf(database, '003-unique')
    project.write('database/003-unique.sql', 'CREATE INDEX CONCURRENTLY t_name ON t (name);\n')
    const mended = await project.run(['sync'])

    expect(failed.exitCode).toBe(1)
    expect(failed.stdout).toContain('migration/failed 23505')
    expect(failed.stdout).toContain('database/003-unique.sql:1:1')
    expect(indexes).toEqual({})
    expect(row).toBeUndefined()
    expect(mended.exitCode).toBe(0)
    expect(await validIndexes(database)).toEqual({ t_name: true })
  })

  test('that fails in its middle says what is done, keeps its place and goes on there', async () => {
    await using database = await createDatabase('steps')
    await using project = projectOn(database, {
      'database/002-middle.sql':
        "CREATE INDEX CONCURRENTLY t_id ON t (id);\nINSERT INTO t VALUES (1, '1');\nCREATE UNIQUE INDEX CONCURRENTLY t_name ON t (name);\n",
    })

    const failed = await project.run(['sync'])
    const row = await rowOf(database, '002-middle')
    const status = await project.run(['status', '--json'])
    await database.query("DELETE FROM t WHERE ctid IN (SELECT max(ctid) FROM t WHERE name = '1')")
    const resumed = await project.run(['sync'])

    expect(failed.exitCode).toBe(1)
    expect(failed.stdout).toContain('Steps 1 to 2 of 3 are done.')
    expect(row).toEqual({ status: 'started', step: 2 })
    expect(status.json()['findings']).toMatchObject([{ code: 'history/unfinished', severity: 'warn' }])
    expect(resumed.exitCode).toBe(0)
    expect(await validIndexes(database)).toEqual({ t_id: true, t_name: true })
    expect(await rowOf(database, '002-middle')).toEqual({ status: 'applied', step: 3 })
  })

  test('replaces an invalid index that an earlier attempt left behind, also under IF NOT EXISTS', async () => {
    await using database = await createDatabase('steps')
    await using project = projectOn(database, {})
    await project.run(['sync'])
    await database.query("INSERT INTO t VALUES (1, '1')")
    await database.query('CREATE UNIQUE INDEX CONCURRENTLY t_name ON t (name)').catch(() => {})
    const before = await validIndexes(database)
    await database.query("DELETE FROM t WHERE ctid IN (SELECT max(ctid) FROM t WHERE name = '1')")
    project.write('database/002-again.sql', 'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS t_name ON t (name);\n')

    const result = await project.run(['sync'])

    expect(before).toEqual({ t_name: false })
    expect(result.exitCode).toBe(0)
    expect(await validIndexes(database)).toEqual({ t_name: true })
  })

  test('takes an index that is there already for its own only if it is the same', async () => {
    await using database = await createDatabase('steps')
    await using project = projectOn(database, {})
    await project.run(['sync'])
    await database.query('CREATE INDEX same ON t (lower(name)) WHERE id > 5; CREATE INDEX other ON t (id)')
    project.write(
      'database/002-same.sql',
      'CREATE INDEX CONCURRENTLY same ON t USING btree (lower(name)) WHERE (id > 5);\n',
    )
    const same = await project.run(['sync'])
    project.write('database/003-other.sql', 'CREATE INDEX CONCURRENTLY IF NOT EXISTS other ON t (name);\n')
    const other = await project.run(['sync'])

    expect(same.exitCode).toBe(0)
    expect(other.exitCode).toBe(1)
    expect(other.stdout).toContain('there is already another index other')
    expect(await rowOf(database, '003-other')).toBeUndefined()
  })

  test('whose step cannot be judged needs a person, who is told what to type', async () => {
    await using database = await createDatabase('steps')
    const body = "DO $$BEGIN INSERT INTO t VALUES (900, 'do'); COMMIT; END$$;\n"
    await using project = projectOn(database, { 'database/002-do.sql': `-- migration: no-transaction\n${body}` })
    await project.run(['sync', '--to', '001'])
    // What a run leaves behind that is killed after it has sent the statement.
    const checksum = String((await project.run(['status', '--json'])).json()['migrations'][1].checksum)
    await database.query(
      `INSERT INTO schema_migrations VALUES ('002-do', '${checksum}', NULL, 'started', 0, NULL, 'me', NULL)`,
    )

    const stuck = await project.run(['sync'])
    const marks = await database.query('SELECT count(*)::int AS n FROM t WHERE id = 900')
    await database.query("UPDATE schema_migrations SET step = 1 WHERE migration_name = '002-do'")
    const decided = await project.run(['sync'])

    expect(stuck.exitCode).toBe(6)
    expect(stuck.stdout).toContain('UPDATE "public".schema_migrations SET step = 1')
    expect(marks).toEqual([{ n: 0 }])
    expect(decided.exitCode).toBe(0)
    expect(await database.query('SELECT count(*)::int AS n FROM t WHERE id = 900')).toEqual([{ n: 0 }])
  })

  test('is judged by the verify query of its file where it has one', async () => {
    await using database = await createDatabase('steps')
    const text = `-- migration: no-transaction
-- verify: SELECT EXISTS (SELECT FROM t WHERE id = 900)
DO $$BEGIN INSERT INTO t VALUES (900, 'do'); COMMIT; END$$;
`
    await using project = projectOn(database, { 'database/002-do.sql': text })
    await project.run(['sync', '--to', '001'])
    const checksum = String((await project.run(['status', '--json'])).json()['migrations'][1].checksum)
    await database.query(
      `INSERT INTO schema_migrations VALUES ('002-do', '${checksum}', NULL, 'started', 0, NULL, 'me', NULL)`,
    )

    const result = await project.run(['sync'])

    expect(result.exitCode).toBe(0)
    expect(await database.query('SELECT count(*)::int AS n FROM t WHERE id = 900')).toEqual([{ n: 1 }])
  })

  test.each([
    ['an index without a name', 'CREATE INDEX CONCURRENTLY ON t (id);\n', 'sql/unnamed-index'],
    ['a role that would outlive its step', 'SET ROLE postgres;\nVACUUM;\n', 'sql/role-in-steps'],
    ['a statement that would drop the lock', 'DISCARD ALL;\nVACUUM;\n', 'sql/discard-all'],
  ])('is refused before any write for %s', async (_name, text, code) => {
    await using database = await createDatabase('steps')
    await using project = projectOn(database, { 'database/002-bad.sql': text })

    const result = await project.run(['sync', '--json'])

    expect(result.exitCode).toBe(4)
    expect(result.json()['findings']).toMatchObject([{ code, severity: 'block', line: 1 }])
    expect(await database.query("SELECT to_regclass('t') AS t")).toEqual([{ t: null }])
  })
})

describe('a lock that somebody else holds', () => {
  test('is waited for with a limit, its holder named, and had as soon as it is free', async () => {
    await using database = await createDatabase('blocked')
    await using project = projectOn(database, {
      'migration-manager.config.json': '{ "timeouts": { "lockSeconds": 1.5 } }',
    })
    await project.run(['sync'])
    project.write('database/002-alter.sql', 'ALTER TABLE t ADD COLUMN extra int;\n')
    await database.query("SET application_name = 'nightly-report'; BEGIN; LOCK TABLE t IN ACCESS SHARE MODE")

    const child = project.start(['sync'])
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const exit = new Promise<number | null>((resolve) => child.once('close', resolve))
    await vi.waitFor(() => expect(stderr).toContain('attempt 2 of 11'), { timeout: 20_000, interval: 50 })
    await database.query('COMMIT')

    expect(await exit).toBe(0)
    expect(stderr).toMatch(/waiting for a lock that pid \d+ \(nightly-report, as postgres, idle in transaction/)
    expect(stderr).toMatch(/lock timeout, blocked by pid \d+ \(nightly-report/)
  })
})
