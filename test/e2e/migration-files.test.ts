import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import type { CliResult } from '../support/cli.ts'
import { createCountingProxy } from '../support/proxy.ts'
import { createDatabase, testServer } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const GOOD = 'CREATE TABLE items (id int PRIMARY KEY);\n'
const BOM = '\uFEFF'

test('a file that holds the sign for an unknown character is UTF-8 as any other', async () => {
  await using database = await createDatabase('files')
  await using project = createProject({
    files: { 'database/001-signs.sql': "CREATE TABLE signs AS SELECT '\uFFFD é 🎉' AS sign;\n" },
    env: { DATABASE_URL: database.url },
  })

  expect(await project.run(['sync', '--yes'])).toMatchObject({ exitCode: 0 })
  expect(await database.query('SELECT sign FROM signs')).toEqual([{ sign: '\uFFFD é 🎉' }])
})

test('every bad file is named, with exit 2 and without a question to the database', async () => {
  await using watched = await createWatched()
  await using project = createProject({
    files: {
      'database/001-good.sql': GOOD,
      'database/no-digits.sql': GOOD,
      'database/002-loud.SQL': GOOD,
      'database/003-latin1.sql': Buffer.from("SELECT 'caf\xe9';\n", 'latin1'),
      'database/004-nul.sql': "SELECT '\0';\n",
      'database/005-one.sql': GOOD,
      'database/05-two.sql': GOOD,
      'database/006-gone.down.sql': 'DROP TABLE items;\n',
      'database/007nodash.sql': GOOD,
      'database/notes.txt': 'not looked at',
    },
    env: { DATABASE_URL: watched.url },
  })
  mkdirSync(join(project.dir, 'database', '008-folder.sql'))
  symlinkSync('001-good.sql', join(project.dir, 'database', '009-link.sql'))
  const bad = [
    'no-digits.sql',
    '002-loud.SQL',
    '003-latin1.sql',
    '004-nul.sql',
    '005-one.sql',
    '05-two.sql',
    '006-gone.down.sql',
    '007nodash.sql',
    '008-folder.sql',
    '009-link.sql',
  ]

  for (const command of ['status', 'plan', 'sync', 'init']) {
    const result = await project.run([command])
    expect(result).toMatchObject({ exitCode: 2, stdout: '' })
    for (const name of bad) expect(result.stderr).toContain(`database/${name}`)
    expect(result.stderr).not.toContain('001-good.sql')
    expect(result.stderr).not.toContain('notes.txt')
  }
  const json = await project.run(['sync', '--json'])

  expect(json).toMatchObject({ exitCode: 2, stderr: '' })
  expect(codesOf(json.json())).toEqual([
    'migration/bad-name',
    'migration/bad-name',
    'migration/bad-name',
    'migration/duplicate-version',
    'migration/nul-byte',
    'migration/orphan-down',
    'migration/unreadable',
    'migration/unreadable',
    'migration/unreadable',
  ])
  expect(watched.questions()).toBe(0)
})

test.each([
  ['an embedded server', 'embedded:dev', '.migration-manager'],
  ['a local D1 database', 'd1-local:app', '.wrangler'],
])('%s is not made for files that are bad', async (_, url, folder) => {
  await using project = createProject({
    files: { 'database/001-good.sql': GOOD, 'database/bad.sql': GOOD },
    env: { DATABASE_URL: url },
  })

  const result = await project.run(['sync', '--yes'])

  expect(result).toMatchObject({ exitCode: 2, stdout: '' })
  expect(result.stderr).toContain('database/bad.sql')
  expect(existsSync(join(project.dir, folder))).toBe(false)
})

