import { expect, test } from 'vitest'
import { MigrationManagerError } from '../../../src/core/errors.ts'
import {
  describeConnectFailure,
  describeServerFailure,
  describeSessionFailure,
  NOT_POSTGRES,
} from '../../../src/drivers/postgres/errors.ts'
import { LostConnection, ServerFailure } from '../../../src/drivers/postgres/session-failure.ts'
import type { Place, ServerError } from '../../../src/drivers/postgres/session-failure.ts'

const PLACE: Place = {
  environment: 'prod',
  host: 'db.abcd.supabase.co',
  port: 5432,
  user: 'postgres',
  database: 'postgres',
  origin: 'PROD_DATABASE_URL',
  passwordDecoded: false,
}

test.each([
  ['ECONNREFUSED', 'connection/refused'],
  ['ENOENT', 'connection/refused'],
  ['EACCES', 'connection/refused'],
  ['ENOTFOUND', 'connection/unknown-host'],
  ['EAI_AGAIN', 'connection/unknown-host'],
  ['ENETUNREACH', 'connection/unreachable'],
  ['EHOSTUNREACH', 'connection/unreachable'],
  ['ETIMEDOUT', 'connection/timeout'],
  ['CONNECT_TIMEOUT', 'connection/timeout'],
  [NOT_POSTGRES, 'connection/not-postgres'],
  ['ECONNRESET', 'connection/lost'],
  ['SOMETHING_NEW', 'connection/lost'],
])('%s is %s, with a hint that names the variable or the cure', (code, expected) => {
  const error = describeConnectFailure(systemError(code), PLACE)

  expect(error).toMatchObject({ code: expected, environment: 'prod' })
  expect(error.message).toContain(PLACE.host)
  expect(error.hint).toMatch(/PROD_DATABASE_URL|run again/u)
})

test.each(['ENETUNREACH', 'EHOSTUNREACH', 'ENOTFOUND'])(
  'a direct Supabase host that has only IPv6 (%s) leads to the session pooler',
  (code) => {
    const { hint } = describeConnectFailure(systemError(code), PLACE)

    expect(hint).toContain('IPv6')
    expect(hint).toMatch(/session pooler's string \(port 5432\).* into PROD_DATABASE_URL/u)
  },
)

test('an unknown host elsewhere is a matter of spelling', () => {
  const error = describeConnectFailure(systemError('ENOTFOUND'), { ...PLACE, host: 'db.example.com' })

  expect(error.hint).toBe('Check the spelling in PROD_DATABASE_URL.')
})

test('of several addresses that were tried, the last one tells', () => {
  const tried = new AggregateError([systemError('ENETUNREACH'), systemError('ECONNREFUSED')])

  expect(describeConnectFailure(tried, PLACE)).toMatchObject({
    code: 'connection/refused',
    engineCode: 'ECONNREFUSED',
  })
})

test('an error for people keeps its words and gets the environment', () => {
  const refused = new MigrationManagerError('target/tls-refused', 'It does not speak TLS.', { hint: 'Switch it on.' })

  expect(describeConnectFailure(refused, PLACE)).toMatchObject({
    code: 'target/tls-refused',
    message: 'It does not speak TLS.',
    hint: 'Switch it on.',
    environment: 'prod',
  })
})

test('what was thrown is no part of what is said when nobody knows it', () => {
  const error = describeConnectFailure(new Error('postgres://postgres:secret@db/postgres'), PLACE)

  expect(`${error.message} ${error.hint}`).not.toContain('secret')
})

test('a connection that was lost later is not said to have broken at the beginning', () => {
  const early = describeConnectFailure(new LostConnection('the connection was lost'), PLACE)
  const late = describeSessionFailure(new LostConnection('the connection was lost'), PLACE)

  expect(early.message).toContain('before the first answer')
  expect(late).toMatchObject({ code: 'connection/lost', environment: 'prod' })
  expect(late.message).not.toMatch(/login|first answer/u)
})

test('what the server said is described alike, early and late', () => {
  const failure = new ServerFailure(serverError('57P01', 'terminating connection due to administrator command'))

  expect(describeSessionFailure(failure, PLACE)).toMatchObject({ code: 'connection/lost', engineCode: '57P01' })
  expect(describeConnectFailure(failure, PLACE)).toMatchObject({ code: 'connection/lost', engineCode: '57P01' })
})

test('the %25 of a password is spoken of only when it was decoded', () => {
  const wrong = serverError('28P01', 'password authentication failed for user "postgres"')

  expect(describeServerFailure(wrong, PLACE).hint).not.toContain('%25')
  expect(describeServerFailure(wrong, { ...PLACE, passwordDecoded: true }).hint).toContain('write each % as %25')
})

test("a pooler's words count only when the pooler ended the session with them", () => {
  const words = 'no more connections allowed (max_client_conn)'

  expect(describeServerFailure(serverError('08P01', words), PLACE).code).toBe('connection/too-many')
  expect(describeServerFailure({ ...serverError('P0001', words), isFatal: false }, PLACE).code).toBe(
    'target/server-error',
  )
})

test("an error without a rule keeps the server's words and hint", () => {
  const error = describeServerFailure({ ...serverError('XX001', 'page is corrupt'), hint: 'Look at the disk.' }, PLACE)

  expect(error).toMatchObject({
    code: 'target/server-error',
    message: 'prod: page is corrupt',
    hint: 'Look at the disk.',
    engineCode: 'XX001',
  })
})

function systemError(code: string): Error {
  return Object.assign(new Error(`connect ${code} 192.0.2.1:5432`), { code })
}

function serverError(code: string, message: string): ServerError {
  return { code, message, hint: null, position: null, constraint: null, isFatal: true }
}
