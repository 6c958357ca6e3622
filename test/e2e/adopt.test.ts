import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import type { TestProject } from '../support/cli.ts'
import { startDatabases } from '../support/d1/database.ts'
import { createRemote } from '../support/d1/remote.ts'
import type { RemoteDatabase } from '../support/d1/remote.ts'
import { createDatabase } from '../support/server.ts'

const databases = startDatabases(12)
afterAll(() => databases[Symbol.asyncDispose]())

const OMNICHAT = join(import.meta.dirname, '..', '..', 'examples', 'omnichat', 'database')
const FILES = readdirSync(OMNICHAT).toSorted()
const NAMES = FILES.map((file) => file.replace(/\.sql$/, ''))

function projectOn(remote: RemoteDatabase): TestProject {
  return createProject({ from: 'examples/omnichat', env: { REMOTE_DATABASE_URL: remote.url, ...remote.env } })
}

/** A database that another tool has brought to the state of the sample, up to and with a number of files. */
async function applyByHand(remote: RemoteDatabase, count: number): Promise<void> {
  for (const file of FILES.slice(0, count)) {
    // Several statements at once: SQLite itself finds their ends. A comment behind the last one would count as empty.
    const sql = readFileSync(join(OMNICHAT, file), 'utf8')
      .replaceAll(/^--.*$/gm, '')
      .trim()
    await remote.database.batch([{ sql }])
  }
}

async function writeSchemaVersion(remote: RemoteDatabase, count: number): Promise<void> {
  await remote.query(
    'CREATE TABLE schema_version (version integer PRIMARY KEY, name text, applied_at integer, checksum text)',
  )
  for (const [index, name] of NAMES.slice(0, count).entries()) {
    await remote.query(
      'INSERT INTO schema_version VALUES (?1, ?2, ?3, ?4)',
      index + 1,
      name,
      1_700_000_000 + index,
      'abc',
    )
  }
}