test('the versions 1 and 001 are the same one', async () => {
  await using watched = await createWatched()
  await using project = createProject({
    files: { 'database/1-one.sql': GOOD, 'database/001_other.sql': GOOD },
    env: { DATABASE_URL: watched.url },
  })

  const result = await project.run(['sync', '--json'])

  expect(result).toMatchObject({ exitCode: 2 })
  expect(result.json()).toMatchObject({ status: 'error', error: { code: 'migration/duplicate-version' } })
  expect(result.stdout).toContain('database/1-one.sql')
  expect(result.stdout).toContain('database/001_other.sql')
  expect(watched.questions()).toBe(0)

  project.remove('database/001_other.sql')
  await project.run(['sync'])

  expect(watched.questions()).toBeGreaterThan(0)
})

test('a folder that is not there exits 2 and is named, without a question to the database', async () => {
  await using watched = await createWatched()
  await using project = createProject({ files: { 'README.md': '' }, env: { DATABASE_URL: watched.url } })

  for (const command of ['status', 'plan', 'sync']) {
    const result = await project.run([command, '--dir', 'db/migrations', '--json'])
    expect(result).toMatchObject({ exitCode: 2 })
    expect(result.json()).toMatchObject({ status: 'error', error: { code: 'migration/no-folder' } })
    expect(result.stdout).toContain('db/migrations')
  }
  const text = await project.run(['sync', '--dir', 'README.md'])

  expect(text).toMatchObject({ exitCode: 2, stdout: '' })
  expect(text.stderr).toContain('README.md is not a folder')
  expect(watched.questions()).toBe(0)
})

test('files are read whole, whatever their length', async () => {
  await using database = await createDatabase('lengths')
  const lengths = [0, 2, 65_535, 65_536, 65_537, 200_000]
  // A character of three bytes lies across each border.
  const texts = lengths.map((length) => {
    const signs = Math.max(0, Math.floor((length - 2) / 3))
    return '-'.repeat(length - 3 * signs) + '数'.repeat(signs)
  })
  await using project = createProject({
    files: Object.fromEntries(texts.map((text, index) => [`database/00${index}-file.sql`, text])),
    env: { DATABASE_URL: database.url },
  })

  expect(texts.map((text) => Buffer.byteLength(text))).toEqual(lengths)
  expect(await project.run(['sync', '--allow', 'sql/empty'])).toMatchObject({ exitCode: 0 })
  expect((await historyOf(database)).map(({ checksum }) => checksum)).toEqual(
    texts.map((text) => `sha256:${createHash('sha256').update(text).digest('hex')}`),
  )
})

test('a long file that is not UTF-8 at its end is refused', async () => {
  await using watched = await createWatched()
  await using project = createProject({
    files: { 'database/001-long.sql': Buffer.concat([Buffer.from('-- '.repeat(50_000)), Buffer.from([0xe9])]) },
    env: { DATABASE_URL: watched.url },
  })

  const result = await project.run(['sync'])

  expect(result).toMatchObject({ exitCode: 2 })
  expect(result.stderr).toContain('001-long.sql: it is not valid UTF-8')
  expect(watched.questions()).toBe(0)
})

test('an empty folder against a full history is shown as missing, and sync stops', async () => {
  await using database = await createDatabase('emptied')
  await using project = createProject({
    files: { 'database/001-items.sql': GOOD, 'database/002-more.sql': 'CREATE TABLE more ();\n' },
    env: { DATABASE_URL: database.url },
  })
  await project.run(['sync'])
  project.remove('database/001-items.sql')
  project.remove('database/002-more.sql')
  const before = await historyOf(database)

  const status = await project.run(['status', '--json'])
  const check = await project.run(['status', '--check'])
  const sync = await project.run(['sync', '--json'])

  expect(status).toMatchObject({ exitCode: 0 })
  expect(status.json()).toMatchObject({
    inSync: false,
    environments: [{ name: 'dev', applied: 0, missing: 2 }],
    migrations: [
      { name: '001-items', file: null, environments: { dev: { state: 'missing' } } },
      { name: '002-more', file: null, environments: { dev: { state: 'missing' } } },
    ],
  })
  expect(check).toMatchObject({ exitCode: 3 })
  expect(check.stdout).toContain('001-items')
  expect(check.stdout).toContain('the file is gone')
  expect(sync).toMatchObject({ exitCode: 4 })
  expect(sync.json()).toMatchObject({
    status: 'blocked',
    findings: [{ code: 'history/missing-file' }, { code: 'history/missing-file' }],
  })
  expect(await historyOf(database)).toEqual(before)
})

