import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AWKWARD_PASSWORDS } from '../support/awkward-passwords.ts'
import { filesIn, findPieces, readLeftFiles } from '../support/canary.ts'
import { createProject } from '../support/cli.ts'
import type { TestProject } from '../support/cli.ts'
import { createDatabase, testServer } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

/*
 * Every password meets every kind of failure; commands and options take turns. With CANARIES=commands every password
 * meets every failure under every command, and with CANARIES=full (npm run test:canaries) under every command with every
 * set of options.
 */

const wanted = process.env['CANARIES']
const isFull = wanted === 'full' || wanted === 'commands'

/** Nothing can hand over these: a variable ends at a NUL, and no URL may hold one. */
const PASSWORDS = AWKWARD_PASSWORDS.filter((password) => !password.includes('\0'))

/** What the same failures say with a password that resembles none of the table. */
const CONTROL = 'Qz7~Qz7~'

/** All failures once with that one, on a machine that is busy with other things. */
const CONTROL_MS = 600_000

const COMMANDS = ['status', 'plan', 'sync', 'init', 'rollback', 'history', 'verify', 'repair', 'adopt'] as const

/** Commands of one environment, with what they need; how they end depends on more than the failure, but never with 0. */
const SINGLE: Readonly<Record<string, readonly string[]>> = {
  repair: ['mark-applied', '1-a', '--env', 'dev', '--reason', 'a test'],
  adopt: ['--from', 'schema-version', '--env', 'dev'],
}
const OPTIONS = [[], ['--verbose'], ['--json'], ['--json', '--verbose'], ['--yes', '--quiet']] as const

interface Attempt {
  readonly env: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
  /** In addition to the command and its options. */
  readonly args?: readonly string[]
  readonly exitCode: number
  /** Of the commands that write; the same when absent. */
  readonly exitCodeOfWrites?: number
}

/** What is written to is refused; the others find an empty database. */
const WRITES: ReadonlySet<string> = new Set(['sync', 'init'])

/** A kind of failure; `written` is the password as a careful person writes it into a URL. */
type Failure = (password: string, written: string) => Attempt

const FILES = { 'database/1-a.sql': 'CREATE TABLE a (id int);\n' }

const FAILURES: readonly (readonly [name: string, failures: readonly Failure[]])[] = [
  [
    'the server refuses it',
    [
      (_, written) => ({ env: { DATABASE_URL: serverUrl(written, 'postgres') }, exitCode: 1 }),
      (_, written) => ({ env: { DATABASE_URL: serverUrl(written, 'absent') }, exitCode: 1 }),
      (_, written) => ({ env: { DATABASE_URL: `${serverUrl(written, 'postgres')}?sslmode=require` }, exitCode: 8 }),
    ],
  ],
  [
    'nobody answers',
    [
      (_, written) => ({ env: { PROD_DATABASE_URL: `postgres://u:${written}@127.0.0.1:1/app` }, exitCode: 1 }),
      (_, written) => ({ env: { DATABASE_URL: `postgresql://u:${written}@nowhere.invalid/app` }, exitCode: 1 }),
      (_, written) => ({ env: { DATABASE_URL: `postgres://u:${written}@%2Fno%2Fsuch%2Fsocket/app` }, exitCode: 1 }),
    ],
  ],
  [
    'the server lets it in and refuses what it does',
    [
      (password) => ({ env: { DATABASE_URL: roleUrl('canary_limited', password) }, exitCode: 1 }),
      (password) => ({
        env: { DATABASE_URL: roleUrl('canary_reader', password) },
        exitCode: 0,
        exitCodeOfWrites: 1,
      }),
      (password) => ({
        env: { DATABASE_URL: roleUrl('canary_stranger', password) },
        exitCode: 0,
        exitCodeOfWrites: 1,
      }),
    ],
  ],
  [
    'the connection string makes no sense',
    [
      (_, written) => ({ env: { DATABASE_URL: `mysql://u:${written}@h/app` }, exitCode: 2 }),
      (_, written) => ({ env: { DATABASE_URL: `postgres://u:${written}@h/app?host=other` }, exitCode: 2 }),
      (_, written) => ({ env: { DATABASE_URL: `postgres://u:${written}@h/app?sslmode=perhaps` }, exitCode: 2 }),
      (_, written) => ({ env: { DATABASE_URL: `postgres://u@h/app?password=${written}` }, exitCode: 2 }),
      (_, written) => ({ env: { DATABASE_URL: `postgres://u:${written}@h:port/app` }, exitCode: 2 }),
      (_, written) => ({ env: { DATABASE_URL: `"postgres://u:${written}@h/app"` }, exitCode: 2 }),
      // As it was pasted, and with an escape that could be meant or not.
      (password) => ({ env: { DATABASE_URL: `postgres://u:${password}%41@ %@h/app` }, exitCode: 2 }),
      (_, written) => ({
        env: { DATABASE_URL: `postgres://u:${written}@h/a`, DEV_DATABASE_URL: `embedded:b` },
        exitCode: 2,
      }),
    ],
  ],
  [
    'a setting beside it is wrong',
    [
      (password, written) => ({
        env: { DATABASE_URL: `postgres://u:${written}@h/app`, MIGRATION_ENVIRONMENTS: `dev,${password}` },
        exitCode: 2,
      }),
      (_, written) => ({
        env: { DATABASE_URL: `postgres://u:${written}@h/app`, PROD_DATABASE_URL: written },
        exitCode: 2,
      }),
      (password, written) => ({
        env: {},
        files: { '.env': `DATABASE_URL='postgres://u:${written}@h/app?nonsense=1'\n# ${password}\nX=${password}\n` },
        exitCode: 2,
      }),
      (password, written) => ({
        env: { DATABASE_URL: `postgres://u:${written}@h/app` },
        files: { 'migration-manager.config.json': `{"environments": ["dev"], "dir": ${JSON.stringify(password)}` },
        exitCode: 2,
      }),
      (password, written) => ({
        env: { DATABASE_URL: `postgres://u:${written}@127.0.0.1:1/app` },
        args: ['--config', `x${password}`],
        exitCode: 2,
      }),
    ],
  ],
]

