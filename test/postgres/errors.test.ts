import { expect, test, vi } from 'vitest'
import type { Connection } from '../../src/core/driver.ts'
import { postgresDriver } from '../../src/drivers/postgres/index.ts'
import { connectTo, FRESH, makeMigration, run } from '../contract/suite.ts'
import type { ConnectOptions } from '../contract/suite.ts'
import { createProject } from '../support/cli.ts'
import { findFreePort } from '../support/free-port.ts'
import { findPgBouncer, startPooler } from '../support/pooler.ts'
import { endpointOf } from '../support/postgres-connection.ts'
import { createDatabase, testServer } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'
import { createRecorder } from '../support/tls-server.ts'

const CANCEL = `SELECT pg_cancel_backend(pid) AS cancelled FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event = 'PgSleep'`

const FILES = { 'database/001-items.sql': 'CREATE TABLE items (id int);\n' }

/** What is said of a database that cannot be reached; `connectTo` says that its variable is DEV_DATABASE_URL in .env. */
test('nothing listens: the host, the port and the variable are named', async () => {
  const port = await findFreePort()

  await expect(connect(`postgres://u:p@127.0.0.1:${port}/d`)).rejects.toMatchObject({
    code: 'connection/refused',
    message: `Nothing listens on 127.0.0.1, port ${port}.`,
    hint: 'Is the server running? Check host and port in DEV_DATABASE_URL in .env.',
    engineCode: 'ECONNREFUSED',
  })
})

test('a socket directory without a server', async () => {
  await expect(connect('postgres://u@%2Fnowhere/d')).rejects.toMatchObject({
    code: 'connection/refused',
    message: 'There is no server socket .s.PGSQL.5432 in /nowhere.',
  })
})

test('a host name that nobody knows', async () => {
  // .invalid is never given away (RFC 2606); without any name server the look-up fails in another way.
  await expect(connect('postgres://u:p@db.invalid/d')).rejects.toMatchObject({
    code: 'connection/unknown-host',
    message: expect.stringContaining('The host name db.invalid'),
    engineCode: expect.stringMatching(/^(?:ENOTFOUND|EAI_AGAIN)$/u),
  })
})

test('a server that stays silent during the login: the deadline ends it', async () => {
  await using server = await createRecorder(0, () => {})

  await expect(connect(urlOf(server), { limits: { connectMs: 200 } })).rejects.toMatchObject({
    code: 'connection/timeout',
    message: `127.0.0.1, port ${server.port}, did not answer in time.`,
  })
})

test('a server that stays silent when it is asked for TLS: the deadline ends it', async () => {
  await using server = await createRecorder(0, () => {})

  await expect(connect(`${urlOf(server)}?sslmode=require`, { limits: { connectMs: 200 } })).rejects.toMatchObject({
    code: 'connection/timeout',
  })
})

test('a server that closes the connection at once', async () => {
  await using server = await createRecorder(0, (client) => client.destroy())

  for (const query of ['', '?sslmode=require']) {
    await expect(connect(urlOf(server) + query)).rejects.toMatchObject({
      code: 'connection/lost',
      message: `The connection to 127.0.0.1, port ${server.port}, broke before the first answer.`,
    })
  }
})

