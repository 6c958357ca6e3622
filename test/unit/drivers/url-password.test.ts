import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ServerEndpoint, parsePostgresUrl } from '../../../src/drivers/postgres/url.ts'

const CONTEXT = { projectDir: '/project' }
const LOCAL = 'localhost:5432/app'

describe('a password as people paste it', () => {
  test.each([
    ['secret', 'secret'],
    ['p@ss', 'p@ss'],
    ['p@ss@word', 'p@ss@word'],
    ['p:ss', 'p:ss'],
    ['p#ss', 'p#ss'],
    ['p/ss', 'p/ss'],
    ['p?ss', 'p?ss'],
    ['p ss', 'p ss'],
    ['p%ss', 'p%ss'],
    ['100%', '100%'],
    ['%', '%'],
    ['%%zz', '%%zz'],
    ['p%ss@w#rd', 'p%ss@w#rd'],
    ['p@ss/w#rd?x', 'p@ss/w#rd?x'],
    ['a@b/c:d?e#f g%h', 'a@b/c:d?e#f g%h'],
    ['//@@::', '//@@::'],
    ['p[x]', 'p[x]'],
    ['[x]', '[x]'],
    ['a&b=c+d', 'a&b=c+d'],
    ['p@ss?x=1', 'p@ss?x=1'],
    ['пароль', 'пароль'],
    ['p%40ss', 'p@ss'],
    ['p%2Fs%23s', 'p/s#s'],
    ['p%2fss', 'p/ss'],
    ['p%25ss', 'p%ss'],
    ['p%2541', 'p%41'],
    ['p%41x', 'pAx'],
    ['p%20ss', 'p ss'],
    ['%D0%BF', 'п'],
    ['%5Bx%5D', '[x]'],
  ])('%s is read as %s', (written, meant) => {
    const endpoint = serverOf(`postgres://app:${written}@${LOCAL}`)
    expect(endpoint.password?.reveal()).toBe(meant)
    expect(endpoint).toMatchObject({ host: 'localhost', port: 5432, user: 'app', database: 'app' })
  })

  test.each([
    ['both a bare % and an escape', 'p%ss%40word', '%25'],
    ['a % before an escape', '%%41', '%25'],
    ['an escape and an @', 'p%40s@s', '%40'],
    ['an escape and a colon', 'p%40s:s', '%3A'],
    ['an escape and a #', 'p%40s#s', '%23'],
    ['an escape and a slash', 'p%40s/s', '%2F'],
    ['an escape and a question mark', 'p%40s?s', '%3F'],
    ['an escape and a space', 'p%40s s', '%20'],
    ['escapes that are not UTF-8', 'p%ff%fe', '%25'],
    ['half of a UTF-8 sequence', 'p%D0', '%25'],
    ['another host before the host', 'p@ss/word', '%40', 'localhost'],
    ['a host and a known option', 'p@ss?sslmode=x', '%40'],
  ])('%s has two readings and is refused with the escaped form', (_, written, hint, place = LOCAL) => {
    const refusal = refusalOf(`postgres://app:${written}@${place}`)
    expect(refusal.code).toBe('config/ambiguous-password')
    expect(refusal.hint).toContain(hint)
    expect(refusal.message + refusal.hint).not.toContain(written)
  })

  test('a NUL character is refused', () => {
    expect(refusalOf(`postgres://app:p%00s@${LOCAL}`).code).toBe('config/bad-url')
  })

  test('no password and an empty password are none', () => {
    expect(serverOf(`postgres://app@${LOCAL}`).password).toBeNull()
    expect(serverOf(`postgres://app:@${LOCAL}`).password).toBeNull()
  })

  test.each(['[YOUR-PASSWORD]', '%5BYOUR-PASSWORD%5D', '[YOUR_PASSWORD]', '<password>', '{{PASSWORD}}'])(
    'the placeholder %s is refused',
    (placeholder) => {
      const refusal = refusalOf(`postgres://postgres:${placeholder}@db.abcdef.supabase.co:5432/postgres`)
      expect(refusal.code).toBe('config/placeholder')
    },
  )

  test('says whether the password was decoded', () => {
    expect(serverOf(`postgres://app:p%41x@${LOCAL}`).passwordDecoded).toBe(true)
    expect(serverOf(`postgres://app:p%zx@${LOCAL}`).passwordDecoded).toBe(false)
  })

  test('the secrets are the string, and the password as written and as meant', () => {
    const url = `postgres://app:p%40ss@${LOCAL}`
    const parsed = parsePostgresUrl(url, CONTEXT)
    expect(parsed.ok && parsed.secrets.map((secret) => secret.reveal())).toEqual([url, 'p%40ss', 'p@ss'])
  })

  test('an endpoint that is printed does not show the password', () => {
    const endpoint = serverOf(`postgres://app:hunter2hunter2@${LOCAL}`)
    expect(JSON.stringify(endpoint)).not.toContain('hunter2')
  })
})

