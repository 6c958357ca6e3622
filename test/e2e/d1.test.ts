import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import type { TestProject } from '../support/cli.ts'
import { startDatabases } from '../support/d1/database.ts'
import { createRemote } from '../support/d1/remote.ts'
import type { RemoteDatabase } from '../support/d1/remote.ts'
import { createDatabase } from '../support/server.ts'

const databases = startDatabases(60)
afterAll(() => databases[Symbol.asyncDispose]())

const USERS = `CREATE TABLE users (id text PRIMARY KEY, changes integer NOT NULL DEFAULT 0);
CREATE TRIGGER users_count AFTER UPDATE OF id ON users BEGIN
  UPDATE users SET changes = CASE WHEN new.id = 'x' THEN 0 ELSE changes + 1 END WHERE id = new.id;
END;
-- Rollback:
-- DROP TRIGGER users_count;
-- DROP TABLE users;
`
const FILES = {
  'd1/001-users.sql': USERS,
  'd1/002-keys.sql':
    'CREATE TABLE keys (id text PRIMARY KEY, user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE);\n-- Rollback:\n-- DROP TABLE keys;\n',
} as const

const LOCAL = { DATABASE_URL: 'd1-local:app', MIGRATIONS_DIR: 'd1' }

function remoteProject(remote: RemoteDatabase, files: Readonly<Record<string, string>> = FILES): TestProject {
  return createProject({ files, env: { DATABASE_URL: remote.url, MIGRATIONS_DIR: 'd1', ...remote.env } })
}

