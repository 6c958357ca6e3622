import { describe, expect, test } from 'vitest'
import { type ServerEndpoint, parsePostgresUrl } from '../../../src/drivers/postgres/url.ts'

const CONTEXT = { projectDir: '/project' }

function serverOf(url: string, context: Parameters<typeof parsePostgresUrl>[1] = CONTEXT): ServerEndpoint {
  const parsed = parsePostgresUrl(url, context)
  if (!parsed.ok) throw new Error(`refused: ${parsed.code} ${parsed.message}`)
  if (parsed.endpoint.kind !== 'server') throw new Error('not a server')
  return parsed.endpoint
}

function refusalOf(url: string, context = CONTEXT): { code: string; message: string; hint: string } {
  const parsed = parsePostgresUrl(url, context)
  if (parsed.ok) throw new Error('was not refused')
  return parsed
}

describe('host, port, user and database', () => {
  test.each([
    ['postgres://a:b@db.example.com/app', { host: 'db.example.com', port: 5432, user: 'a', database: 'app' }],
    ['POSTGRESQL://a:b@db.example.com:6000/app', { host: 'db.example.com', port: 6000 }],
    ['postgres://a:b@[2001:db8::1]:6000/app', { host: '2001:db8::1', port: 6000 }],
    ['postgres://a:b@[::1]/app', { host: '::1', port: 5432 }],
    ['postgres://a@%2Fvar%2Frun%2Fpostgresql/app', { host: '/var/run/postgresql', port: 5432, tls: { mode: 'off' } }],
    ['postgres://a@%2Ftmp:6000/app', { host: '/tmp', port: 6000 }],
    ['postgres://my%40user:b@localhost/my%2Fapp', { user: 'my@user', database: 'my/app' }],
    ['postgres://user@server:b@db.example.com/app', { user: 'user@server', host: 'db.example.com' }],
    ['postgres://a:b@my_host.:5432/app', { host: 'my_host.' }],
  ])('%s', (url, expected) => {
    expect(serverOf(url)).toMatchObject(expected)
  })

  test.each([
    ['no database', 'postgres://a:b@h', 'config/no-database'],
    ['an empty database', 'postgres://a:b@h/', 'config/no-database'],
    ['no database, but options', 'postgres://a:b@h?sslmode=require', 'config/no-database'],
    ['no user', 'postgres://h/app', 'config/no-user'],
    ['an empty user', 'postgres://:b@h/app', 'config/no-user'],
    ['nothing at all', 'postgres://', 'config/no-user'],
    ['a value that was cut at a #', 'postgres://a:p', 'config/no-user'],
    ['no host', 'postgres://a:b@/app', 'config/bad-url'],
    ['two of them', 'postgres://a:b@h/one,postgres://a:b@h/two', 'config/bad-url'],
    ['two of them with a space', 'postgres://a:b@h/one postgresql://a:b@h/two', 'config/bad-url'],
    ['several hosts', 'postgres://a:b@h1,h2:5433/app', 'config/several-hosts'],
    ['a port that is no number', 'postgres://a:b@h:port/app', 'config/bad-url'],
    ['port 0', 'postgres://a:b@h:0/app', 'config/bad-url'],
    ['a port that is too large', 'postgres://a:b@h:65536/app', 'config/bad-url'],
    ['a bracketed text that is no IPv6 address', 'postgres://a:b@[1.2.3.4]/app', 'config/bad-url'],
    ['a second path segment', 'postgres://a:b@h/app/other', 'config/bad-url'],
    ['a fragment', 'postgres://a:b@h/app#x', 'config/bad-url'],
    ['a user that does not decode', 'postgres://a%zz:b@h/app', 'config/bad-url'],
    ['a database that does not decode', 'postgres://a:b@h/app%zz', 'config/bad-url'],
    ['a host that is a placeholder', 'postgres://a:b@db.[PROJECT-REF].supabase.co/app', 'config/placeholder'],
    ['a line break', 'postgres://a:b\nc@h/app', 'config/bad-url'],
    ['another scheme', 'mysql://a:b@h/app', 'config/bad-url'],
  ])('%s is refused', (_, url, code) => {
    expect(refusalOf(url).code).toBe(code)
  })
})

