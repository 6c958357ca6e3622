import { describe, expect, test } from 'vitest'
import { isListEmpty, isPath, listOfPlace, listedIn, placeIn } from '../../../src/config/database-list.ts'

const SCHEMES = ['postgres', 'postgresql', 'embedded', 'd1', 'd1-local']

/** The entries as `line name url`. */
const read = (text: string): readonly string[] =>
  listedIn(text, SCHEMES).map(({ line, name, url }) => `${line} ${name ?? '-'} ${url}`)

describe('a list of connection strings', () => {
  test.each<[string, readonly string[]]>([
    ['embedded:a', ['1 - embedded:a']],
    ['embedded:a\nembedded:b', ['1 - embedded:a', '2 - embedded:b']],
    ['\uFEFFembedded:a\r\n\r\n# no\r\n \tembedded:b \r\n', ['1 - embedded:a', '4 - embedded:b']],
    ['embedded:a\rembedded:b', ['1 - embedded:a', '2 - embedded:b']],
    ['  # embedded:a', []],
    ['embedded:a embedded:b\td1:c', ['1 - embedded:a', '1 - embedded:b', '1 - d1:c']],
    ['embedded:a,embedded:b;d1-local:c', ['1 - embedded:a', '1 - embedded:b', '1 - d1-local:c']],
    ['embedded:a , ; embedded:b', ['1 - embedded:a', '1 - embedded:b']],
    [', embedded:a', ['1 - embedded:a']],
    ['EMBEDDED:a POSTGRES:b', ['1 - EMBEDDED:a', '1 - POSTGRES:b']],
    ['acme=embedded:a, Globex.Inc=d1:b', ['1 acme embedded:a', '1 Globex.Inc d1:b']],
    ['acme = embedded:a  b =embedded:b', ['1 acme embedded:a  b =embedded:b']],
    ['acme = embedded:a,b = embedded:b', ['1 acme embedded:a,b =', '1 - embedded:b']],
    ['acme=embedded:a', ['1 acme embedded:a']],
    ['=embedded:a', ['1  embedded:a']],
    ['a b/c=embedded:a', ['1 - a b/c=embedded:a']],
    ['ü=embedded:a', ['1 ü embedded:a']],
    ['acme="postgres://u:p@h/d"', ['1 acme "postgres://u:p@h/d"']],
    ['postgres://u:a b@h/d', ['1 - postgres://u:a b@h/d']],
    ['postgres://u:a, b;c@h/d embedded:x', ['1 - postgres://u:a, b;c@h/d', '1 - embedded:x']],
    ['postgres://u:x=postgres:@h/d', ['1 - postgres://u:x=postgres:@h/d']],
    ['postgres://u:a@h/d mysql://u:b@h/d', ['1 - postgres://u:a@h/d mysql://u:b@h/d']],
    ['acme', ['1 - acme']],
    ['acme=mysql://x', ['1 - acme=mysql://x']],
    ['embedded:a,', ['1 - embedded:a,']],
  ])('%j holds %j', (text, expected) => {
    expect(read(text)).toEqual(expected)
  })

  test('a name of 63 characters is one, a longer one begins no entry on the same line', () => {
    const name = 'n'.repeat(63)
    expect(read(`embedded:a ${name}=embedded:b`)).toEqual(['1 - embedded:a', `1 ${name} embedded:b`])
    expect(read(`embedded:a n${name}=embedded:b`)).toHaveLength(1)
  })

  test.each(['', ' \n\t\r\n', '# embedded:a', '\uFEFF# a\r\n  # b', '\u2028# a\u2028embedded:a'])(
    '%j is empty',
    (text) => {
      expect(isListEmpty(text)).toBe(true)
      expect(read(text)).toEqual([])
    },
  )

  test.each(['embedded:a', '# a\nx', ','])('%j is not empty', (text) => {
    expect(isListEmpty(text)).toBe(false)
    expect(read(text)).not.toEqual([])
  })
})

test.each([
  './a@b.txt',
  '/secrets/a@b',
  '..\\a@b',
  'tenants.txt',
  '../a b/tenants',
  '/run/secrets/@app/list',
  String.raw`C:\lists\prod.txt`,
  'a=b.txt',
])('%j is a path', (text) => {
  expect(isPath(text)).toBe(true)
})

test.each([
  'app_user:hunter2@h:5432/x',
  'u:p@h/x',
  'acme=app_user:p@h/x',
  'hunter2@h/x',
  'postgres://u:p@h/d',
  'acme=postgres://u:p@h/d',
  'embedded:a',
  'acme=d1-local:x',
  'a\nb',
  '"postgres://x"',
])('%j is no path', (text) => {
  expect(isPath(text)).toBe(false)
})

test('the list of a place is what the place was made of', () => {
  expect(listOfPlace(placeIn('a.txt (PROD_DATABASE_URLS_FILE)', 12))).toBe('a.txt (PROD_DATABASE_URLS_FILE)')
  expect(listOfPlace('PROD_DATABASE_URL')).toBe('PROD_DATABASE_URL')
})