test('an empty folder and a fresh database are in step', async () => {
  await using database = await createDatabase('nothing')
  await using project = createProject({ files: { 'database/.gitkeep': '' }, env: { DATABASE_URL: database.url } })

  const status = await project.run(['status', '--check'])
  const sync = await project.run(['sync', '--json'])

  expect(status).toMatchObject({ exitCode: 0 })
  expect(status.stdout).toContain('There are no migrations yet')
  expect(sync).toMatchObject({ exitCode: 0 })
  expect(sync.json()).toMatchObject({ status: 'up-to-date' })
  expect(await database.query("SELECT 1 FROM pg_tables WHERE tablename = 'items'")).toEqual([])
})

test('a byte order mark and the kind of line break do not change the checksum', async () => {
  await using database = await createDatabase('line_breaks')
  const text = 'CREATE TABLE items (\n  id int PRIMARY KEY\n);\n'
  await using project = createProject({
    files: { 'database/001-items.sql': text },
    env: { DATABASE_URL: database.url },
  })
  await project.run(['sync'])
  const before = await historyOf(database)
  project.write('database/001-items.sql', BOM + text.replaceAll('\n', '\r\n'))

  const status = await project.run(['status', '--check', '--json'])
  const sync = await project.run(['sync', '--json'])

  expect(status).toMatchObject({ exitCode: 0 })
  expect(status.json()).toMatchObject({ inSync: true, findings: [] })
  expect(sync).toMatchObject({ exitCode: 0 })
  expect(sync.json()).toMatchObject({ status: 'up-to-date' })
  expect(await historyOf(database)).toEqual(before)

  project.write('database/001-items.sql', `${text} `)
  const edited = await project.run(['status', '--check'])

  expect(edited).toMatchObject({ exitCode: 3 })
})

test('a file with a byte order mark and CRLF is applied', async () => {
  await using database = await createDatabase('crlf')
  const text = `${BOM}-- first\r\nCREATE TABLE items (id int);\r\n-- Rollback:\r\n-- DROP TABLE items;\r\n`
  await using project = createProject({
    files: { 'database/001-items.sql': text },
    env: { DATABASE_URL: database.url },
  })

  const result = await project.run(['sync', '--json'])

  expect(result).toMatchObject({ exitCode: 0 })
  expect(result.json()).toMatchObject({ status: 'applied', environments: [{ done: [{ name: '001-items' }] }] })
  expect(await database.query('SELECT count(*)::int AS n FROM items')).toEqual([{ n: 0 }])
})

test('an empty file and one of comments only are refused before any write, unless somebody accepts them', async () => {
  await using database = await createDatabase('empty')
  await using project = createProject({
    files: {
      'database/001-empty.sql': '',
      'database/002-comments.sql': '-- nothing yet\n/* still nothing */\n',
      'database/003-items.sql': GOOD,
    },
    env: { DATABASE_URL: database.url },
  })

  const text = await project.run(['plan'])
  const blocked = await project.run(['sync', '--json'])
  const untouched = await database.query("SELECT FROM pg_tables WHERE schemaname = 'public'")
  const result = await project.run(['sync', '--json', '--allow', 'sql/empty'])
  const again = await project.run(['sync', '--json'])

  expect(text).toMatchObject({ exitCode: 4 })
  expect(text.stdout + text.stderr).toContain('database/001-empty.sql holds no statement')
  expect(blocked).toMatchObject({ exitCode: 4 })
  expect(blocked.json()).toMatchObject({
    findings: [
      { code: 'sql/empty', severity: 'block', migration: '001-empty' },
      { code: 'sql/empty', severity: 'block', migration: '002-comments' },
    ],
  })
  expect(untouched).toEqual([])
  expect(result).toMatchObject({ exitCode: 0 })
  expect(result.json()).toMatchObject({
    status: 'applied',
    findings: [
      { code: 'sql/empty', severity: 'warn', migration: '001-empty' },
      { code: 'sql/empty', severity: 'warn', migration: '002-comments' },
    ],
  })
  expect(again.json()).toMatchObject({ status: 'up-to-date', findings: [] })
  expect((await historyOf(database)).map((row) => [row['migration_name'], row['status']])).toEqual([
    ['001-empty', 'applied'],
    ['002-comments', 'applied'],
    ['003-items', 'applied'],
  ])
})