describe('TLS', () => {
  const REMOTE = 'postgres://a:b@db.example.com/app'
  const VERIFY = { mode: 'verify', rootCert: null }
  test.each([
    [REMOTE, VERIFY],
    ['postgres://a:b@10.0.0.1/app', VERIFY],
    ['postgres://a:b@localhost.example.com/app', VERIFY],
    ['postgres://a:b@127.1/app', VERIFY],
    [`${REMOTE}?sslmode=verify-full`, VERIFY],
    [`${REMOTE}?sslmode=require`, { mode: 'unverified' }],
    [`${REMOTE}?sslmode=require&sslrootcert=ca.crt`, { mode: 'verify', rootCert: '/project/ca.crt' }],
    [`${REMOTE}?sslmode=verify-ca&sslrootcert=/etc/ca.crt`, { mode: 'verify', rootCert: '/etc/ca.crt' }],
    [`${REMOTE}?sslrootcert=my%20ca.crt`, { mode: 'verify', rootCert: '/project/my ca.crt' }],
    [`${REMOTE}?sslrootcert=system&sslmode=verify-full`, VERIFY],
    ['postgres://a:b@localhost/app', { mode: 'off' }],
    ['postgres://a:b@LOCALHOST/app', { mode: 'off' }],
    ['postgres://a:b@127.9.9.9/app', { mode: 'off' }],
    ['postgres://a:b@[0:0:0:0:0:0:0:1]/app', { mode: 'off' }],
    ['postgres://a:b@localhost/app?sslmode=disable', { mode: 'off' }],
    ['postgres://a:b@localhost/app?sslmode=require', { mode: 'unverified' }],
    ['postgres://a:b@localhost/app?sslmode=verify-full', VERIFY],
    ['postgres://a:b@localhost/app?sslrootcert=ca.crt', { mode: 'verify', rootCert: '/project/ca.crt' }],
    ['postgres://a@%2Ftmp/app?sslmode=require', { mode: 'off' }],
  ])('%s', (url, tls) => {
    expect(serverOf(url).tls).toEqual(tls)
  })

  test.each([
    [`${REMOTE}?sslmode=disable`, 'config/tls-disabled'],
    ['postgres://a:b@[2001:db8::1]/app?sslmode=disable', 'config/tls-disabled'],
    [`${REMOTE}?sslmode=prefer`, 'config/tls-mode'],
    [`${REMOTE}?sslmode=allow`, 'config/tls-mode'],
    ['postgres://a:b@localhost/app?sslmode=prefer', 'config/tls-mode'],
    [`${REMOTE}?sslmode=no-verify`, 'config/tls-mode'],
    [`${REMOTE}?sslmode=`, 'config/tls-mode'],
    [`${REMOTE}?sslmode=verify-ca`, 'config/tls-mode'],
  ])('%s is refused', (url, code) => {
    expect(refusalOf(url).code).toBe(code)
  })

  test('PGSSLROOTCERT is used when the string names no authority', () => {
    const context = { ...CONTEXT, variable: (name: string) => (name === 'PGSSLROOTCERT' ? 'env.crt' : undefined) }
    expect(serverOf(REMOTE, context).tls).toEqual({ mode: 'verify', rootCert: '/project/env.crt' })
    expect(serverOf(`${REMOTE}?sslmode=verify-ca`, context).tls).toEqual({
      mode: 'verify',
      rootCert: '/project/env.crt',
    })
    expect(serverOf(`${REMOTE}?sslrootcert=system`, context).tls).toEqual(VERIFY)
    expect(serverOf(`${REMOTE}?sslmode=require`, context).tls).toEqual({ mode: 'unverified' })
    expect(serverOf('postgres://a:b@localhost/app', context).tls).toEqual({ mode: 'off' })
  })
})

describe('options', () => {
  test.each(['host', 'hostaddr', 'user', 'password', 'port', 'dbname'])('%s is refused by name', (name) => {
    const refusal = refusalOf(withQuery(`${name}=telltale`))
    expect(refusal.code).toBe('config/url-option')
    expect(refusal.message).toContain(`holds ${name} `)
    expect(refusal.message + refusal.hint).not.toContain('telltale')
  })

  test.each([
    'pgbouncer=true',
    'connection_limit=1&pool_timeout=0',
    'sslmode=require&supa=base-pooler.x',
    'workaround=supabase-pooler.bouncer',
    'schema=public',
    'channel_binding=prefer&gssencmode=disable',
    'target_session_attrs=read-write',
    '',
  ])('%s is accepted', (query) => {
    expect(serverOf(withQuery(query)).database).toBe('app')
  })

  test.each([
    'options=-c%20role%3Dadmin',
    'schema=other',
    'channel_binding=require',
    'gssencmode=require',
    'target_session_attrs=standby',
    'frobnicate=1',
    'sslmode=require&sslmode=disable',
    'connect_timeout=soon',
    'application_name=a#b',
    'application_name=a%zz',
  ])('%s is refused by name', (query) => {
    const refusal = refusalOf(withQuery(query))
    expect(refusal.code).toBe('config/url-option')
    expect(refusal.message).toContain(query.split('=')[0])
  })

  test('application_name and connect_timeout are kept', () => {
    const endpoint = serverOf(withQuery('application_name=my%20app&connect_timeout=7'))
    expect(endpoint).toMatchObject({ connectTimeoutMs: 7000 })
    expect(serverOf(withQuery('connect_timeout=0')).connectTimeoutMs).toBeNull()
  })
})

describe('warnings', () => {
  test.each([
    ['postgres://postgres.abc:b@aws-0-eu-central-1.pooler.supabase.com:5432/postgres', []],
    ['postgres://postgres:b@aws-0-eu-central-1.pooler.supabase.com:5432/postgres', ['target/pooler-user']],
    ['postgres://postgres.abc:b@aws-0-eu-central-1.pooler.supabase.com:6543/postgres', ['target/transaction-pooler']],
    ['postgres://postgres:b@db.abc.supabase.co:6543/postgres', ['target/transaction-pooler']],
    ['postgres://a:b@db.example.com/app?sslmode=require', ['target/unverified-tls']],
    ['postgres://a:b@db.example.com:6543/app', []],
  ])('%s', (url, codes) => {
    expect(serverOf(url).warnings.map((warning) => warning.code)).toEqual(codes)
  })
})

describe('embedded databases', () => {
  test('the name behind the colon is the database', () => {
    expect(parsePostgresUrl('embedded:dev', CONTEXT)).toEqual({
      ok: true,
      database: 'dev',
      endpoint: { kind: 'embedded', database: 'dev', projectDir: '/project', home: '/project' },
      secrets: [],
    })
  })

  test.each(['embedded:', 'embedded://dev', 'embedded:Dev', 'embedded:a/../b', 'embedded:a b', 'embedded:template1'])(
    '%s is refused',
    (url) => {
      expect(refusalOf(url).hint).toContain('embedded:dev')
    },
  )
})

function withQuery(query: string): string {
  return `postgres://a:b@localhost/app?${query}`
}
