import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import type { TestProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const TABLE = 'CREATE TABLE t (id int PRIMARY KEY, note text);\n-- verify: SELECT count(*) = 0 FROM t WHERE id < 0\n'

function projectOn(
  { dev, prod }: { readonly dev: TestDatabase; readonly prod?: TestDatabase },
  files: Readonly<Record<string, string>>,
): TestProject {
  return createProject({
    files: { 'database/001-t.sql': TABLE, ...files },
    env: { DATABASE_URL: dev.url, ...(prod === undefined ? {} : { PROD_DATABASE_URL: prod.url }) },
  })
}

async function namesIn(database: TestDatabase): Promise<readonly unknown[]> {
  const rows = await database.query('SELECT migration_name AS name FROM schema_migrations ORDER BY 1')
  return rows.map(({ name }) => name)
}

describe('sync, before a migration counts as applied,', () => {
  test('asks its verify queries, and rolls it back when one is not true', async () => {
    await using dev = await createDatabase('verify')
    await using project = projectOn(
      { dev },
      {
        'database/002-rows.sql':
          'INSERT INTO t VALUES (1);\n\n-- verify: SELECT true\n-- verify: SELECT count(*) = 2 FROM t\n',
        'database/003-last.sql': 'CREATE TABLE last ();\n',
      },
    )

    const refused = await project.run(['sync', '--json'])
    const rows = await dev.query('SELECT count(*)::int AS n FROM t')
    const names = await namesIn(dev)
    const [logged] = await dev.query("SELECT detail->>'code' AS code FROM schema_migrations_log WHERE event = 'fail'")
    project.write('database/002-rows.sql', 'INSERT INTO t VALUES (1), (2);\n-- verify: SELECT count(*) = 2 FROM t\n')
    const mended = await project.run(['sync'])

    expect(refused.exitCode).toBe(1)
    expect(refused.json()).toMatchObject({
      status: 'failed',
      environments: [
        {
          done: [{ name: '001-t' }],
          failed: {
            name: '002-rows',
            error: {
              code: 'verify/false',
              file: 'database/002-rows.sql',
              line: 4,
              column: 12,
              hint: expect.stringContaining('SELECT count(*) = 2 FROM t'),
            },
          },
          left: [{ name: '003-last' }],
        },
      ],
    })
    expect(rows).toEqual([{ n: 0 }])
    expect(names).toEqual(['001-t'])
    expect(logged).toEqual({ code: 'verify/false' })
    expect(mended.exitCode).toBe(0)
  })

  test.each([
    ['answers null', 'SELECT max(id) > 0 FROM t', 'verify/false'],
    ['has no row', 'SELECT true FROM t', 'verify/false'],
    ['is no boolean', 'SELECT count(*) FROM t', '42804'],
    ['has two columns', 'SELECT true, true', '42601'],
    ['has two rows', 'SELECT true FROM (VALUES (1), (2)) v', '21000'],
    ['fails', 'SELECT count(*) > 0 FROM missing', '42P01'],
    ['would write', "SELECT note('x')", '25006'],
  ])('refuses a query that %s', async (_, query, code) => {
    await using dev = await createDatabase('verify')
    await using project = projectOn(
      { dev },
      {
        'database/002-note.sql':
          "CREATE FUNCTION note(text) RETURNS boolean LANGUAGE sql AS 'INSERT INTO t VALUES (7, $1) RETURNING true';\n",
        'database/003-query.sql': `CREATE TABLE other ();\n-- verify: ${query}\n`,
      },
    )

    const refused = await project.run(['sync', '--json'])

    expect(refused.exitCode).toBe(1)
    expect(refused.json()['environments'][0].failed).toMatchObject({
      name: '003-query',
      error: { code, file: 'database/003-query.sql', line: 2, column: 12 },
    })
    expect(await namesIn(dev)).toEqual(['001-t', '002-note'])
    expect(await dev.query('SELECT * FROM t')).toEqual([])
  })

  test('asks as the session that it is, whatever search_path and role the file has set', async () => {
    await using dev = await createDatabase('verify')
    await using project = projectOn(
      { dev },
      {
        'database/002-dump.sql':
          "SELECT pg_catalog.set_config('search_path', '', false);\nSET ROLE pg_read_all_data;\n-- verify: SELECT current_user = session_user AND count(*) = 0 FROM t\n",
        'database/003-after.sql': 'INSERT INTO t VALUES (1);\n-- verify: SELECT count(*) = 1 FROM t WHERE id = 1\n',
      },
    )

    expect((await project.run(['sync'])).exitCode).toBe(0)
    expect(await dev.query('SELECT id FROM t')).toEqual([{ id: 1 }])
  })

  test('keeps the steps of a migration that runs step by step, and asks again in the next run', async () => {
    await using dev = await createDatabase('verify')
    await using project = projectOn(
      { dev },
      {
        'database/002-index.sql':
          'CREATE INDEX CONCURRENTLY t_note ON t (note);\nINSERT INTO t VALUES (1);\n-- verify: SELECT count(*) = 2 FROM t\n',
      },
    )

    const refused = await project.run(['sync'])
    const [row] = await dev.query("SELECT status, step FROM schema_migrations WHERE migration_name = '002-index'")
    await dev.query('INSERT INTO t VALUES (2)')
    const again = await project.run(['sync'])

    expect(refused.exitCode).toBe(1)
    expect(refused.stdout).toContain('verify/false')
    expect(refused.stdout).toContain('All 2 steps are done, and stay.')
    expect(row).toEqual({ status: 'started', step: 2 })
    expect(again.exitCode).toBe(0)
    expect(await dev.query('SELECT id FROM t ORDER BY 1')).toEqual([{ id: 1 }, { id: 2 }])
  })

  test('leaves no environment changed when it is atomic and one does not hold', async () => {
    await using dev = await createDatabase('verify')
    await using prod = await createDatabase('verify')
    await using project = projectOn({ dev, prod }, {})
    await project.run(['sync', '--yes'])
    await prod.query('INSERT INTO t VALUES (5)')
    project.write('database/002-empty.sql', 'CREATE TABLE u ();\n-- verify: SELECT count(*) = 0 FROM t\n')

    const refused = await project.run(['sync', '--yes', '--atomic'])

    expect(refused.exitCode).toBe(1)
    expect(refused.stdout).toContain('verify/false')
    expect([await namesIn(dev), await namesIn(prod)]).toEqual([['001-t'], ['001-t']])
  })
})

describe('verify', () => {
  test('asks every applied migration in every environment, and says that all hold', async () => {
    await using dev = await createDatabase('verify')
    await using prod = await createDatabase('verify')
    await using project = projectOn({ dev, prod }, { 'database/002-u.sql': 'CREATE TABLE u ();\n' })
    await project.run(['sync', '--yes'])
    project.write('database/003-pending.sql', 'CREATE TABLE v ();\n-- verify: SELECT false\n')

    const text = await project.run(['verify'])
    const json = await project.run(['verify', '--json'])

    expect([text.exitCode, json.exitCode]).toEqual([0, 0])
    expect(text.stdout).toBe(
      '✓ dev  the one verify query holds, nothing damaged\n✓ prod  the one verify query holds, nothing damaged\n',
    )
    const query = {
      migration: '001-t',
      query: 'SELECT count(*) = 0 FROM t WHERE id < 0',
      file: 'database/001-t.sql',
      line: 2,
      column: 12,
      holds: true,
      problem: null,
    }
    expect(json.json()).toEqual({
      status: 'verified',
      environments: ['dev', 'prod'].map((name) => ({
        name,
        engine: 'postgres',
        reachable: true,
        queries: [query],
        error: null,
      })),
      findings: [],
    })
  })

  test('ends with 4 and names what does not hold, what cannot be asked and what is damaged, and writes nothing', async () => {
    await using dev = await createDatabase('verify')
    await using prod = await createDatabase('verify')
    await using project = projectOn(
      { dev, prod },
      {
        'database/002-u.sql': 'CREATE TABLE u (id int);\n-- verify:\n-- SELECT count(*) = 0 FROM u;\n-- SELECT true;\n',
      },
    )
    await project.run(['sync', '--yes'])
    await prod.query('INSERT INTO t VALUES (-1)')
    await prod.query('DROP TABLE u')
    await prod.query("INSERT INTO t VALUES (1, 'a'), (2, 'a')")
    await prod.query('CREATE UNIQUE INDEX CONCURRENTLY t_note ON t (note)').catch(() => {})
    await prod.query('ALTER TABLE t ADD CONSTRAINT positive CHECK (id > 0) NOT VALID')
    const before = await prod.query('SELECT xmin::text, * FROM schema_migrations')

    const json = await project.run(['verify', '--json'])
    const text = await project.run(['verify'])
    const allowed = await project.run([
      'verify',
      ...['verify/false', 'verify/failed', 'schema/invalid-index', 'schema/unvalidated-constraint'].flatMap((code) => [
        '--allow',
        code,
      ]),
    ])

    expect([json.exitCode, text.exitCode, allowed.exitCode]).toEqual([4, 4, 0])
    expect(json.json()['status']).toBe('blocked')
    expect(json.json()['findings']).toMatchObject([
      { code: 'verify/false', severity: 'block', environment: 'prod', migration: '001-t', line: 2 },
      {
        code: 'verify/failed',
        environment: 'prod',
        migration: '002-u',
        line: 3,
        message: expect.stringContaining('42P01'),
      },
      { code: 'schema/unvalidated-constraint', message: expect.stringContaining('positive') },
      { code: 'schema/invalid-index', hint: expect.stringContaining('REINDEX INDEX CONCURRENTLY "public"."t_note"') },
    ])
    expect(text.stdout).toContain('✗ prod  2 of 3 verify queries do not hold, 2 objects damaged')
    expect(text.stdout).toContain('✓ dev  all 3 verify queries hold, nothing damaged')
    expect(await prod.query('SELECT xmin::text, * FROM schema_migrations')).toEqual(before)
  })

  test('was silent in GitHub Actions, and told of several bad files as one', async () => {
    await using dev = await createDatabase('verify')
    await using project = projectOn({ dev }, {})
    const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: join(project.dir, 'page.md') }
    await project.run(['sync'])
    await dev.query('INSERT INTO t VALUES (-1)')

    const verified = await project.run(['verify'], { env })
    const page = project.read('page.md')
    project.write('database/bad.sql', '')
    project.write('database/002.sql', '')
    const unread = await project.run(['verify'], { env })

    expect(verified.stderr).toContain(
      '::error title=verify/false,file=database/001-t.sql,line=2,col=12::001-t does not',
    )
    expect(page).toContain('- **verify/false** 001-t does not hold in dev')
    expect(unread.stderr.split('\n').filter((line) => line.startsWith('::error'))).toEqual([
      expect.stringMatching(
        /^::error title=migration\/bad-name,file=database\/002\.sql,line=1,col=1::database\/002\.sql: .*%0A/,
      ),
      expect.stringMatching(
        /^::error title=migration\/bad-name,file=database\/bad\.sql,line=1,col=1::database\/bad\.sql: .*%0A/,
      ),
    ])
  })

  test('finds an applied file that was edited, and asks it all the same', async () => {
    await using dev = await createDatabase('verify')
    await using project = projectOn({ dev }, {})
    await project.run(['sync'])
    project.write('database/001-t.sql', `${TABLE}-- verify: SELECT false\n`)

    const found = await project.run(['verify', '--json'])

    expect(found.exitCode).toBe(4)
    expect(found.json()['findings']).toMatchObject([{ code: 'history/changed' }, { code: 'verify/false', line: 3 }])
  })

  test('shows the others when one environment cannot be reached, and ends with 1', async () => {
    await using dev = await createDatabase('verify')
    await using project = projectOn({ dev }, {})
    await project.run(['sync'])

    const found = await project.run(['verify', '--json'], {
      env: { PROD_DATABASE_URL: 'postgres://postgres:secret@127.0.0.1:1/app' },
    })

    expect(found.exitCode).toBe(1)
    expect(found.json()).toMatchObject({
      status: 'failed',
      environments: [
        { name: 'dev', reachable: true, queries: [{ holds: true }] },
        { name: 'prod', reachable: false, error: { code: 'connection/refused' } },
      ],
    })
  })

  test('gives up on a query that takes longer than a statement may, and goes on with the next', async () => {
    await using dev = await createDatabase('verify')
    await using project = projectOn(
      { dev },
      {
        'database/002-slow.sql': 'CREATE TABLE slow ();\n-- verify: SELECT count(*) >= 0 FROM slow\n',
        'migration-manager.config.json': JSON.stringify({ timeouts: { statementSeconds: 1 } }),
      },
    )
    await project.run(['sync'])
    await dev.query('DROP TABLE slow; CREATE VIEW slow AS SELECT 1 AS x FROM pg_sleep(60)')

    const found = await project.run(['verify', '--json'])

    expect(found.exitCode).toBe(4)
    expect(found.json()['environments'][0].queries).toMatchObject([
      { migration: '001-t', holds: true },
      { migration: '002-slow', holds: null, problem: { code: '57014' } },
    ])
  })
})