describe('the commands on D1', () => {
  test('local and remote go up, down and up again, in one matrix with PostgreSQL', async () => {
    await using pg = await createDatabase('beside')
    await using remote = await createRemote(databases)
    await using project = createProject({
      files: { ...FILES, 'database/001-users.sql': 'CREATE TABLE users (id int);\n' },
      env: {
        DATABASE_URL: pg.url,
        LOCAL_DATABASE_URL: 'd1-local:app',
        LOCAL_MIGRATIONS_DIR: 'd1',
        REMOTE_DATABASE_URL: remote.url,
        REMOTE_MIGRATIONS_DIR: 'd1',
        MIGRATION_ENVIRONMENTS: 'dev,local,remote',
        ...remote.env,
      },
    })

    const up = await project.run(['sync', '--yes', '--json'])
    const status = await project.run(['status', '--check', '--json'])
    const down = await project.run(['rollback', '--to', '0', '--env', 'local,remote', '--yes', '--json'])
    const between = await remote.applied()
    const again = await project.run(['sync', '--yes', '--json'])
    const history = await project.run(['history', '--check', '--json'])

    expect({ exitCode: up.exitCode, stderr: up.stderr }).toMatchObject({ exitCode: 0 })
    expect(up.json()).toMatchObject({
      status: 'applied',
      environments: [
        { name: 'dev', done: [{ name: '001-users' }] },
        { name: 'local', done: [{ name: '001-users' }, { name: '002-keys' }] },
        { name: 'remote', done: [{ name: '001-users' }, { name: '002-keys' }] },
      ],
    })
    expect(status.exitCode).toBe(0)
    expect(status.json()).toMatchObject({
      inSync: true,
      environments: [{ engine: 'postgres' }, { engine: 'd1' }, { engine: 'd1' }],
      migrations: [
        { file: 'database/001-users.sql', environments: { dev: { state: 'applied' } } },
        { file: 'd1/001-users.sql', environments: { local: { state: 'applied' }, remote: { state: 'applied' } } },
        { file: 'd1/002-keys.sql' },
      ],
    })
    expect(down.exitCode).toBe(0)
    expect(between).toEqual([])
    expect(again.json()).toMatchObject({
      environments: [{ status: 'up-to-date' }, { status: 'applied' }, { status: 'applied' }],
    })
    expect(await remote.applied()).toEqual(['001-users', '002-keys'])
    expect(history.exitCode).toBe(0)
    // Past the tool: the trigger came through whole.
    await remote.query("INSERT INTO users (id) VALUES ('a')")
    await remote.query("UPDATE users SET id = 'b'")
    expect(await remote.query('SELECT id, changes FROM users')).toEqual([{ id: 'b', changes: 1 }])
  })

  test('init, plan, verify, repair and history work on the local state of wrangler', async () => {
    await using project = createProject({
      files: {
        ...FILES,
        'd1/003-row.sql': "INSERT INTO users (id) VALUES ('a');\n-- verify: SELECT count(*) = 1 FROM users\n",
      },
      env: LOCAL,
    })

    expect((await project.run(['init'])).exitCode).toBe(0)
    expect((await project.run(['init', '--json'])).json()).toMatchObject({ environments: [{ status: 'up-to-date' }] })
    const plan = await project.run(['plan', '--sql'])
    expect(plan.stdout).toContain('CREATE TRIGGER users_count')
    expect((await project.run(['sync'])).exitCode).toBe(0)
    expect((await project.run(['verify'])).exitCode).toBe(0)
    project.write('d1/003-row.sql', `${project.read('d1/003-row.sql')}-- a comment\n`)
    expect((await project.run(['sync'])).exitCode).toBe(4)
    const repaired = await project.run([
      'repair',
      'accept-checksum',
      '003',
      '--env',
      'dev',
      '--reason',
      'a comment only',
      '--yes',
    ])
    expect({ exitCode: repaired.exitCode, stderr: repaired.stderr }).toMatchObject({ exitCode: 0 })
    expect((await project.run(['status', '--check'])).exitCode).toBe(0)
    const log = await project.run(['history', '--log', '--json'])
    expect(log.stdout).toContain('a comment only')
    expect((await project.run(['history', '--check'])).exitCode).toBe(0)
    expect(existsSync(`${project.dir}/.wrangler/state/v3/d1/miniflare-D1DatabaseObject`)).toBe(true)
  })

  test('check --reversible takes each migration up, down and up on a throw-away D1, and names what a rollback leaves', async () => {
    await using project = createProject({
      files: {
        ...FILES,
        'd1/003-leaves.sql':
          'CREATE TABLE IF NOT EXISTS left_over (a text);\nCREATE INDEX IF NOT EXISTS left_over_a ON left_over (a);\n-- Rollback:\n-- DROP INDEX left_over_a;\n',
        'd1/004-prose.sql': 'CREATE TABLE a (b text);\n-- Rollback:\n-- just drop it\n',
        'd1/005-renames.sql': 'ALTER TABLE a RENAME TO c;\n-- Rollback:\n-- ALTER TABLE c RENAME TO a;\n',
      },
      env: LOCAL,
    })

    const run = await project.run(['check', '--reversible', '--json'])

    expect({ exitCode: run.exitCode, stderr: run.stderr }).toMatchObject({ exitCode: 4 })
    expect(run.json()['migrations'].map(({ name, status }: Record<string, string>) => [name, status])).toEqual([
      ['001-users', 'reversible'],
      ['002-keys', 'reversible'],
      ['003-leaves', 'failed'],
      ['004-prose', 'failed'],
      ['005-renames', 'reversible'],
    ])
    expect(run.json()['findings'].map(({ code, message }: Record<string, string>) => [code, message])).toEqual(
      expect.arrayContaining([
        ['sql/rollback-not-sql', expect.stringContaining('The rollback of 004-prose is not SQL')],
        ['rollback/incomplete', 'The rollback of 003-leaves leaves behind column left_over.a.'],
      ]),
    )
    expect(existsSync(`${project.dir}/.wrangler`)).toBe(false)
  })

  test('a status is one request; a sync two to read, one for the lock, one a migration, and one to give the lock back', async () => {
    await using remote = await createRemote(databases)
    await using project = remoteProject(remote)
    const requestsOf = async (...args: readonly string[]): Promise<number> => {
      const before = remote.shim.requests
      expect((await project.run(args)).exitCode).toBe(0)
      return remote.shim.requests - before
    }
    await requestsOf('sync')
    project.write('d1/003-a.sql', 'CREATE TABLE a (b text);\n')
    project.write('d1/004-b.sql', 'CREATE TABLE b (c text);\n')

    expect(await requestsOf('status')).toBe(1)
    expect(await requestsOf('sync')).toBe(2 + 1 + 2 + 1)
    expect(await requestsOf('sync')).toBe(1)
  })

  test('history --check finds a row of the log that was edited, and one that is gone', async () => {
    await using remote = await createRemote(databases)
    await using project = remoteProject(remote)
    expect((await project.run(['sync'])).exitCode).toBe(0)
    expect((await project.run(['history', '--check'])).exitCode).toBe(0)

    await remote.query("UPDATE schema_migrations_log SET os_user = 'somebody' WHERE migration_name = '001-users'")
    const edited = await project.run(['history', '--check'])
    await remote.query("DELETE FROM schema_migrations_log WHERE migration_name = '001-users'")
    const removed = await project.run(['history', '--check'])

    expect({ exitCode: edited.exitCode, stdout: edited.stdout }).toMatchObject({
      exitCode: 4,
      stdout: expect.stringContaining('row 2 (001-users) was edited'),
    })
    expect({ exitCode: removed.exitCode, stdout: removed.stdout }).toMatchObject({
      exitCode: 4,
      stdout: expect.stringContaining('rows are missing before row 3'),
    })
  })

  test('a time that is none hides no row of the log, and takes no other environment with it', async () => {
    await using remote = await createRemote(databases)
    await using project = remoteProject(remote)
    expect((await project.run(['sync'])).exitCode).toBe(0)

    await remote.query("UPDATE schema_migrations_log SET at = 'x' WHERE id = 2")
    await remote.query("UPDATE schema_migrations SET applied_at = 'x' WHERE migration_name = '001-users'")
    const checked = await project.run(['history', '--check', '--json'])
    const history = await project.run(['history'])
    const csv = await project.run(['history', '--csv', '--since', '2w'])
    const status = await project.run(['status', '--json'])

    expect({ exitCode: checked.exitCode, json: checked.json() }).toMatchObject({
      exitCode: 4,
      json: { intact: false, environments: [{ log: { intact: false, id: 2, reason: 'edited' } }] },
    })
    expect(checked.json()['environments'][0].entries[1]).toMatchObject({ at: null, migration: '001-users' })
    expect(history.stdout).toMatch(/001-users\n {2}\S+ {2}no readable time {5}apply/)
    expect(csv.stdout).toMatch(/,2,,apply,001-users,/)
    expect(status.exitCode).toBe(0)
    expect(status.json()['migrations'][0].environments).toMatchObject({ dev: { state: 'applied', appliedAt: null } })
  })

  test('a failing statement is told with its line, and nothing of its file is applied', async () => {
    await using remote = await createRemote(databases)
    await using project = remoteProject(remote, {
      ...FILES,
      'd1/003-bad.sql':
        "INSERT INTO users (id) VALUES ('ä');\nSELECT 'größe', 1 FROM users\n  WHERE missing = 1;\nSELECT 1;\n",
    })

    const { exitCode, stderr, ...run } = await project.run(['sync', '--json'])

    expect({ exitCode, stderr }).toMatchObject({ exitCode: 1 })
    expect(run.json()['environments'][0]).toMatchObject({
      done: [{ name: '001-users' }, { name: '002-keys' }],
      failed: {
        name: '003-bad',
        error: {
          code: 'SQLITE_ERROR',
          message: expect.stringContaining('missing'),
          file: 'd1/003-bad.sql',
          line: 3,
          column: 9,
        },
      },
    })
    expect(await remote.query('SELECT * FROM users')).toEqual([])
    expect(await remote.query("SELECT outcome FROM schema_migrations_log WHERE event = 'fail'")).toEqual([
      { outcome: 'failed' },
    ])
    expect(await remote.query('SELECT owner FROM schema_migrations_lock')).toEqual([{ owner: null }])
  })

  test.each([
    ['a name that sounds like a lost connection', 'UPDATE users SET session_timeout = 30;', 'session_timeout'],
    ['words that are those of our own trials once', "SELECT '$.x' ->> '$' FROM users;", 'malformed JSON'],
  ])('%s is a failed statement with its line, also for those who wait for nothing', async (_, statement, said) => {
    await using remote = await createRemote(databases)
    await using project = remoteProject(remote, {
      ...FILES,
      'd1/003-bad.sql': `INSERT INTO users (id) VALUES ('a');\n${statement}\n`,
    })

    const { exitCode, ...run } = await project.run(['sync', '--json', '--recover-wait', '0'])

    expect(exitCode).toBe(1)
    expect(run.json()['environments'][0].failed).toMatchObject({
      name: '003-bad',
      error: { code: 'SQLITE_ERROR', message: expect.stringContaining(said), file: 'd1/003-bad.sql', line: 2 },
    })
    expect(await remote.query('SELECT * FROM users')).toEqual([])
  })

  test.each([['60'], ['0']])(
    'a database that takes no more writes is told so, and nobody is blamed for the lock (--lock-wait %s)',
    async (wait) => {
      await using remote = await createRemote(databases)
      await using project = remoteProject(remote)
      remote.shim.fateOf = ({ text }) =>
        /^(?:UPDATE|INSERT|CREATE)/mu.test(text)
          ? { kind: 'failed', message: 'Exceeded maximum DB size' }
          : { kind: 'works' }

      const { exitCode, ...run } = await project.run(['sync', '--json', '--lock-wait', wait])

      expect(exitCode).toBe(1)
      expect(run.json()['environments'][0].failed.error.message).toContain('Exceeded maximum DB size')
    },
  )

  test('repair mark-applied makes the history tables where there are none yet', async () => {
    await using remote = await createRemote(databases)
    await using project = remoteProject(remote)

    const repaired = await project.run(['repair', 'mark-applied', '001', '--env', 'dev', '--reason', 'base', '--yes'])

    expect(repaired).toMatchObject({ exitCode: 0 })
    expect(await remote.applied()).toEqual(['001-users'])
    expect(await project.run(['history', '--check'])).toMatchObject({ exitCode: 0 })
  })

  test('a verify query that is not true keeps its migration from being applied', async () => {
    await using remote = await createRemote(databases)
    await using project = remoteProject(remote, {
      ...FILES,
      'd1/003-row.sql':
        "INSERT INTO users (id) VALUES ('a');\n\n-- verify: SELECT 1\n-- verify: SELECT count(*) = 2 FROM users\n",
    })

    const run = await project.run(['sync', '--json'])

    expect(run.exitCode).toBe(1)
    expect(run.json()['environments'][0].failed).toMatchObject({
      name: '003-row',
      error: { code: 'verify/false', line: 4, column: 12 },
    })
    expect(await remote.query('SELECT * FROM users')).toEqual([])
  })

  test('a file that meddles with its own history row is not applied', async () => {
    await using remote = await createRemote(databases)
    await using project = remoteProject(remote, {
      ...FILES,
      'd1/003-erase.sql': "INSERT INTO users (id) VALUES ('a');\nDELETE FROM schema_migrations;\n",
    })

    const run = await project.run(['sync', '--json'])

    expect(run.exitCode).toBe(1)
    expect(await remote.query('SELECT * FROM users')).toEqual([])
    expect(await remote.applied()).toEqual(['001-users', '002-keys'])
  })

  test('the way back is printed before a remote database is changed, and its bookmark is in the log', async () => {
    await using remote = await createRemote(databases)
    await using project = remoteProject(remote)

    const { exitCode, stderr } = await project.run(['sync'])

    expect(exitCode).toBe(0)
    expect(stderr).toContain(`--bookmark=${remote.shim.bookmark}`)
    expect(stderr.indexOf('--bookmark=')).toBeLessThan(stderr.indexOf('applied 001-users'))
    expect(
      await remote.query(
        "SELECT json_extract(detail, '$.bookmark') AS b FROM schema_migrations_log WHERE event = 'apply'",
      ),
    ).toEqual([{ b: remote.shim.bookmark }, { b: remote.shim.bookmark }])
  })

  test('a service without Time Travel does not stop a run, and the run says so', async () => {
    await using remote = await createRemote(databases)
    remote.shim.bookmark = null
    await using project = remoteProject(remote)

    const { exitCode, stderr } = await project.run(['sync'])

    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('no Time Travel bookmark'),
    })
  })

  test('two environments that are one database are refused', async () => {
    await using project = createProject({
      files: FILES,
      env: { ...LOCAL, STAGING_DATABASE_URL: 'd1-local:app' },
    })

    const { exitCode, stderr } = await project.run(['sync', '--yes'])

    expect({ exitCode, stderr }).toMatchObject({ exitCode: 8, stderr: expect.stringContaining('target/same-database') })
  })

  test('a schema_migrations of another tool is left alone', async () => {
    await using remote = await createRemote(databases)
    await remote.query('CREATE TABLE schema_migrations (version text)')
    await using project = remoteProject(remote)

    const { exitCode } = await project.run(['sync'])

    expect(exitCode).toBe(8)
    expect(await remote.query('SELECT name FROM pragma_table_info(?1)', 'schema_migrations')).toEqual([
      { name: 'version' },
    ])
  })

  test('a run that is not alone waits for the other one: eight at once on one local state, each migration once', async () => {
    await using project = createProject({ files: FILES, env: LOCAL })
    // The first opening of a local database makes its files.
    expect((await project.run(['status'])).exitCode).toBe(0)

    const runs = await Promise.all(
      Array.from({ length: 8 }, () => project.run(['sync', '--json', '--lock-wait', '120'])),
    )

    const done = runs.flatMap((run) => run.json()['environments'][0]['done'] ?? [])
    expect(runs.map(({ exitCode }) => exitCode)).toEqual(Array.from({ length: 8 }, () => 0))
    expect(done.map(({ name }: { name: string }) => name).toSorted()).toEqual(['001-users', '002-keys'])
    expect((await project.run(['history', '--check'])).exitCode).toBe(0)
  }, 240_000)
})

