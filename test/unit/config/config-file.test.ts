import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseConfigFile } from '../../../src/config/config-file.ts'
import { findJsonFault } from '../../../src/config/json-fault.ts'

const FILE = 'migration-manager.config.json'

describe('parseConfigFile', () => {
  test('reads every key', () => {
    const text = JSON.stringify({
      environments: ['dev', 'prod'],
      migrationsDir: 'sql',
      protected: ['prod'],
      schema: 'ops',
      supabase: true,
      concurrency: 3,
      timeouts: {
        connectSeconds: 1,
        lockSeconds: 2,
        statementSeconds: 3,
        lockWaitSeconds: 0,
        recoverWaitSeconds: 5,
        silenceSeconds: 0.5,
      },
    })
    expect(parseConfigFile(`\uFEFF${text}`, FILE)).toEqual({
      problems: [],
      config: {
        environments: ['dev', 'prod'],
        migrationsDir: 'sql',
        protected: ['prod'],
        schema: 'ops',
        supabase: true,
        concurrency: 3,
        limits: {
          connectMs: 1000,
          lockTimeoutMs: 2000,
          statementTimeoutMs: 3000,
          lockWaitMs: 0,
          recoverWaitMs: 5000,
          silenceMs: 500,
        },
      },
    })
  })

  test.each([
    ['{ "migrationDir": "x" }', '"migrationDir"', 'Did you mean "migrationsDir"?'],
    ['{ "timeouts": { "lockSecond": 1 } }', '"timeouts.lockSecond"', 'Did you mean "timeouts.lockSeconds"?'],
    ['{ "databaseUrl": "postgres://u:p@h/d" }', '"databaseUrl"', 'belong in environment variables'],
    ['{ "__proto__": 1 }', '"__proto__"', 'It knows environments'],
    ['{ "postgres://u:swordfish@h/d": 1 }', 'unknown key.', 'It knows environments'],
  ])('%s has an unknown key', (text, message, hint) => {
    const [problem, ...others] = parseConfigFile(text, FILE).problems
    expect(others).toEqual([])
    expect(problem?.code).toBe('config/unknown-key')
    expect(problem?.message).toContain(message)
    expect(problem?.message).not.toContain('swordfish')
    expect(problem?.hint).toContain(hint)
  })

  test.each([
    ['[]', FILE],
    ['{ "environments": "dev" }', '"environments"'],
    ['{ "environments": ["dev", 1] }', '"environments"'],
    ['{ "environments": [""] }', '"environments"'],
    ['{ "schema": null }', '"schema"'],
    ['{ "supabase": "yes" }', '"supabase"'],
    ['{ "concurrency": 0 }', '"concurrency"'],
    ['{ "concurrency": 2.5 }', '"concurrency"'],
    ['{ "concurrency": "3" }', '"concurrency"'],
    ['{ "timeouts": 5 }', '"timeouts"'],
    ['{ "timeouts": { "lockSeconds": 0 } }', '"timeouts.lockSeconds"'],
    ['{ "timeouts": { "lockSeconds": "3" } }', '"timeouts.lockSeconds"'],
    ['{ "timeouts": { "lockWaitSeconds": -1 } }', '"timeouts.lockWaitSeconds"'],
    ['{ "timeouts": { "statementSeconds": 1e9 } }', '"timeouts.statementSeconds"'],
  ])('%s has a wrong value', (text, what) => {
    const problems = parseConfigFile(text, FILE).problems
    expect(problems.map(({ code }) => code)).toEqual(['config/bad-value'])
    expect(problems[0]?.message).toContain(what)
  })

  test('text that is not JSON is shown with its place', () => {
    const [problem] = parseConfigFile('{\n  "schema": "é" x\n}', FILE).problems
    expect(problem).toMatchObject({ code: 'config/bad-json' })
    expect(problem?.message).toBe(`${FILE}:2:17 is not valid JSON: expected , or }.`)
  })
})

describe('findJsonFault', () => {
  test.each([
    ['', 1, 1],
    ['{', 1, 2],
    ['{ "a": 1, }', 1, 11],
    ['[1, 2,]', 1, 7],
    ["{ 'a': 1 }", 1, 3],
    ['{ "a" 1 }', 1, 7],
    ['{ "a": tru }', 1, 8],
    ['{ "a": "x\n" }', 1, 8],
    ['// comment\n{}', 1, 1],
    ['{}\n}', 2, 1],
    ['{ "😀": ? }', 1, 8],
    ['[01]', 1, 3],
  ])('%j: line %i, column %i', (text, line, column) => {
    expect(findJsonFault(text)).toMatchObject({ line, column })
  })

  test('agrees with JSON.parse on what is JSON', () => {
    const pieces = fc.array(
      fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '"a"', '1', '-', '.5', 'null', ' ', '\n', '\\'),
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          pieces.map((items) => items.join('')),
        ),
        (text) => {
          expect(findJsonFault(text) === undefined).toBe(isJson(text))
        },
      ),
      { numRuns: 500 },
    )
  })

  test('text that is nested too deep is a fault, not a crash', () => {
    expect(findJsonFault('['.repeat(100_000))).toMatchObject({ line: 1 })
  })
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