describe('properties of passwords', () => {
  const anyPassword = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((text) => !text.includes('\0') && !/pass/iu.test(text))

  test('an escaped password is read back as it was', () => {
    fc.assert(
      fc.property(anyPassword, (password) => {
        const endpoint = serverOf(`postgresql://app:${encodeURIComponent(password)}@${LOCAL}`)
        expect(endpoint.password?.reveal()).toBe(password)
      }),
    )
  })

  // Pieces are made of characters that occur in no message, so that a piece found in a message is a leak.
  const telling = fc.string({ unit: fc.constantFrom('Ж', 'Ы', 'Ъ', 'Щ'), minLength: 1, maxLength: 6 })
  const trap = fc.constantFrom(
    '@',
    ':',
    '#',
    '/',
    '?',
    ' ',
    '%',
    '%41',
    '%ff',
    '&',
    '=',
    ',',
    '[',
    ']',
    '@h/d',
    '@h?sslmode=',
    '?host=',
  )
  const pasted = fc.array(fc.oneof(telling, trap), { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''))
  const tails = fc.constantFrom(
    '',
    '@localhost/app',
    '@h.example',
    '@/app',
    '@h:99999/app',
    '@h/app?sslmode=disable',
    '@h/app?foo=1',
    '@a,b/app',
    '@h/a#b',
  )

  test('a pasted password is understood as it is, as it decodes, or refused; never as something else', () => {
    fc.assert(
      fc.property(pasted, (password) => {
        const parsed = parsePostgresUrl(`postgres://app:${password}@${LOCAL}`, CONTEXT)
        if (!parsed.ok || parsed.endpoint.kind !== 'server') return
        const meant = parsed.endpoint.password?.reveal() ?? ''
        expect([password, decoded(password)]).toContain(meant)
        expect(parsed.endpoint.host).toBe('localhost')
      }),
      { numRuns: 500 },
    )
  })

  test('a password without a % and without an @ is always understood as it is', () => {
    fc.assert(
      fc.property(anyPassword, (text) => {
        const password = text.replaceAll(/[@%\p{Cc}]/gu, '')
        expect(serverOf(`postgres://app:${password}@${LOCAL}`).password?.reveal() ?? '').toBe(password)
      }),
    )
  })

  test('no message and no hint repeats a piece of the password', () => {
    fc.assert(
      fc.property(pasted, tails, (password, tail) => {
        const parsed = parsePostgresUrl(`postgres://app:${password}${tail}`, CONTEXT)
        if (parsed.ok) return
        expect(parsed.message + parsed.hint).not.toMatch(/[ЖЫЪЩ]/u)
      }),
      { numRuns: 500 },
    )
  })

  test('no text makes it throw', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('', 'postgres://', 'embedded:', 'postgres://a@'),
        (text, head) => {
          expect(typeof parsePostgresUrl(head + text, CONTEXT).ok).toBe('boolean')
        },
      ),
    )
  })
})

function serverOf(url: string): ServerEndpoint {
  const parsed = parsePostgresUrl(url, CONTEXT)
  if (!parsed.ok) throw new Error(`refused: ${parsed.code} ${parsed.message}`)
  if (parsed.endpoint.kind !== 'server') throw new Error('not a server')
  return parsed.endpoint
}

function refusalOf(url: string): { code: string; message: string; hint: string } {
  const parsed = parsePostgresUrl(url, CONTEXT)
  if (parsed.ok) throw new Error('was not refused')
  return parsed
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
