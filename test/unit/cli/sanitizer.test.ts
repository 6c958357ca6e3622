import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sanitize, sanitizeJson, sanitizeLayout } from '../../../src/cli/output/sanitizer.ts'

const HOSTILE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

const anyText = fc.string({
  unit: fc.oneof(
    fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }),
    fc.constantFrom(...'\u001b\u009b\u202e\u200b\u200d\u2028\r\n\t\ud800\udc00\u007f', '\u001b[1m', '\\', '\u{e0041}'),
  ),
})

describe('sanitize', () => {
  test.each([
    ['\u001b[2J', String.raw`\x1b[2J`],
    ['\u001b]0;title\u0007', String.raw`\x1b]0;title\x07`],
    ['\u009b31m', String.raw`\x9b31m`],
    ['\u007f', String.raw`\x7f`],
    ['nul\0', String.raw`nul\x00`],
    ['a\rb', String.raw`a\rb`],
    ['a\r\nb', String.raw`a\r\nb`],
    ['a\nb\tc', String.raw`a\nb\tc`],
    ['\u202egnp.exe', String.raw`\u202egnp.exe`],
    ['\u2066x\u2069', String.raw`\u2066x\u2069`],
    ['zero\u200bwidth', String.raw`zero\u200bwidth`],
    ['\ufeffbom', String.raw`\ufeffbom`],
    ['soft\u00adhyphen', String.raw`soft\xadhyphen`],
    ['line\u2028break', String.raw`line\u2028break`],
    ['\ud800', String.raw`\ud800`],
    ['tag\u{e0041}', String.raw`tag\u{e0041}`],
    ['\u115ffiller', String.raw`\u115ffiller`],
    ['👩\u200d💻', String.raw`👩\u200d💻`],
    ['пароль 密码 e\u0301 🔑 ✓ ≠ ·', 'пароль 密码 e\u0301 🔑 ✓ ≠ ·'],
  ])('%j is shown as %s', (text, shown) => {
    expect(sanitize(text)).toBe(shown)
  })

  test('of several lines, line breaks and tabs stay', () => {
    expect(sanitize('a\r\n\tb\n\u001b[31mc\rd', { multiline: true })).toBe(`a\n\tb\n${String.raw`\x1b[31mc\rd`}`)
  })

  test('leaves nothing that a terminal obeys or hides', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(sanitize(text)).not.toMatch(HOSTILE)
        expect(sanitize(text, { multiline: true }).replaceAll(/[\n\t]/gu, '')).not.toMatch(HOSTILE)
      }),
    )
  })

  test('done twice changes nothing more', () => {
    fc.assert(
      fc.property(anyText, fc.boolean(), (text, multiline) => {
        const once = sanitize(text, { multiline })
        expect(sanitize(once, { multiline })).toBe(once)
      }),
    )
  })
})

describe('sanitizeLayout', () => {
  test('lets colours, line breaks and tabs pass, and no other sequence', () => {
    const text = '\u001b[1;31mred\u001b[0m\u001b[m\n\t\u001b[2J\u001b[1A\u001b]8;;http://x\u0007\u001b[?25l\r'
    expect(sanitizeLayout(text)).toBe(
      `\u001b[1;31mred\u001b[0m\u001b[m\n\t${String.raw`\x1b[2J\x1b[1A\x1b]8;;http://x\x07\x1b[?25l\r`}`,
    )
  })

  test('leaves nothing else, whatever the text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        // oxlint-disable-next-line no-control-regex
        expect(sanitizeLayout(text).replaceAll(/\u001b\[[0-9;]*m|[\n\t]/gu, '')).not.toMatch(HOSTILE)
      }),
    )
  })
})

test('sanitised JSON means the same and holds nothing that a terminal obeys', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const json = sanitizeJson(JSON.stringify({ [text]: text }))
      expect(JSON.parse(json)).toEqual({ [text]: text })
      expect(json).not.toMatch(HOSTILE)
    }),
  )
})