describe('what is refused before anything is written', () => {
  test.each([
    ['transaction control', 'CREATE TABLE a (b);\nCOMMIT;\n', 'sql/transaction-control', 2],
    [
      'a statement that is too long',
      `SELECT 1;\nINSERT INTO users (id) VALUES ('${'x'.repeat(100_000)}');\n`,
      'sql/statement-too-long',
      2,
    ],
    ['ATTACH', "\nATTACH 'a.db' AS other;\n", 'sql/not-authorised', 2],
    ['VACUUM', 'SELECT 1;\n\nVACUUM;\n', 'sql/not-authorised', 3],
    ['a PRAGMA that D1 does not authorise', 'PRAGMA journal_mode = WAL;\n', 'sql/not-authorised', 1],
    ['a temporary table', 'CREATE TEMP TABLE a (b);\n', 'sql/not-authorised', 1],
    ['a command of the shell', 'SELECT 1;\n.read other.sql\n', 'sql/meta-command', 2],
    ['an open quote', "SELECT 1;\nSELECT 'a;\n", 'sql/unterminated', 2],
    ['a placeholder', 'INSERT INTO users (id) VALUES\n  (?1);\n', 'sql/parameter', 2],
    ['what is no SQL', 'SELECT 1;\nnow do something;\n', 'sql/not-sql', 2],
  ])('%s, with its line', async (_, sql, code, line) => {
    await using remote = await createRemote(databases)
    await using project = remoteProject(remote, { ...FILES, 'd1/003-x.sql': sql })

    const run = await project.run(['sync', '--json'])

    expect(run.exitCode).toBe(4)
    expect(run.json()['findings']).toEqual([
      expect.objectContaining({ code, severity: 'block', migration: '003-x', file: 'd1/003-x.sql', line }),
    ])
    expect(await remote.applied()).toBe('untouched')
  })

  test('the rebuild of a table whose rows others go with, seen in the live schema; and the safe way goes through', async () => {
    await using remote = await createRemote(databases)
    await using project = remoteProject(remote)
    expect((await project.run(['sync'])).exitCode).toBe(0)
    await remote.query("INSERT INTO users (id) VALUES ('u')")
    await remote.query("INSERT INTO keys (id, user_id) VALUES ('k', 'u')")
    const rebuild = `CREATE TABLE users_new (id text PRIMARY KEY, changes integer NOT NULL DEFAULT 0, email text);
INSERT INTO users_new (id, changes) SELECT id, changes FROM users;
DROP TABLE users;
ALTER TABLE users_new RENAME TO users;
`
    project.write('d1/003-email.sql', `PRAGMA foreign_keys = OFF;\n${rebuild}`)
    const refused = await project.run(['sync', '--json'])
    project.write(
      'd1/003-email.sql',
      `CREATE TABLE keys_kept AS SELECT * FROM keys;
DROP TABLE keys;
${rebuild}CREATE TABLE keys (id text PRIMARY KEY, user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE);
INSERT INTO keys SELECT * FROM keys_kept;
DROP TABLE keys_kept;
`,
    )
    const safe = await project.run(['sync', '--json'])

    expect(refused.exitCode).toBe(4)
    expect(refused.json()['findings']).toEqual([
      expect.objectContaining({ code: 'sql/drop-cascades', severity: 'block', line: 4, file: 'd1/003-email.sql' }),
    ])
    expect({ exitCode: safe.exitCode, stdout: safe.stdout }).toMatchObject({ exitCode: 0 })
    expect(await remote.query('SELECT * FROM keys')).toEqual([{ id: 'k', user_id: 'u' }])
  })

  test('--atomic with a D1 environment', async () => {
    await using remote = await createRemote(databases)
    await using project = remoteProject(remote)

    const { exitCode, stdout } = await project.run(['sync', '--atomic'])

    expect({ exitCode, stdout }).toMatchObject({ exitCode: 4, stdout: expect.stringContaining('target/not-atomic') })
    expect(await remote.applied()).toBe('untouched')
  })
})

