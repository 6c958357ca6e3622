import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isListEmpty, listedIn } from '../../../src/config/database-list.ts'
import { secretsOf, secretsOfLists } from '../../../src/config/secrets.ts'
import { createRedactor } from '../../../src/cli/output/redactor.ts'
import { problemsOf, resolve, SCHEMES } from '../config/samples.ts'
import { inTime } from './deadline.ts'

/** Stands for a password wherever it can: nothing else has these letters. */
const CANARY = 'ЖЩЫЪ'

const PIECES = fc.oneof(
  fc.constantFrom(CANARY, 'acme', 'acme=', '=', ' = ', '@', ':', '/', '?', '&password=', '%', '%41', '#', ' ', '\t'),
  fc.constantFrom(',', ';', ', ', '\n', '\r\n', '\r', '\n#', '\u2028', '"', "'", '`', '\\', '.', '-'),
  fc.constantFrom('h/d', 'localhost:5432/db', '[::1]', 'postgres://', 'postgres://u:', `postgresql://u:${CANARY}`),
  fc.constantFrom('POSTGRES:', 'embedded:', 'd1://', 'd1-local:', 'mysql://u:', `acme=postgres://u:${CANARY}@h/`),
)

const LISTS = fc.array(PIECES, { maxLength: 24 }).map((pieces) => pieces.join(''))

test('whatever a list holds, it is a configuration or a list of problems, and no problem holds a password', () => {
  fc.assert(
    fc.property(LISTS, fc.boolean(), (list, isFile) => {
      const problems = isFile
        ? problemsOf({ env: { PROD_DATABASE_URLS_FILE: 'list.txt' }, files: { PROD_DATABASE_URLS_FILE: list } })
        : problemsOf({ env: { PROD_DATABASE_URLS: list } })
      expect(JSON.stringify(problems)).not.toMatch(/[ЖЩЫЪ]/u)
      for (const { message } of problems) expect(message).toMatch(/PROD_DATABASE_URLS|No environment/u)
    }),
    { numRuns: 1_000 },
  )
})

test('whatever a list holds, its passwords are hidden before anything is read', () => {
  fc.assert(
    fc.property(LISTS, (list) => {
      const redactor = createRedactor()
      redactor.add([...secretsOf({ PROD_DATABASE_URLS: list }), ...secretsOfLists([list], SCHEMES)])
      const urls = listedIn(list, SCHEMES).map(({ url }) => url)
      const shown = urls.filter((url) => /^postgres(?:ql)?:/iu.test(url)).map((url) => redactor.redact(url))
      expect(shown.join('\n')).not.toContain(CANARY)
    }),
    { numRuns: 1_000 },
  )
})

test('what the driver takes for a password has been hidden before', () => {
  const password = fc.string({ minLength: 4, maxLength: 20, unit: fc.constantFrom(...'aB1 ,;=#@:/?%&x') })
  fc.assert(
    fc.property(
      fc.array(password, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('\n', ' ', ', '),
      (passwords, between) => {
        const list = passwords.map((one, at) => `t${at}=postgres://u:${one}@localhost/d`).join(between)
        const hidden = new Set(secretsOfLists([list], SCHEMES).map((secret) => secret.reveal()))
        const env = { DATABASE_URLS: list }
        if (problemsOf({ env }).length > 0) return
        for (const secret of resolve({ env }).environments.flatMap(({ secrets }) => secrets)) {
          expect(hidden).toContain(secret.reveal())
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('an empty list is one without entries', () => {
  fc.assert(
    fc.property(LISTS, (list) => {
      expect(listedIn(list, SCHEMES).length === 0).toBe(isListEmpty(list))
    }),
  )
})

test.each([
  ['lines', 'acme=postgres://u:p@h/d\n'],
  ['entries on one line', 'acme=postgres://u:p@h/d, '],
  ['white space', ' '],
  ['separators', ' ,;'],
  ['comments', '# x\n'],
  ['one long comment', '# '],
  ['names', 'acme='],
  ['names with spaces', 'acme = '],
  ['letters', 'a'],
  ['schemes', 'postgres:'],
  ['at signs', '@'],
  ['logins', 'postgres://u:p@'],
  ['other separators', 'postgres://u:p@h/d|'],
])('hundreds of kilobytes of %s are read and hidden in time', (_, piece) => {
  const list = piece.repeat(Math.ceil(300_000 / piece.length))
  for (const text of [list, `postgres://u:p@h/d ${list}`]) {
    inTime(() => listedIn(text, SCHEMES))
    inTime(() => isListEmpty(text))
    const secrets = inTime(() => [...secretsOf({ PROD_DATABASE_URLS: text }), ...secretsOfLists([text], SCHEMES)])
    inTime(() => createRedactor().add(secrets))
    const problems = inTime(() => problemsOf({ env: { PROD_DATABASE_URLS: text } }))
    expect(problems.length).toBeLessThan(12)
  }
})
