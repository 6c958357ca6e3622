import { expect, test } from 'vitest'
import { parseD1Url } from '../../../src/drivers/d1/url.ts'
import { driverOf } from '../../../src/drivers/index.ts'
import { parsePostgresUrl } from '../../../src/drivers/postgres/url.ts'
import { environmentOf } from '../core/samples.ts'

const VARIABLES: Readonly<Record<string, string>> = {
  CLOUDFLARE_ACCOUNT_ID: 'a'.repeat(32),
  CLOUDFLARE_API_TOKEN: 'token',
}

/** What a connection string alone says of its database. */
function databaseOf(url: string): string | undefined {
  const [engine, parse] = url.startsWith('d1')
    ? (['d1', parseD1Url] as const)
    : (['postgres', parsePostgresUrl] as const)
  const parsed = parse(url, { projectDir: '/nowhere', variable: (name) => VARIABLES[name] })
  if (!parsed.ok) throw new Error(parsed.message)
  return driverOf(engine).databaseOf?.({ ...environmentOf('prod'), endpoint: parsed.endpoint })
}

test.each([
  ['postgres://a:b@db.example.com/app', 'postgresql://a:d@DB.example.com.:5432/app?application_name=x'],
  ['postgres://a@%2Fvar%2Frun/app', 'postgres://a@%2Fvar%2F%2Frun%2F/app'],
  [
    'postgres://postgres.ref:b@eu.pooler.supabase.com/postgres',
    'postgres://postgres.ref:c@eu.pooler.supabase.com:5432/postgres',
  ],
  ['embedded:dev', 'embedded:dev'],
  ['d1://one', 'd1://one'],
  ['d1-local:one', 'd1-local://one'],
])('%s and %s are one database', (one, other) => {
  expect(databaseOf(one)).toBeDefined()
  expect(databaseOf(one)).toBe(databaseOf(other))
})

test.each([
  ['another database of the server', 'postgres://a:b@db.example.com/app', 'postgres://a:b@db.example.com/app_prod'],
  ['another port', 'postgres://a:b@db.example.com/app', 'postgres://a:b@db.example.com:5433/app'],
  ['another socket', 'postgres://a@%2Fvar%2Frun/app', 'postgres://a@%2Ftmp/app'],
  [
    "another project behind Supabase's pooler",
    'postgres://postgres.one:b@eu.pooler.supabase.com/postgres',
    'postgres://postgres.two:b@eu.pooler.supabase.com/postgres',
  ],
  ['another customer of one host', 'postgres://a:b@db.example.com/postgres', 'postgres://c:d@db.example.com/postgres'],
  ['another embedded one', 'embedded:dev', 'embedded:prod'],
  ['another id', 'd1://one', 'd1://two'],
  ['the local copy', 'd1://one', 'd1-local:one'],
])('%s is no reason to refuse', (_, one, other) => {
  expect(databaseOf(one)).not.toBe(databaseOf(other))
})