test.each([
  ['a web server', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'],
  ['an SSH server', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['a MySQL server', 'J\0\0\0\n8.0.36\0'],
])('%s on the port is told from a broken PostgreSQL, with and without TLS', async (_, said) => {
  await using server = await createRecorder(0, (client) => client.once('data', () => client.write(said)))

  for (const query of ['', '?sslmode=require']) {
    await expect(connect(urlOf(server) + query)).rejects.toMatchObject({
      code: query !== '' && said.startsWith('S') ? 'target/tls-unverified' : 'connection/not-postgres',
    })
  }
})

test('a server that speaks first is not PostgreSQL', async () => {
  await using server = await createRecorder(0, (client) => client.write('220 mail.example.com ESMTP\r\n'))

  await expect(connect(urlOf(server))).rejects.toMatchObject({
    code: 'connection/not-postgres',
    message: `What answers on 127.0.0.1, port ${server.port}, is not PostgreSQL.`,
  })
})

test('garbage in the form of a message: the deadline ends it', async () => {
  await using server = await createRecorder(0, (client) =>
    client.once('data', () => client.write('R\x7f\xff\xff\xff??')),
  )

  await expect(connect(urlOf(server), { limits: { connectMs: 200 } })).rejects.toMatchObject({
    code: 'connection/timeout',
  })
})

test.each([
  [
    'XX000',
    'Tenant or user not found',
    'connection/unknown-tenant',
    'The pooler 127.0.0.1 does not know the user postgres.',
    "copy the whole string from the project's Connect dialog into DEV_DATABASE_URL",
  ],
  [
    'XX000',
    'MaxClientsInSessionMode: max clients reached - in Session mode max clients are limited to pool_size',
    'connection/too-many',
    '127.0.0.1 takes no more connections. The server said: MaxClientsInSessionMode: max clients reached - in Session mode max clients are limited to pool_size',
    'Run again when it is quieter',
  ],
  [
    '57P03',
    'the database system is starting up',
    'connection/starting',
    '127.0.0.1 is starting up or shutting down. The server said: the database system is starting up',
    'Run again in a moment.',
  ],
  [
    '57P01',
    'terminating connection due to administrator command',
    'connection/lost',
    'ended the connection. The server said: terminating connection due to administrator command',
    'Run again in a moment.',
  ],
  [
    '53100',
    'could not write to file: No space left on device',
    'target/disk-full',
    'The disk of 127.0.0.1 is full. The server said: could not write to file: No space left on device',
    'Make room, then run again.',
  ],
  ['XX001', 'something new', 'target/server-error', 'dev: something new', 'Look here.'],
])('a server that answers the login with %s, %s', async (sqlState, words, code, message, hint) => {
  await using server = await createRecorder(0, (client) =>
    client.once('data', () => client.end(errorResponse(sqlState, words))),
  )

  await expect(connect(urlOf(server))).rejects.toMatchObject({
    code,
    engineCode: sqlState,
    message: expect.stringContaining(message),
    hint: expect.stringContaining(hint),
  })
})

test('a wrong password; %25 is spoken of only where the password was decoded', async () => {
  const { port } = testServer()
  const refused = (password: string): Promise<Record<string, string>> =>
    connect(`postgres://postgres:${password}@127.0.0.1:${port}/postgres`).then(
      () => ({}),
      (error: Record<string, string>) => error,
    )

  const plain = await refused('wrong')
  const decoded = await refused('wr%6Fng')

  expect(plain).toMatchObject({
    code: 'connection/wrong-password',
    engineCode: '28P01',
    message: '127.0.0.1 does not accept the password of postgres.',
    hint: 'Check user and password in DEV_DATABASE_URL in .env.',
  })
  expect(decoded).toMatchObject({ code: 'connection/wrong-password', hint: expect.stringContaining('%25') })
})

test('a database that does not exist, and a role that may not log in', async () => {
  await using database = await createDatabase('errors')
  await using role = await createRole(database, 'NOLOGIN')

  await expect(connect(database.url.replace(database.name, 'no_such_database'))).rejects.toMatchObject({
    code: 'connection/no-database',
    engineCode: '3D000',
    hint: expect.stringContaining('CREATE DATABASE "no_such_database"'),
  })
  await expect(connect(role.url)).rejects.toMatchObject({
    code: 'connection/login-refused',
    engineCode: '28000',
    message: expect.stringContaining('is not permitted to log in'),
  })
})

test('a role that has no connection left', async () => {
  await using database = await createDatabase('errors')
  await using role = await createRole(database, 'LOGIN CONNECTION LIMIT 0')

  await expect(connect(role.url)).rejects.toMatchObject({
    code: 'connection/too-many',
    engineCode: '53300',
    message: `127.0.0.1 takes no more connections. The server said: too many connections for role "${role.name}"`,
  })
})

test('a role that may not create tables: the grant is written out', async () => {
  await using database = await createDatabase('errors')
  // Before PostgreSQL 15 everybody may.
  await database.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC')
  await using role = await createRole(database, 'LOGIN')
  await using connection = await connect(role.url)

  await expect(
    run(connection, [makeMigration('001-items', FILES['database/001-items.sql'])], FRESH),
  ).rejects.toMatchObject({
    code: 'target/permission-denied',
    engineCode: '42501',
    message: expect.stringMatching(/lacks a right in .*\. The server said: permission denied for schema public$/u),
    hint: expect.stringContaining(`GRANT CREATE, USAGE ON SCHEMA public TO "${role.name}"`),
  })
})

test("a role that does not own another role's history is told so, and the grant that is named helps", async () => {
  await using database = await createDatabase('errors')
  await using owner = await createRole(database, 'LOGIN')
  await using second = await createRole(database, 'LOGIN', 'second')
  await database.query(
    `GRANT CREATE, USAGE ON SCHEMA public TO "${owner.name}", "${second.name}"; GRANT CREATE ON DATABASE "${database.name}" TO "${owner.name}", "${second.name}"`,
  )
  {
    await using connection = await connect(owner.url)
    await run(connection, [makeMigration('001-items', FILES['database/001-items.sql'])], FRESH)
  }
  const refusal = {
    code: 'target/permission-denied',
    engineCode: '42501',
    message: expect.stringMatching(/^The history of .* belongs to another role than .* "?schema_migrations"?$/u),
    hint: expect.stringContaining(
      `Put the role that owns schema_migrations into DEV_DATABASE_URL in .env, or grant it to this one: GRANT <owner> TO "${second.name}";`,
    ),
  }

  await expect(connect(second.url)).rejects.toMatchObject(refusal)
  await database.query(`GRANT SELECT ON schema_migrations TO "${second.name}"`)
  await expect(connect(second.url)).rejects.toMatchObject(refusal)

  await database.query(`GRANT "${owner.name}" TO "${second.name}"`)
  await using connection = await connect(second.url)
  expect((await connection.read()).history).toMatchObject([{ name: '001-items' }])
})

test('a role that may not connect to the database is told the grant for that', async () => {
  await using database = await createDatabase('errors')
  await using role = await createRole(database, 'LOGIN')
  await database.query(`REVOKE CONNECT ON DATABASE "${database.name}" FROM PUBLIC`)

  await expect(connect(role.url)).rejects.toMatchObject({
    code: 'target/permission-denied',
    engineCode: '42501',
    message: `${role.name} may not connect to ${database.name}. The server said: permission denied for database "${database.name}"`,
    hint: expect.stringContaining(`GRANT CONNECT ON DATABASE "${database.name}" TO "${role.name}";`),
  })
})

test('a read-only database can be read, and says what it is when it is written to', async () => {
  await using database = await createDatabase('errors')
  await database.query(`ALTER DATABASE "${database.name}" SET default_transaction_read_only = on`)
  await using project = createProject({ files: FILES, env: { DATABASE_URL: database.url } })

  const status = await project.run(['status'])
  const sync = await project.run(['sync', '--yes', '--json'])

  expect(status).toMatchObject({ exitCode: 0 })
  expect(sync).toMatchObject({ exitCode: 1 })
  expect(sync.stdout).toContain('is read-only: a replica, or default_transaction_read_only is on')
  expect(sync.stdout).toContain(`Put the primary's address into DATABASE_URL`)
})

test('a disk that fills up during a migration: the file and the line are named, and the migration is rolled back', async () => {
  await using database = await createDatabase('errors')
  await using connection = await connect(database.url)
  const text = `CREATE TABLE items (id int);\nDO $$BEGIN RAISE 'could not extend file' USING ERRCODE = '53100', HINT = 'Check free disk space.'; END$$;\n`

  const result = await run(connection, [makeMigration('001-items', text)], FRESH)

  expect(result).toMatchObject({
    kind: 'failed',
    failed: {
      error: {
        engineCode: '53100',
        message: 'could not extend file',
        hint: 'Check free disk space.',
        at: { file: 'database/001-items.sql', line: 2 },
      },
    },
  })
  expect(await database.query("SELECT to_regclass('items') AS items")).toEqual([{ items: null }])
})

test("a role's own statement time-out is told in the plan and does not stop a migration", async () => {
  await using database = await createDatabase('errors')
  await using role = await createRole(database, 'LOGIN')
  await database.query(
    `GRANT CREATE, USAGE ON SCHEMA public TO "${role.name}"; GRANT CREATE ON DATABASE "${database.name}" TO "${role.name}"; ALTER ROLE "${role.name}" SET statement_timeout = '250ms'`,
  )
  await using project = createProject({
    files: { 'database/001-slow.sql': 'CREATE TABLE slow (id int);\nSELECT pg_sleep(0.6);\n' },
    env: { DATABASE_URL: role.url },
  })

  const plan = await project.run(['plan', '--json'])
  const sync = await project.run(['sync', '--yes', '--json'])

  expect(plan).toMatchObject({ exitCode: 0 })
  expect(plan.json()['findings']).toEqual([
    expect.objectContaining({
      code: 'target/role-statement-timeout',
      severity: 'info',
      environment: 'dev',
      message: 'dev: a statement of this role may run for 0.25 s, a statement of a migration for 900 s.',
    }),
  ])
  expect(sync).toMatchObject({ exitCode: 0 })
  expect(sync.json()).toMatchObject({ environments: [{ done: [{ name: '001-slow' }] }] })
})

test('a session that is ended between two questions is not said to have broken during the login', async () => {
  await using database = await createDatabase('errors')
  await using connection = await connect(database.url)
  await connection.read()
  await database.query(
    `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  )

  await expect(connection.read()).rejects.toMatchObject({
    code: 'connection/lost',
    message: expect.not.stringMatching(/login|first answer/u),
    hint: expect.stringContaining('run again'),
  })
})

test("a database with another tool's history is refused, and no session to it is left", async () => {
  await using database = await createDatabase('errors')
  await database.query('CREATE TABLE schema_migrations (version bigint, dirty bool)')

  await expect(connect(database.url)).rejects.toMatchObject({ code: 'target/foreign-history' })

  await vi.waitFor(
    async () =>
      expect(
        await database.query(
          "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'migration-manager'",
        ),
      ).toEqual([]),
    10_000,
  )
})

test.runIf(findPgBouncer() !== null)("PgBouncer's own refusals are said like the server's", async () => {
  await using database = await createDatabase('errors')
  await using transaction = await startPooler(testServer(), { mode: 'transaction' })
  await using full = await startPooler(testServer(), { mode: 'transaction', settings: { max_client_conn: 1 } })
  const { password } = testServer()
  const url = transaction.urlOf(database)
  // PgBouncer may not have forgotten the probe of its start yet.
  await using _only = await vi.waitFor(() => connect(full.urlOf(database)), { timeout: 10_000, interval: 50 })

  const codes: unknown[] = []
  for (const attempt of [
    url.replace(password, 'wrong'),
    url.replace('//postgres:', '//nobody:'),
    url.replace(database.name, 'no_such_database'),
    full.urlOf(database),
  ]) {
    codes.push(
      await connect(attempt).then(
        () => 'connected',
        ({ code }: Record<string, unknown>) => code,
      ),
    )
  }

  expect(codes).toEqual([
    'connection/wrong-password',
    'connection/wrong-password',
    'connection/no-database',
    'connection/too-many',
  ])
})

interface TestRole extends AsyncDisposable {
  readonly name: string
  /** Logs in to the database as this role. */
  readonly url: string
}

async function createRole(database: TestDatabase, options: string, prefix = 'role'): Promise<TestRole> {
  const name = `${prefix}_${database.name}`
  await database.query(`CREATE ROLE "${name}" ${options} PASSWORD 'secret-of-role'`)
  const url = new URL(database.url)
  url.username = name
  url.password = 'secret-of-role'
  return {
    name,
    url: url.href,
    async [Symbol.asyncDispose]() {
      await database.query(`DROP OWNED BY "${name}" CASCADE; DROP ROLE "${name}"`)
    },
  }
}

function connect(url: string, options?: ConnectOptions): Promise<Connection> {
  return connectTo(postgresDriver, endpointOf(url), options)
}

function urlOf({ port }: { readonly port: number }): string {
  return `postgres://postgres:secret@127.0.0.1:${port}/postgres`
}

/** An ErrorResponse (PostgreSQL manual, "Message Formats"): E, length, fields of a letter and a text, a zero byte. */
function errorResponse(sqlState: string, words: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${sqlState}\0M${words}\0HLook here.\0\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields])
}

test('a statement that somebody cancels is not said to have run into its time limit', async () => {
  await using database = await createDatabase('cancelled')
  await using connection = await connect(database.url)

  const running = run(connection, [makeMigration('001-a', 'SELECT pg_sleep(60);')], FRESH)
  await vi.waitFor(async () => expect(await database.query(CANCEL)).toEqual([{ cancelled: true }]), 10_000)

  expect(await running).toMatchObject({
    kind: 'failed',
    failed: {
      error: {
        engineCode: '57014',
        hint: 'Somebody has cancelled the statement (pg_cancel_backend, or a tool that watches the server). Run it again when they agree.',
      },
    },
  })
})

test('where the server speaks another language, both that may have ended a statement are named', async () => {
  await using database = await createDatabase('cancelled')
  await using connection = await connect(database.url)
  const text = `DO $$BEGIN RAISE EXCEPTION 'storniere Anfrage wegen Zeitüberschreitung' USING ERRCODE = '57014'; END$$;`

  expect(await run(connection, [makeMigration('001-a', text)], FRESH)).toMatchObject({
    kind: 'failed',
    failed: { error: { engineCode: '57014', hint: expect.stringMatching(/^Somebody .* timeouts\.statementSeconds /) } },
  })
})
