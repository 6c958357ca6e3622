import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isPublicWord } from '../../../src/cli/output/public-words.ts'
import { createRedactor } from '../../../src/cli/output/redactor.ts'
import { Secret } from '../../../src/core/secret.ts'
import { AWKWARD_PASSWORDS } from '../../support/awkward-passwords.ts'

/** A text without anything that could be read as an escape at its border. */
const around = (form: string): string => `before [${form}] after`

const wellFormed = (text: string): string => text.replace(/\p{Cs}/gu, '\ufffd')

const everyByte = (text: string, write: (hex: string) => string): string =>
  Array.from(Buffer.from(text), (byte) => write(byte.toString(16).padStart(2, '0'))).join('')

const everyUnit = (text: string, write: (code: number) => string): string =>
  Array.from({ length: text.length }, (_, at) => write(text.charCodeAt(at))).join('')

const html = (text: string, apostrophe: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", apostrophe)

const jsonInside = (text: string): string => JSON.stringify(text).slice(1, -1)

const FORMS: readonly (readonly [name: string, write: (secret: string) => string])[] = [
  ['as it is', (secret) => secret],
  ['percent-encoded', (secret) => encodeURIComponent(wellFormed(secret))],
  ['percent-encoded in lower case', (secret) => everyByte(wellFormed(secret), (hex) => `%${hex}`)],
  ['percent-encoded throughout', (secret) => everyByte(wellFormed(secret), (hex) => `%${hex.toUpperCase()}`)],
  ['percent-encoded twice', (secret) => encodeURIComponent(encodeURIComponent(wellFormed(secret)))],
  ['percent-encoded throughout, twice', (secret) => everyByte(wellFormed(secret), (hex) => `%25${hex}`)],
  ['as a whole URI', (secret) => encodeURI(wellFormed(secret))],
  ['as a form field', (secret) => new URLSearchParams({ x: wellFormed(secret) }).toString().slice(2)],
  ['in JSON', jsonInside],
  ['in JSON in JSON', (secret) => jsonInside(jsonInside(secret))],
  ['in JSON as escapes', (secret) => everyUnit(secret, (code) => `\\u${code.toString(16).padStart(4, '0')}`)],
  ['in shell quotes', (secret) => secret.replaceAll("'", String.raw`'\''`)],
  ['in shell quotes, the other way', (secret) => secret.replaceAll("'", `'"'"'`)],
  ['with shell backslashes', (secret) => secret.replace(/[^\w\n]/gu, '\\$&')],
  ['in a SQL literal', (secret) => secret.replaceAll("'", "''")],
  ['in HTML', (secret) => html(secret, '&#39;')],
  ['in HTML, hexadecimal', (secret) => html(secret, '&#x27;')],
  ['in HTML, by name', (secret) => html(secret, '&apos;')],
  ['in HTML, escaped twice', (secret) => html(html(secret, '&#39;'), '&#39;')],
  ['as numeric entities', (secret) => Array.from(wellFormed(secret), (c) => `&#${c.codePointAt(0)};`).join('')],
]

function redactorOf(...secrets: readonly string[]): (text: string) => string {
  const redactor = createRedactor()
  redactor.add(secrets.map((secret) => new Secret(secret)))
  return (text) => redactor.redact(text)
}

describe('a secret', () => {
  test.each(AWKWARD_PASSWORDS)('%j is hidden in every form', (secret) => {
    const redact = redactorOf(secret)
    const shown = FORMS.map(([name, write]) => [name, redact(around(write(secret)))])
    expect(shown).toEqual(FORMS.map(([name]) => [name, around('***')]))
  })

  test.each(AWKWARD_PASSWORDS)('%j is hidden in base64, wherever it begins in it', (secret) => {
    const redact = redactorOf(secret)
    for (const before of ['', 'u', 'us', 'use', 'user:']) {
      for (const after of ['', '@', '@h', '@ho']) {
        for (const encoding of ['base64', 'base64url'] as const) {
          const head = Buffer.from(before).toString(encoding)
          const shown = redact(Buffer.from(`${before}${secret}${after}`).toString(encoding))
          expect(shown).toContain('***')
          // What is left cannot be more than the neighbours' characters, of which the last ones may be gone, too.
          const [left = '', right = ''] = shown.split('***')
          expect(head.startsWith(left)).toBe(true)
          expect(right.replaceAll('=', '').length).toBeLessThanOrEqual(Math.ceil((after.length * 8) / 6))
        }
      }
    }
  })

  test('is hidden in a mixture of forms', () => {
    expect(redactorOf('p@ss/word')(String.raw`x p%40ss\/w&#111;rd x`)).toBe('x *** x')
  })

  test('is hidden where a line was broken at its space', () => {
    expect(redactorOf('correct horse battery')('a correct\n    horse battery b')).toBe('a *** b')
  })

  test.each(['\n', '\r\n', String.raw`\n`, String.raw`\r\n`, String.raw`\\n`])(
    'is hidden in base64 that is broken into lines with %j, as encode() and MIME do',
    (lineBreak) => {
      const secret = 'long '.repeat(60)
      const lines =
        Buffer.from(`user:${secret}@`)
          .toString('base64')
          .match(/.{1,76}/g) ?? []
      const shown = redactorOf(secret)(`before ${lines.join(lineBreak)} after`)
      expect(shown).toMatch(/^before dXNlcj\*\*\*\S{0,3} after$/)
    },
  )

  test('keeps the line break behind it', () => {
    expect(redactorOf('hunter2')(`is hunter2\nand so on`)).toBe('is ***\nand so on')
  })

  test('is hidden at every place, and when it begins within another', () => {
    const redact = redactorOf('abcdef', 'defghi', 'cde-')
    expect(redact('abcdef, abcdefghi, xdefghix')).toBe('***, ***, x***x')
  })

  test('that is longer is hidden as a whole', () => {
    expect(redactorOf('hunter', 'hunter2-long', 'hunter2')('hunter2-long')).toBe('***')
  })

  test('may be added later', () => {
    const redactor = createRedactor()
    expect(redactor.redact('hunter2')).toBe('hunter2')
    redactor.add([new Secret('hunter2')])
    redactor.add([new Secret('other-one')])
    expect(redactor.redact('hunter2 other-one')).toBe('*** ***')
  })
})

describe('what is not hidden', () => {
  test.each(['postgres', 'Postgres', 'gres', 'dev', 'prod', 'password', 'applied', 'environments', 'history/changed'])(
    '%s is a word of the output',
    (word) => {
      const text = `${word} ${Buffer.from(word).toString('base64')}`
      expect(redactorOf(word)(text)).toBe(text)
    },
  )

  test.each(['', ' ', 'x', 'pw', 'abc', '  x   ', '***', '********'])(
    '%j is too little to be told from text',
    (text) => {
      expect(redactorOf(text)('a text with x, pw, abc and ********')).toBe('a text with x, pw, abc and ********')
    },
  )

  test('a public or short password is hidden in its connection string and beside its user', () => {
    const redact = redactorOf('postgres://postgres:postgres@db:5432/app', 'postgres', 'postgres://u:pw@h/d', 'pw')
    expect(redact('postgres://postgres:postgres@db:5432/app')).toBe('***')
    expect(redact('tried //postgres:postgres@elsewhere')).toBe('tried //***elsewhere')
    expect(redact('tried //u:pw@elsewhere')).toBe('tried //***elsewhere')
    expect(redact('user postgres on db')).toBe('user postgres on db')
  })

  test('text that only resembles a secret stays', () => {
    const text = String.raw`%68%75 hunter \\ % & "' &amp; &#x; \u12 %zz hunte%72`
    expect(redactorOf('hunter2')(text)).toBe(text)
  })
})

describe('any password', () => {
  const passwords = fc
    .oneof(fc.string({ minLength: 6, maxLength: 40 }), fc.string({ minLength: 6, maxLength: 40, unit: 'grapheme' }))
    .filter((text) => text.trim().length >= 6 && !text.includes('***') && !isPublicWord(text))
  const neighbours = fc.string({ maxLength: 20, unit: fc.constantFrom(...'klm \n[]') })

  test('survives in none of its forms', () => {
    fc.assert(
      fc.property(passwords, neighbours, neighbours, (password, before, after) => {
        const redact = redactorOf(password)
        for (const [, write] of FORMS) {
          const form = write(password)
          expect(redact(`${before}[${form}]${after}`)).not.toContain(form)
        }
        for (const encoding of ['base64', 'base64url'] as const) {
          const alone = Buffer.from(password).toString(encoding)
          expect(redact(`${before}[${alone}]${after}`)).not.toContain(alone)
        }
      }),
      { numRuns: 100 },
    )
  })

  test('leaves texts without it as they are', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'abc%&\\\'"25;u0') }), (text) => {
        expect(redactorOf('XYZ-XYZ-XYZ')(text)).toBe(text)
      }),
    )
  })
})

test('a megabyte against a hundred environments is redacted while a person waits', () => {
  const secrets = Array.from({ length: 100 }, (_, at) => [
    `postgres://app:pass-${at}-${(at * 7919).toString(36)}@db${at}.example.com:5432/app`,
    `pass-${at}-${(at * 7919).toString(36)}`,
  ])
  const redact = redactorOf(...secrets.flat())
  const line = `postgres://app is not 'pass-' nor %70%61ss; \\"escaped\\" &amp; ${'lorem ipsum '.repeat(8)}\n`
  const text = line.repeat(Math.ceil(1_000_000 / line.length)) + (secrets[42]?.[1] ?? '')
  const start = performance.now()
  const shown = redact(text)
  expect(performance.now() - start).toBeLessThan(3_000)
  expect(shown.endsWith('***')).toBe(true)
  expect(shown.slice(0, line.length)).toBe(line)
})
