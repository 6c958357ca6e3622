import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { parseD1Url } from '../../../src/drivers/d1/url.ts'
import { withoutComments } from '../../../src/drivers/d1/wrangler.ts'

const TOKEN = 'token-Yb3kPq9'
const CLOUDFLARE = { CLOUDFLARE_ACCOUNT_ID: 'account1', CLOUDFLARE_API_TOKEN: TOKEN }

function parse(url: string, variables: Readonly<Record<string, string>> = CLOUDFLARE): ReturnType<typeof parseD1Url> {
  return parseD1Url(url, { projectDir: '/nowhere/at/all', variable: (name) => variables[name] })
}

describe('a remote database', () => {
  test('has an account, an id and a token, which is a secret', () => {
    const parsed = parse('d1://9f1e0e0c-5b1a-4b57-8a52-6e3c9d7a1b20')

    expect(parsed).toMatchObject({
      ok: true,
      database: '9f1e0e0c-5b1a-4b57-8a52-6e3c9d7a1b20',
      endpoint: {
        kind: 'remote',
        apiBase: 'https://api.cloudflare.com/client/v4',
        accountId: 'account1',
        databaseId: '9f1e0e0c-5b1a-4b57-8a52-6e3c9d7a1b20',
      },
    })
    expect(parsed.ok ? parsed.secrets.map((secret) => secret.reveal()) : []).toEqual([TOKEN])
    expect(inspect(parsed, { depth: 9 }) + JSON.stringify(parsed)).not.toContain(TOKEN)
  })

  test.each([
    ['https://api.example.com/client/v4/', 'https://api.example.com/client/v4'],
    ['http://127.0.0.1:8787', 'http://127.0.0.1:8787'],
    ['http://localhost:1/x', 'http://localhost:1/x'],
    ['http://[::1]:1', 'http://[::1]:1'],
  ])('may be behind another address: %s', (address, apiBase) => {
    expect(parse('d1://a', { ...CLOUDFLARE, CLOUDFLARE_API_BASE_URL: address })).toMatchObject({
      endpoint: { apiBase },
    })
  })

  test.each([
    ['', 'empty'],
    ['http://api.example.com', 'without TLS'],
    ['http://127.0.0.1.example.com', 'a host that only looks like this one'],
    ['ftp://localhost', 'another protocol'],
    ['https://user:pass@example.com', 'a login'],
    ['https://example.com/?a=b', 'a query'],
    ['nonsense', 'no address'],
  ])('is refused behind %j: %s', (address) => {
    expect(parse('d1://a', { ...CLOUDFLARE, CLOUDFLARE_API_BASE_URL: address })).toMatchObject({
      ok: false,
      code: 'config/bad-value',
    })
  })

  test.each([
    [{ CLOUDFLARE_API_TOKEN: TOKEN }, 'CLOUDFLARE_ACCOUNT_ID, which is'],
    [{ CLOUDFLARE_ACCOUNT_ID: 'a', CLOUDFLARE_API_TOKEN: '  ' }, 'CLOUDFLARE_API_TOKEN, which is'],
    [{}, 'CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN, which are'],
  ])('without what it needs is refused, and what is missing is named: %j', (variables, said) => {
    expect(parse('d1://a', variables)).toMatchObject({
      ok: false,
      code: 'config/missing-variable',
      message: expect.stringContaining(said),
    })
  })

  test.each(['d1://', 'd1://a/b', 'd1://user@host', 'd1://a?b=c', 'd1:a', `d1://${'a'.repeat(65)}`])(
    '%s is refused with the form that is meant',
    (url) => {
      expect(parse(url)).toMatchObject({ ok: false, code: 'config/bad-url', hint: expect.stringContaining('d1://') })
    },
  )

  test('a token that no header could carry is refused without being shown', () => {
    const parsed = parse('d1://a', { ...CLOUDFLARE, CLOUDFLARE_API_TOKEN: 'secret\nx' })

    expect(parsed).toMatchObject({ ok: false, code: 'config/bad-value' })
    expect(JSON.stringify(parsed)).not.toContain('secret')
  })
})

describe('a local database', () => {
  test('is in the state of wrangler, under the name that is given where there is no configuration', () => {
    expect(parse('d1-local:app', {})).toEqual({
      ok: true,
      database: 'app',
      endpoint: {
        kind: 'local',
        persistDir: '/nowhere/at/all/.wrangler/state/v3/d1',
        databaseId: 'app',
        projectDir: '/nowhere/at/all',
      },
      secrets: [],
    })
  })

  test.each(['d1-local:', 'd1-local:../x', 'd1-local:a b', 'd1-local:a/b'])('%s is refused', (url) => {
    expect(parse(url, {})).toMatchObject({ ok: false, code: 'config/bad-url' })
  })
})

test('JSON with comments becomes JSON, and what only looks like a comment stays', () => {
  const text = `{ // one, }
  "a": "// no comment /* neither */ \\" , }", /* two
  lines */ "b": [1, 2, ], }`

  expect(JSON.parse(withoutComments(text))).toEqual({ a: '// no comment /* neither */ " , }', b: [1, 2] })
})