describe('adopt', () => {
  test('takes schema_version over, leaves it as it was, and sync goes on behind it', async () => {
    await using remote = await createRemote(databases)
    await applyByHand(remote, 7)
    await writeSchemaVersion(remote, 7)
    const before = await remote.query('SELECT * FROM schema_version')
    await using project = projectOn(remote)

    const planned = await project.run(['adopt', '--from', 'schema-version', '--env', 'remote', '--dry-run', '--json'])
    const untouched = await remote.applied()
    const unasked = await project.run(['adopt', '--from', 'schema-version', '--env', 'remote', '--json'])
    const unanswered = await project.run(['adopt', '--from', 'schema-version', '--env', 'remote'])
    const taken = await project.run(['adopt', '--from', 'schema-version', '--env', 'remote', '--yes', '--json'])
    const again = await project.run(['adopt', '--from', 'schema-version', '--env', 'remote', '--yes', '--json'])
    const sync = await project.run(['sync', '--yes', '--json'])

    expect(planned.json()).toMatchObject({ status: 'planned', migrations: NAMES.slice(0, 7).map((name) => ({ name })) })
    expect(untouched).toBe('untouched')
    expect({ exitCode: unasked.exitCode, status: unasked.json()['status'] }).toEqual({ exitCode: 4, status: 'blocked' })
    // What is to be confirmed is shown before it is.
    expect(unanswered.stderr).toContain('remote  7 migrations would be taken over from schema-version\n  0001_users\n')
    expect({ exitCode: taken.exitCode, stderr: taken.stderr }).toMatchObject({ exitCode: 0 })
    expect(taken.json()).toMatchObject({
      status: 'adopted',
      environment: 'remote',
      from: 'schema-version',
      findings: [],
    })
    expect(again.json()).toMatchObject({ status: 'up-to-date', migrations: [] })
    expect(sync.json()).toMatchObject({
      environments: [{ done: [{ name: '0008_daily_usage_summary' }, { name: '0009_audit_logs' }] }],
    })
    expect(await remote.query('SELECT * FROM schema_version')).toEqual(before)
    expect(
      await remote.query("SELECT applied_at AS at FROM schema_migrations WHERE migration_name = '0001_users'"),
    ).toEqual([{ at: '2023-11-14T22:13:20.000Z' }])
    expect((await project.run(['history', '--check'])).exitCode).toBe(0)
    expect((await project.run(['status', '--check'])).exitCode).toBe(0)
  })

  test('names every claim that the live schema does not bear out, and writes nothing', async () => {
    await using remote = await createRemote(databases)
    await applyByHand(remote, 6)
    await remote.query('DROP TRIGGER user_subscriptions_set_tier_on_update')
    await remote.query('ALTER TABLE conversations DROP COLUMN is_archived')
    await remote.query("DELETE FROM subscription_plans WHERE id = 'power'")
    await writeSchemaVersion(remote, 7)
    await remote.query("INSERT INTO schema_version VALUES (42, 'lost', 1700000000, NULL)")
    await using project = projectOn(remote)

    const run = await project.run(['adopt', '--from', 'schema-version', '--env', 'remote', '--yes', '--json'], {
      env: { GITHUB_ACTIONS: 'true' },
    })

    expect(run.exitCode).toBe(4)
    expect(run.stderr).toContain(
      '::error title=adopt/not-borne-out,file=database/0002_conversations.sql,line=1,col=1::',
    )
    expect(run.stderr).toContain('::error title=adopt/no-file::')
    expect(run.json()['status']).toBe('blocked')
    expect(run.json()['findings'].map(({ code, message }: Record<string, string>) => [code, message])).toEqual([
      [
        'adopt/not-borne-out',
        expect.stringMatching(/0002_conversations.*there is no column conversations\.is_archived\.$/),
      ],
      ['adopt/not-borne-out', expect.stringMatching(/0004_subscription_plans.*verify query does not answer true/)],
      [
        'adopt/not-borne-out',
        expect.stringMatching(/0005_user_subscriptions.*there is no trigger user_subscriptions_set_tier_on_update\.$/),
      ],
      ['adopt/not-borne-out', expect.stringMatching(/0007_api_usage.*there is no table api_usage, there is no index/)],
      ['adopt/no-file', expect.stringContaining('version 42 (lost)')],
    ])
    expect(await remote.applied()).toBe('untouched')
  })

  test('a DROP, and a rename, that never happened are not taken over, and name the file that claims them', async () => {
    await using remote = await createRemote(databases)
    await remote.query('CREATE TABLE users (id integer PRIMARY KEY, legacy_token text, mail text)')
    await remote.query('CREATE TABLE notes (id integer PRIMARY KEY)')
    await writeSchemaVersion(remote, 0)
    for (const version of [1, 2, 3, 4]) {
      await remote.query('INSERT INTO schema_version VALUES (?1, NULL, 1700000000, NULL)', version)
    }
    await using project = createProject({
      env: { REMOTE_DATABASE_URL: remote.url, ...remote.env },
      files: {
        'database/0001_users.sql': 'CREATE TABLE users (id integer PRIMARY KEY, legacy_token text, mail text);',
        'database/0002_notes.sql': 'CREATE TABLE notes (id integer PRIMARY KEY); CREATE TABLE users_old (id integer);',
        'database/0003_drop_legacy.sql': 'ALTER TABLE users DROP COLUMN legacy_token; DROP TABLE users_old;',
        'database/0004_rename.sql':
          'ALTER TABLE users RENAME COLUMN mail TO email; ALTER TABLE notes RENAME TO remarks;',
      },
    })

    const run = await project.run(['adopt', '--from', 'schema-version', '--env', 'remote', '--yes', '--json'])

    expect(
      run.json()['findings'].map(({ migration, message }: Record<string, string>) => [migration, message]),
    ).toEqual([
      ['0003_drop_legacy', expect.stringMatching(/, but column users\.legacy_token is still there\.$/)],
      ['0004_rename', expect.stringMatching(/, but column users\.mail is still there, table notes is still there\.$/)],
    ])
    expect(run.exitCode).toBe(4)
    expect(await remote.applied()).toBe('untouched')
  })

  test("takes wrangler's d1_migrations over, an unprotected environment without a question", async () => {
    await using remote = await createRemote(databases)
    await applyByHand(remote, 9)
    await remote.query(
      'CREATE TABLE d1_migrations (id integer PRIMARY KEY AUTOINCREMENT, name text UNIQUE, applied_at timestamp DEFAULT CURRENT_TIMESTAMP NOT NULL)',
    )
    for (const file of FILES) {
      await remote.query("INSERT INTO d1_migrations (name, applied_at) VALUES (?1, '2025-02-03 04:05:06')", file)
    }
    await using project = createProject({
      from: 'examples/omnichat',
      env: { DATABASE_URL: remote.url, ...remote.env },
    })

    const run = await project.run(['adopt', '--from', 'wrangler', '--env', 'dev', '--json'])

    expect({ exitCode: run.exitCode, stderr: run.stderr }).toMatchObject({ exitCode: 0 })
    expect(run.json()).toMatchObject({ status: 'adopted', migrations: NAMES.map((name) => ({ name })) })
    expect(await remote.applied()).toEqual(NAMES)
    expect(await remote.query('SELECT DISTINCT applied_at AS at FROM schema_migrations')).toEqual([
      { at: '2025-02-03T04:05:06.000Z' },
    ])
  })

  test('an answer that is lost while it writes: all rows are there once', async () => {
    await using remote = await createRemote(databases)
    await applyByHand(remote, 3)
    await writeSchemaVersion(remote, 3)
    let hits = 0
    remote.shim.fateOf = ({ text }) =>
      text.includes('INSERT INTO schema_migrations (') && hits++ === 0 ? { kind: 'answer-lost' } : { kind: 'works' }
    await using project = projectOn(remote)

    const run = await project.run(['adopt', '--from', 'schema-version', '--env', 'remote', '--yes', '--json'])

    expect(hits).toBe(1)
    expect(run.exitCode).toBe(0)
    expect(await remote.applied()).toEqual(NAMES.slice(0, 3))
    expect((await project.run(['history', '--check'])).exitCode).toBe(0)
  })

  test.each([
    [['adopt', '--env', 'remote'], 2, '--from wrangler or --from schema-version'],
    [['adopt', '--from', 'wrangle', '--env', 'remote'], 2, 'Did you mean --from wrangler?'],
    [['adopt', '--from', 'wrangler'], 2, '--env remote'],
    [['adopt', '--from', 'wrangler', '--env', 'remote'], 1, 'no table d1_migrations'],
  ])('%j ends with %d and says what to type', async (args, exitCode, said) => {
    await using remote = await createRemote(databases)
    await using project = projectOn(remote)

    const run = await project.run(args)

    expect({ exitCode: run.exitCode, stderr: run.stderr }).toMatchObject({
      exitCode,
      stderr: expect.stringContaining(said),
    })
    expect(await remote.applied()).toBe('untouched')
  })

  test('a PostgreSQL environment is none of those tools', async () => {
    await using database = await createDatabase('adopt')
    await using project = createProject({ from: 'examples/omnichat', env: { DATABASE_URL: database.url } })

    const run = await project.run(['adopt', '--from', 'wrangler', '--env', 'dev'])

    expect({ exitCode: run.exitCode, stderr: run.stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('dev is a postgres database'),
    })
  })
})