test('files run in the order of their numbers, not of their names', async () => {
  await using database = await createDatabase('numbers')
  await using project = createProject({
    files: {
      'database/1-first.sql': 'CREATE TABLE seen (n serial, file text);\n',
      'database/010-third.sql': "INSERT INTO seen (file) VALUES ('010');\n",
      'database/2_second.sql': "INSERT INTO seen (file) VALUES ('2');\n",
      'database/20260101120000_fourth.sql': "INSERT INTO seen (file) VALUES ('20260101120000');\n",
    },
    env: { DATABASE_URL: database.url },
  })

  const result = await project.run(['sync', '--json'])

  expect(result).toMatchObject({ exitCode: 0 })
  expect(result.json()).toMatchObject({
    environments: [
      { done: [{ name: '1-first' }, { name: '2_second' }, { name: '010-third' }, { name: '20260101120000_fourth' }] },
    ],
  })
  const seen = await database.query('SELECT file FROM seen ORDER BY n')
  expect(seen.map((row) => row['file'])).toEqual(['2', '010', '20260101120000'])
})

test('a file of 20 MB is applied', async () => {
  await using database = await createDatabase('large')
  const row = `INSERT INTO items (text) VALUES ('${'x'.repeat(1_000)}');\n`
  const count = Math.ceil((20 * 1024 * 1024) / row.length)
  await using project = createProject({
    files: { 'database/001-large.sql': `CREATE TABLE items (text text);\n${row.repeat(count)}` },
    env: { DATABASE_URL: database.url },
  })

  const result = await project.run(['sync', '--json'])

  expect(result).toMatchObject({ exitCode: 0 })
  expect(result.json()).toMatchObject({ status: 'applied', environments: [{ done: [{ name: '001-large' }] }] })
  expect(await database.query('SELECT count(*)::int AS n FROM items')).toEqual([{ n: count }])
})

interface Watched extends AsyncDisposable {
  /** The connection string of a database. */
  readonly url: string
  /** How often it was asked something, beyond logins. */
  questions(): number
}

/** With SCRAM: start-up, then two of SASL. */
const FLIGHTS_OF_A_LOGIN = 3

async function createWatched(): Promise<Watched> {
  const database = await createDatabase('files')
  const proxy = await createCountingProxy({ serverPort: testServer().port })
  const url = new URL(database.url)
  url.port = `${proxy.port}`
  return {
    url: url.href,
    questions: () => proxy.connections.reduce((sum, { flights }) => sum + Math.max(0, flights - FLIGHTS_OF_A_LOGIN), 0),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

/** The codes of all problems of an error, sorted. */
function codesOf(json: ReturnType<CliResult['json']>): readonly string[] {
  const problems: readonly { readonly code: string }[] = json['error'].problems
  return problems.map(({ code }) => code).toSorted()
}

function historyOf(database: TestDatabase): Promise<readonly Record<string, unknown>[]> {
  return database.query('SELECT * FROM schema_migrations ORDER BY migration_name')
}
