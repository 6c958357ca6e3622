import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { indexLines } from '../../../src/sql/location.ts'

const text = 'select 1;\r\n\n  größe 🐘x;\nlast'

describe('indexLines', () => {
  it.each([
    ['the start', 0, 1, 1, 'select 1;'],
    ['a character of the first line', 7, 1, 8, 'select 1;'],
    ['the carriage return', 9, 1, 10, 'select 1;'],
    ['the line feed', 10, 1, 11, 'select 1;'],
    ['an empty line', 11, 2, 1, ''],
    ['the character behind a surrogate pair', text.indexOf('x;'), 3, 10, '  größe 🐘x;'],
    ['the second half of a surrogate pair', text.indexOf('x;') - 1, 3, 9, '  größe 🐘x;'],
    ['the end', text.length, 4, 5, 'last'],
    ['a place behind the end', text.length + 9, 4, 5, 'last'],
    ['a place before the start', -1, 1, 1, 'select 1;'],
  ])('finds %s', (_, offset, line, column, sourceLine) => {
    expect(indexLines(text)(offset)).toEqual({ line, column, sourceLine })
  })

  it('finds a place in an empty text', () => {
    expect(indexLines('')(0)).toEqual({ line: 1, column: 1, sourceLine: '' })
  })

  it('agrees with counting line by line, for every offset', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'é', '🐘', '\n', '\r\n')), (parts) => {
        const lines = indexLines(parts.join(''))
        let line = 1
        let column = 1
        let offset = 0
        for (const part of parts) {
          expect(lines(offset)).toMatchObject({ line, column })
          offset += part.length
          if (part.endsWith('\n')) [line, column] = [line + 1, 1]
          else column++
        }
        expect(lines(offset)).toMatchObject({ line, column })
      }),
    )
  })
})