describe('what is wrong with the configuration ends with 2 and connects to nothing', () => {
  const REMOTE = {
    DATABASE_URL: 'd1://0d9ad1a2-6b8e-4e53-9a8e-3f1c5c0f7a11',
    MIGRATIONS_DIR: 'd1',
    CLOUDFLARE_ACCOUNT_ID: '0123456789abcdef0123456789abcdef',
    CLOUDFLARE_API_TOKEN: 'canary-token-8fJq2LmW',
  }

  test.each([
    ['no account', { CLOUDFLARE_ACCOUNT_ID: '' }, 'CLOUDFLARE_ACCOUNT_ID'],
    ['no token', { CLOUDFLARE_API_TOKEN: ' ' }, 'CLOUDFLARE_API_TOKEN'],
    ['an empty base address', { CLOUDFLARE_API_BASE_URL: '' }, 'CLOUDFLARE_API_BASE_URL'],
    ['a base address without TLS', { CLOUDFLARE_API_BASE_URL: 'http://api.example.com/v4' }, 'CLOUDFLARE_API_BASE_URL'],
    ['an id that is none', { DATABASE_URL: 'd1://user@host/app' }, 'd1://<database-id>'],
    ['a local name that is none', { DATABASE_URL: 'd1-local:../x' }, 'd1-local:<binding>'],
  ])('%s', async (_, env, said) => {
    await using project = createProject({ files: FILES, env: { ...REMOTE, ...env } })

    const { exitCode, stderr, stdout } = await project.run(['status'])

    expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(said) })
    expect(stdout + stderr).not.toContain('canary-token')
  })

  test.each([
    ['wrangler.toml', '[[d1_databases]]\nbinding = "DB"\ndatabase_name = "app"\ndatabase_id = "the-id"\n'],
    [
      'wrangler.jsonc',
      '{ // comment\n  "d1_databases": [{ "binding": "DB", "database_name": "app", "database_id": "the-id" },],\n}\n',
    ],
  ])('a binding that %s does not have; the one that it has is found', async (file, content) => {
    await using project = createProject({
      files: { ...FILES, [file]: content },
      env: { ...LOCAL, DATABASE_URL: 'd1-local:BD' },
    })

    const refused = await project.run(['status'])
    const found = await project.run(['sync'], { env: { DATABASE_URL: 'd1-local:DB' } })
    const byId = await project.run(['status', '--check'], { env: { DATABASE_URL: 'd1-local:the-id' } })

    expect({ exitCode: refused.exitCode, stderr: refused.stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('DB (app)'),
    })
    expect([found.exitCode, byId.exitCode]).toEqual([0, 0])
  })
})

