import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseEnvFile } from '../../../src/config/env-file.ts'
import { mergeVariables, valueOf } from '../../../src/config/variables.ts'

describe('parseEnvFile', () => {
  test('reads quotes, spaces, export, comments, a byte order mark and CRLF', () => {
    const text = '\uFEFFA=1\r\nexport B="two words" # note\r\n  C = \'p#ss$A\'\r\n# D=4\r\nE=p ss\r\nF=\r\n'
    expect(parseEnvFile(text).values).toEqual({ A: '1', B: 'two words', C: 'p#ss$A', E: 'p ss', F: '' })
  })

  test.each([
    ['A=x#y', { A: 'x#y' }],
    ['export A = x#y', { A: 'x#y' }],
    ['A=x#y # note', { A: 'x#y' }],
    ['A=x#y\r\nB=1', { A: 'x#y' }],
    ['A=x # y', {}],
    ["A='x#y'", {}],
    ['A="x#y"', {}],
    ['A=x#y\nA=z', {}],
    ['A=z\nA=x#y', { A: 'x#y' }],
    ['B="\nA=x#y\n"', {}],
    ['#A=x#y', {}],
  ])('%j leaves %j uncut', (text, uncut) => {
    expect(parseEnvFile(text).uncut).toEqual(uncut)
  })

  test('never throws, and an uncut value begins with the cut one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('A', '=', '#', ' ', '"', "'", '\n', '\r', 'x', 'export ', '\\')),
        (pieces) => {
          const { values, uncut } = parseEnvFile(pieces.join(''))
          for (const [name, whole] of Object.entries(uncut)) expect(whole.startsWith(values[name] ?? 'none')).toBe(true)
        },
      ),
    )
  })
})

describe('mergeVariables', () => {
  test('a variable that is set wins over the file, even when it is empty', () => {
    const file = parseEnvFile('A=file\nB=file\nC=file')
    const variables = mergeVariables({ A: 'set', B: '', C: undefined }, file, '.env.test')
    expect(['A', 'B', 'C', 'toString'].map((name) => valueOf(variables, name))).toEqual([
      'set',
      undefined,
      'file',
      undefined,
    ])
    expect(['A', 'C'].map((name) => variables.get(name)?.origin)).toEqual(['A', 'C (.env.test)'])
  })
})
