import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findCodes } from '../../../src/cli/output/public-words.ts'
import { createRedactor } from '../../../src/cli/output/redactor.ts'
import { Secret } from '../../../src/core/secret.ts'

const SOURCES = join(import.meta.dirname, '..', '..', '..', 'src')

/** Literals of the shape of a code that are none. */
const OTHERS: ReadonlySet<string> = new Set(['application/json'])

function redactorOf(secret: string): (text: string) => string {
  const redactor = createRedactor()
  redactor.add([new Secret(secret)])
  return redactor.redact
}

describe('codes', () => {
  test('are all known to the redactor', () => {
    const texts = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(SOURCES, file), 'utf8'))
    const codes = new Set(texts.flatMap((text) => text.match(/(?<=')[a-z]+\/[a-z]+(?:-[a-z]+)*(?=')/g) ?? []))

    expect(codes.size).toBeGreaterThan(100)
    expect([...codes].filter((code) => !OTHERS.has(code) && findCodes(code).length === 0)).toEqual([])
  })

  test.each(['wrong', 'wrong-password', 'connection'])('have no hole where the password is %j', (secret) => {
    const redact = redactorOf(secret)

    for (const text of [
      'connection/wrong-password',
      'error \u001b[2mconnection/wrong-password 28P01\u001b[22m',
      '- **connection/wrong-password** refused',
      '--allow connection/wrong-password.',
    ])
      expect(redact(text)).toBe(text)
  })

  test.each([
    ['beside one', 'wrong in connection/wrong-password: wrong', '*** in connection/wrong-password: ***'],
    ['in what only looks like one', 'database/wrong sql/wrong', 'database/*** sql/***'],
    [
      'where one is a part of a longer word',
      'db/connection/wrong-password connection/wrong-password/x connection/wrong-password-2',
      'db/connection/***-password connection/***-password/x connection/***-password-2',
    ],
  ])('do not show a password %s', (_, text, shown) => {
    expect(redactorOf('wrong')(text)).toBe(shown)
  })

  test('are hidden with a secret that reaches beyond them', () => {
    expect(redactorOf('my connection/lost secret')('my connection/lost secret')).toBe('***')
  })
})