/** Roles that are let in and may do little. */
const ROLES = `
DROP ROLE IF EXISTS canary_limited, canary_reader, canary_stranger;
CREATE ROLE canary_limited LOGIN CONNECTION LIMIT 0;
CREATE ROLE canary_reader LOGIN SUPERUSER;
ALTER ROLE canary_reader SET default_transaction_read_only = on;
CREATE ROLE canary_stranger LOGIN;
`

let refuge: TestDatabase
beforeAll(async () => {
  refuge = await createDatabase('canary')
  await refuge.query(`${ROLES}REVOKE CREATE ON SCHEMA public FROM PUBLIC`)
})
afterAll(async () => {
  await refuge.drop()
})

/** The socket takes any password. */
function roleUrl(role: string, password: string): string {
  return socketUrl(password, refuge.name).replace('//postgres:', `//${role}:`)
}

function serverUrl(written: string, database: string): string {
  const { host, port } = testServer()
  return `postgres://postgres:${written}@${host}:${port}/${database}`
}

/** Runs an attempt in a folder of its own and returns all that it says and leaves. */
async function saidBy(
  failure: Failure,
  password: string,
  args: readonly string[],
): Promise<{ readonly exitCode: number | null; readonly expected: number; readonly said: string }> {
  const {
    env,
    files = {},
    args: more = [],
    exitCode: ofReads,
    exitCodeOfWrites = ofReads,
  } = failure(password, encodeURIComponent(wellFormed(password)))
  const single = SINGLE[args[0] ?? '']
  await using project = createProject({ files: { ...FILES, ...files }, env })
  const before = new Set(filesIn(project.dir))
  const { exitCode, stdout, stderr } = await project.run([...args, ...(single ?? []), ...more])
  const isWrite = WRITES.has(args[0] ?? '')
  const expected = single === undefined ? (isWrite ? exitCodeOfWrites : ofReads) : Math.max(1, exitCode ?? 1)
  return { exitCode, expected, said: `${stdout}\n${stderr}\n${readLeftFiles(project.dir, before)}` }
}

function wellFormed(text: string): string {
  return text.replaceAll(/\p{Cs}/gu, '\ufffd')
}