describe('a database that only a project in a folder below knows', () => {
  const CONFIG = '{ "d1_databases": [{ "binding": "DB", "database_name": "app", "database_id": "the-id" }] }'

  test.each([
    ['api', 'DB'],
    ['packages/api', 'app'],
    ['api', 'the-id'],
  ])('is not made anew at the top of the repository: %s, %s', async (folder, name) => {
    await using project = createProject({
      files: { ...FILES, [`${folder}/wrangler.jsonc`]: CONFIG, 'broken/wrangler.jsonc': '{ "d1_' },
      env: { ...LOCAL, DATABASE_URL: `d1-local:${name}` },
    })

    const { exitCode, stderr } = await project.run(['sync'])

    expect(exitCode).toBe(2)
    expect(stderr).toContain(`${name} is a D1 database of ${folder}/wrangler.jsonc`)
    expect(stderr).toContain(`Run migration-manager in ${folder}`)
    expect(existsSync(join(project.dir, '.wrangler'))).toBe(false)
  })

  test.each([
    ['under another name', { 'api/wrangler.jsonc': CONFIG }, 'd1-local:other'],
    ['in an installed package', { 'node_modules/demo/wrangler.jsonc': CONFIG }, 'd1-local:DB'],
    ['where a configuration is here', { 'api/wrangler.jsonc': CONFIG, 'wrangler.jsonc': CONFIG }, 'd1-local:DB'],
  ])('is in nobody’s way %s', async (_where, files, url) => {
    await using project = createProject({ files: { ...FILES, ...files }, env: { ...LOCAL, DATABASE_URL: url } })

    expect(await project.run(['sync'])).toMatchObject({ exitCode: 0 })
  })
})

