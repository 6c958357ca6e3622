import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { secretsOf, secretsOfLists } from '../../../src/config/secrets.ts'

const textsOf = (env: Readonly<Record<string, string | undefined>>): readonly string[] =>
  secretsOf(env).map((secret) => secret.reveal())

describe('secretsOf', () => {
  test.each([
    ['postgres://u:pw@h/d', ['pw']],
    ['postgres://u:p%40ss@h/d', ['p%40ss', 'p@ss']],
    ['postgres://u:first@second@h/d', ['first', 'first@second']],
    ['postgres://u:p@ssword@h/d', ['p@ssword']],
    ['postgres://u:cut-at-a-hash', ['cut-at-a-hash']],
    ['postgres://localhost:5432/d', []],
    ['postgres://h/d?password=in-the-query', ['in-the-query']],
    ['"postgres://u:quoted@h/d"', ['quoted']],
    ['mysql://u:other@h/d', ['other']],
    ['no-url-at-all', []],
  ])('%s hides itself and %j', (url, passwords) => {
    expect(textsOf({ PROD_DATABASE_URL: url })).toEqual([url, ...passwords])
  })

  test('other secrets are hidden whole, other variables not at all', () => {
    const env = {
      MIGRATION_WEBHOOK_URL: 'https://hook',
      CLOUDFLARE_API_TOKEN: 'token',
      HOME: '/root',
      DATABASE_URL: '',
    }
    expect(textsOf(env)).toEqual(['https://hook', 'token'])
  })

  test.each(['embedded:dev', 'd1-local:DB', 'd1://0000-1111', 'postgres://', 'postgresql:'])(
    '%s is no secret',
    (url) => {
      expect(textsOf({ DATABASE_URL: url })).toEqual([])
    },
  )

  test('several sources are taken together', () => {
    expect(secretsOf({ DATABASE_URL: 'a:b@c' }, { DATABASE_URL: 'a:b@d' })).toHaveLength(3)
  })

  test('a password of four characters or more is hidden, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4 }), (password) => {
        expect(textsOf({ DATABASE_URL: `postgres://u:${password}@h/d` })).toContain(password)
      }),
    )
  })
})

describe('lists of connection strings', () => {
  const SCHEMES = ['postgres', 'postgresql', 'embedded', 'd1']
  const ENTRY = 'postgres://u:first@h/d'

  test.each<[string, readonly string[]]>([
    [ENTRY, [ENTRY, 'first']],
    [`a=${ENTRY}\nb=postgres://u:p%40ss@h/d\n`, [ENTRY, 'first', 'postgres://u:p%40ss@h/d', 'p%40ss', 'p@ss']],
    [`${ENTRY}, postgres://u:second@h/d`, [ENTRY, 'first', 'postgres://u:second@h/d', 'second']],
    ['postgres://u:with, a comma@h/d', ['postgres://u:with, a comma@h/d', 'with, a comma']],
    [`# the EU\n## until May: ${ENTRY}`, [ENTRY, 'first']],
    ['embedded:a d1:b', []],
    ['no connection string', ['no connection string']],
    [`not a name=${ENTRY}`, ['not a', ENTRY, 'first']],
    [`-no-name=${ENTRY}`, ['-no-name', ENTRY, 'first']],
  ])('%j: each entry is hidden by itself', (list, texts) => {
    expect(secretsOfLists([list], SCHEMES).map((secret) => secret.reveal())).toEqual(texts)
  })

  test('are known by the names of their variables, whatever the schemes are', () => {
    expect(textsOf({ PROD_DATABASE_URLS: `a=${ENTRY}`, DATABASE_URLS: 'mysql://u:second@h/d' })).toEqual([
      ENTRY,
      'first',
      'mysql://u:second@h/d',
      'second',
    ])
  })

  test('a path is no secret, but a list in its place is', () => {
    expect(textsOf({ PROD_DATABASE_URLS_FILE: '/run/secrets/tenants.txt' })).toEqual([])
    expect(textsOf({ PROD_DATABASE_URLS_FILE: `a=${ENTRY}` })).toEqual([ENTRY, 'first'])
  })
})
