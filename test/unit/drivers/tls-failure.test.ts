import { expect, test } from 'vitest'
import { describeTlsFailure } from '../../../src/drivers/postgres/tls-failure.ts'

function describe(code: string): ReturnType<typeof describeTlsFailure> {
  return describeTlsFailure(Object.assign(new Error('said by Node'), { code }), 'db.example.com')
}

test.each(['SELF_SIGNED_CERT_IN_CHAIN', 'CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID'])(
  'a certificate that is not trusted (%s) may be left unverified',
  (code) => {
    expect(describe(code)).toMatchObject({
      code: 'target/tls-unverified',
      engineCode: code,
      hint: expect.stringMatching(/ sslmode=require accepts an unverified server\.$/u),
    })
  },
)

test.each(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'])(
  'who could not agree on the encryption (%s) was advised to leave the server unverified',
  (code) => {
    const failure = describe(code)

    expect(failure).toMatchObject({ code: 'target/tls-unverified', engineCode: code })
    expect(failure?.hint).toMatch(/TLS 1\.2/u)
    expect(failure?.hint).not.toContain('sslmode')
  },
)

test('what has nothing to do with TLS is left to others', () => {
  expect(describe('ECONNRESET')).toBeNull()
})