describe('what the API answers', () => {
  test.each([
    [401, 'connection/login-refused'],
    [404, 'connection/no-database'],
  ])('%d ends the run with what to look at, and never with the token', async (status, code) => {
    await using remote = await createRemote(databases)
    remote.shim.fateOf = () => ({ kind: 'refused', status })
    await using project = remoteProject(remote)

    const { exitCode, stdout, stderr } = await project.run(['sync'])

    expect({ exitCode, stderr }).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(code) })
    expect(stdout + stderr).not.toContain(remote.shim.token)
  })

  test('a token that is wrong is refused by the real check', async () => {
    await using remote = await createRemote(databases)
    await using project = remoteProject(remote)

    const { exitCode, stdout, stderr } = await project.run(['status'], {
      env: { CLOUDFLARE_API_TOKEN: 'canary-wrong-token' },
    })

    expect(exitCode).toBe(1)
    expect(stdout + stderr).toContain('refused the API token')
    expect(stdout + stderr).not.toContain('canary-wrong-token')
  })

  /** What can happen to the one request that carries a migration; each time the migration is applied once. */
  const once = [
    'refused-429',
    'refused-500',
    'fails-after',
    'answer-lost',
    'request-lost',
    'twice',
    'broken-json',
    'incomplete',
    'late',
  ] as const
  test.each(once)('%s at a migration: it is applied exactly once, and that is what is said', async (what) => {
    await using remote = await createRemote(databases)
    let arrive = (): void => {}
    const late = new Promise<void>((resolve) => (arrive = resolve))
    let hits = 0
    remote.shim.fateOf = ({ text }) => {
      if (!text.includes('CREATE TABLE keys') || hits++ > 0) {
        // The late copy arrives behind everything that the tool does to be sure.
        if (hits > 1) arrive()
        return { kind: 'works' }
      }
      if (what === 'refused-429') return { kind: 'refused', status: 429, retryAfter: '1' }
      if (what === 'refused-500') return { kind: 'refused', status: 500 }
      return what === 'late' ? { kind: 'late', until: late } : { kind: what }
    }
    await using project = remoteProject(remote, {
      ...FILES,
      'd1/003-row.sql': "INSERT INTO users (id) VALUES ('once');\n",
    })

    const run = await project.run(['sync', '--json'])
    arrive()

    expect({ exitCode: run.exitCode, stderr: run.stderr }).toMatchObject({ exitCode: 0 })
    expect(run.json()['environments'][0]['done'].map(({ name }: { name: string }) => name)).toEqual([
      '001-users',
      '002-keys',
      '003-row',
    ])
    expect(await remote.applied()).toEqual(['001-users', '002-keys', '003-row'])
    expect(
      await remote.query("SELECT migration_name AS name FROM schema_migrations_log WHERE event = 'apply' ORDER BY id"),
    ).toEqual([{ name: '001-users' }, { name: '002-keys' }, { name: '003-row' }])
    expect((await project.run(['history', '--check'])).exitCode).toBe(0)
  })

  test('an answer whose last element did not succeed is none, whatever it says of the whole', async () => {
    await using remote = await createRemote(databases)
    let hits = 0
    remote.shim.fateOf = ({ text }) =>
      text.includes('CREATE TABLE keys') && hits++ === 0 ? { kind: 'element-failed' } : { kind: 'works' }
    await using project = remoteProject(remote)

    const run = await project.run(['sync', '--json'])

    expect(run.exitCode).toBe(1)
    expect(run.json()['environments'][0]).toMatchObject({
      done: [{ name: '001-users' }],
      failed: { name: '002-keys', error: { message: 'no such table: imagined' } },
    })
    expect(await remote.applied()).toEqual(['001-users'])
  })

  test('one 429 at every kind of request is waited out', async () => {
    await using remote = await createRemote(databases)
    const seen = new Set<string>()
    remote.shim.fateOf = ({ text }) => {
      const gist = text.replaceAll(/\s+/g, ' ').slice(0, 60)
      if (seen.has(gist)) return { kind: 'works' }
      seen.add(gist)
      return { kind: 'refused', status: 429 }
    }
    await using project = remoteProject(remote)

    const { exitCode, stderr } = await project.run(['sync'])

    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 })
    expect(await remote.applied()).toEqual(['001-users', '002-keys'])
  })

  test('an API that is gone for good after the request was sent: unknown, exit 7, and the next run decides', async () => {
    await using remote = await createRemote(databases)
    remote.shim.fateOf = ({ text }) => {
      if (!text.includes('CREATE TABLE keys')) return { kind: 'works' }
      remote.shim.isReachable = false
      return { kind: 'answer-lost' }
    }
    await using project = remoteProject(remote)

    const lost = await project.run(['sync', '--json', '--recover-wait', '1'])
    remote.shim.isReachable = true
    const next = await project.run(['sync', '--json'])

    expect(lost.exitCode).toBe(7)
    expect(lost.json()).toMatchObject({ status: 'unknown', environments: [{ done: [{ name: '001-users' }] }] })
    expect({ exitCode: next.exitCode, json: next.json() }).toMatchObject({
      exitCode: 0,
      json: { status: 'up-to-date' },
    })
  })

  test.each([
    ['done, also where nobody wants to wait for a database that is gone', '0', false],
    ['unknown where it cannot be asked any more who did it', '1', true],
  ])('a rollback whose answer is lost is %s', async (_, wait, isDeaf) => {
    await using remote = await createRemote(databases)
    let lost = 0
    remote.shim.fateOf = ({ text }) => {
      if (text.includes('DROP TABLE keys') && lost++ === 0) return { kind: 'answer-lost' }
      return isDeaf && text.startsWith('SELECT 1 FROM schema_migrations_log')
        ? { kind: 'request-lost' }
        : { kind: 'works' }
    }
    await using project = remoteProject(remote)
    expect((await project.run(['sync'])).exitCode).toBe(0)

    const run = await project.run(['rollback', '--yes', '--json', '--recover-wait', wait])

    expect({ exitCode: run.exitCode, json: run.json() }).toMatchObject(
      isDeaf
        ? {
            exitCode: 7,
            json: { environments: [{ status: 'unknown', failed: { error: { code: 'outcome/unknown' } } }] },
          }
        : { exitCode: 0, json: { environments: [{ status: 'applied', done: [{ name: '002-keys' }], failed: null }] } },
    )
    expect(lost).toBe(1)
    expect(await remote.applied()).toEqual(['001-users'])
  })

  test('eight runs at once over the API: each migration once', async () => {
    await using remote = await createRemote(databases)
    await using project = remoteProject(remote)

    const runs = await Promise.all(
      Array.from({ length: 8 }, () => project.run(['sync', '--json', '--lock-wait', '120'])),
    )

    const done = runs.flatMap((run) => run.json()['environments'][0]['done'] ?? [])
    expect(runs.map(({ exitCode }) => exitCode)).toEqual(Array.from({ length: 8 }, () => 0))
    expect(done.map(({ name }: { name: string }) => name).toSorted()).toEqual(['001-users', '002-keys'])
  }, 240_000)
})