describe.each(FAILURES)('when %s', (_, failures) => {
  const excuses = new Map<string, string>()
  const turns = (index: number): readonly (readonly [Failure, readonly string[]])[] => {
    if (isFull) {
      const some = wanted === 'full' ? OPTIONS : [OPTIONS[index % OPTIONS.length] ?? []]
      return failures.flatMap((failure) =>
        COMMANDS.flatMap((command) => some.map((options) => [failure, [command, ...options]] as const)),
      )
    }
    const failure = failures[index % failures.length]
    const args = [COMMANDS[index % COMMANDS.length] ?? 'status', ...(OPTIONS[index % OPTIONS.length] ?? [])]
    return failure === undefined ? [] : [[failure, args]]
  }

  beforeAll(async () => {
    // What each failure says anyhow, under whatever command: once in words and once in JSON.
    for (const failure of failures) {
      for (const args of [['status'], ['sync', '--verbose', '--yes'], ['init', '--json', '--verbose']]) {
        const { said } = await saidBy(failure, CONTROL, args)
        excuses.set(failure.toString(), `${excuses.get(failure.toString()) ?? ''}\n${said}`)
      }
    }
  }, CONTROL_MS)

  test.concurrent.each(PASSWORDS.map((password, index) => ({ password, index })))(
    'nothing shows a piece of the password $password',
    async ({ password, index }) => {
      for (const [failure, args] of turns(index)) {
        const { said, exitCode, expected } = await saidBy(failure, password, args)
        const found = findPieces(password, said, excuses.get(failure.toString()) ?? '')
        // Said only where it helps: what led to another end than the one that is meant.
        const why = exitCode === expected ? '' : said
        expect({ args, exitCode, found, why }).toEqual({ args, exitCode: expected, found: [], why: '' })
      }
    },
  )
})

/** What several runs in one project say and leave there, one after the other. */
async function saidIn(project: TestProject, lines: readonly (readonly string[])[]): Promise<readonly [string, string]> {
  const before = new Set(filesIn(project.dir))
  const codes: (number | null)[] = []
  let said = ''
  for (const args of lines) {
    const { exitCode, stdout, stderr } = await project.run(args)
    codes.push(exitCode)
    said += `${stdout}\n${stderr}\n`
  }
  return [codes.join(), said + readLeftFiles(project.dir, before)]
}

/** A database whose server lets anybody in at its socket, so that any text will do for a password. */
function socketUrl(password: string, database: string): string {
  const { socketDir, port } = testServer()
  const written = encodeURIComponent(wellFormed(password))
  return `postgres://postgres:${written}@${encodeURIComponent(socketDir)}:${port}/${database}`
}

/** What a migration says that holds a secret, notices and fails with it; and all that the database keeps of it. */
async function saidByMigration(
  password: string,
  runs: readonly (readonly string[])[],
): Promise<readonly [codes: string, said: string, kept: string]> {
  await using database = await createDatabase('canary')
  const literal = `'${password.replaceAll("'", "''")}'`
  const written = encodeURIComponent(wellFormed(password)).replaceAll("'", "''")
  await using project = createProject({
    files: {
      'database/1-talks.sql': `DO $canary$ BEGIN
  RAISE NOTICE 'plain %', ${literal};
  RAISE NOTICE 'base64 %', encode(convert_to('user:' || ${literal} || '@', 'UTF8'), 'base64');
  RAISE NOTICE 'json %', to_json(${literal}::text);
  RAISE WARNING 'url %', 'postgres://u:${written}@h';
END $canary$;\n`,
      'database/2-fails.sql': `SELECT 1;\nSELECT ${literal}::uuid;\n`,
    },
    env: { DATABASE_URL: socketUrl(password, database.name) },
  })
  const [codes, said] = await saidIn(project, runs)
  const kept = await database.query(`SELECT string_agg(line, E'\\n') AS lines FROM (
    SELECT l::text AS line FROM schema_migrations_log l UNION ALL SELECT h::text FROM schema_migrations h) AS kept`)
  return [codes, said, String(kept[0]?.['lines'])]
}

describe('when a migration holds it', () => {
  const all = PASSWORDS.map((password, index) => ({ password, index }))
  const words = [['plan', '--sql'], ['sync', '--verbose'], ['status']]
  const json = [
    ['plan', '--json'],
    ['sync', '--json', '--verbose'],
    ['init', '--json'],
  ]
  let excuse: readonly string[] = []
  beforeAll(async () => {
    excuse = await saidByMigration(CONTROL, [...words, ...json])
  }, CONTROL_MS)

  async function piecesOf(password: string, runs: readonly (readonly string[])[]): Promise<readonly string[]> {
    const [codes, said, kept] = await saidByMigration(password, runs)
    expect(codes).toBe(runs.map(([command]) => (command === 'sync' ? 1 : 0)).join())
    expect(kept).toContain('1-talks')
    return [...findPieces(password, said, excuse[1] ?? ''), ...findPieces(password, kept, excuse[2] ?? '')]
  }

  test.concurrent.each(all)('nothing shows or keeps a piece of the password $password', async ({ password, index }) => {
    // Of the longest one a server breaks the base64 into lines, which only words show.
    const runs = isFull ? [...words, ...json] : index % 2 === 0 || password.length > 200 ? words : json
    expect(await piecesOf(password, runs)).toEqual([])
  })
})

/** What a file name may hold. */
const NAMES = PASSWORDS.filter(
  (password) => !/[\p{C}\p{Zl}\p{Zp}\\/"'`$<>|*?:;]/u.test(password) && password.length < 200,
)

async function saidOfFile(password: string): Promise<readonly [codes: string, said: string]> {
  await using database = await createDatabase('canary')
  await using project = createProject({
    files: { [`database/1-${password}.sql`]: 'SELECT 1;\nSELECT 1 / 0;\n', [`database/2.${password}`]: '' },
    env: { DATABASE_URL: socketUrl(password, database.name) },
  })
  return await saidIn(project, [['status'], ['plan', '--json'], ['sync']])
}

describe('when a file is named after it', () => {
  let excuse = ''
  beforeAll(async () => {
    excuse = (await saidOfFile(CONTROL))[1]
  }, CONTROL_MS)

  test.concurrent.each(NAMES)('nothing shows a piece of the password %j', async (password) => {
    const [codes, said] = await saidOfFile(password)

    expect(codes).toBe('0,0,1')
    expect(said).toContain('***')
    expect(findPieces(password, said, excuse)).toEqual([])
  })
})

test('nothing shows an author who is named after it', async () => {
  await using project = createProject({ files: FILES })
  execFileSync('git', ['init', '--quiet'], { cwd: project.dir })
  for (const password of PASSWORDS.slice(0, isFull ? PASSWORDS.length : 8)) {
    execFileSync('git', ['config', 'user.name', password], { cwd: project.dir })
    const env = { DATABASE_URL: socketUrl(password, 'absent') }
    const { exitCode, stdout, stderr } = await project.run(['new', 'something', '--verbose'], { env })

    expect({ exitCode, found: findPieces(password, stdout + stderr, '') }).toEqual({ exitCode: 0, found: [] })
  }
})

/** Runs a command line that has a secret among its arguments, and returns the pieces that it shows. */
async function piecesShown(secret: string, argv: readonly string[]): Promise<readonly string[]> {
  await using project = createProject({ env: { DATABASE_URL: `postgres://u:${secret}@127.0.0.1:1/app` } })
  const { exitCode, stdout, stderr } = await project.run(argv)
  expect(exitCode).toBeGreaterThan(0)
  return findPieces(secret, stdout + stderr, '')
}

test.each([
  ['a folder', (secret: string) => ['status', '--dir', secret]],
  ['a file', (secret: string) => ['plan', '--config', `postgres://u:${secret}@h/app`]],
  ['a version', (secret: string) => ['sync', '--to', secret]],
])('nothing shows a password that was typed as %s', async (_, argv) => {
  expect(await piecesShown('hunter2-long', argv('hunter2-long'))).toEqual([])
})

test.each([
  ['a command', (secret: string) => ['status', secret]],
  ['an option', (secret: string) => ['status', `--${secret}`]],
  ['a connection string', (secret: string) => [`postgres://u:${secret}@h/app`]],
])('nothing shows a password that was typed as %s', async (_, argv) => {
  expect(await piecesShown('hunter2-long', argv('hunter2-long'))).toEqual([])
})
