import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { renderError } from '../../../src/cli/output/errors.ts'
import { renderFindings } from '../../../src/cli/output/findings.ts'
import { renderMatrix } from '../../../src/cli/output/matrix-table.ts'
import type { Page } from '../../../src/cli/output/page.ts'
import { sanitize } from '../../../src/cli/output/sanitizer.ts'
import { renderSource } from '../../../src/cli/output/source.ts'
import { MigrationManagerError, ProblemsError } from '../../../src/core/errors.ts'
import type { Finding } from '../../../src/core/finding.ts'
import { buildMatrix } from '../../../src/core/matrix.ts'
import type { Matrix } from '../../../src/core/matrix.ts'
import { annotationsOf, renderStepSummary } from '../../../src/reporters/github.ts'
import { environmentOf, migrationsOf, rowOf } from '../core/samples.ts'

const WIDTH = 60

const plain: Page = { paint: (_style, text) => text, width: WIDTH, all: false, redact: (text) => text }

/** What a file, a server or a stranger's history may say. */
const hostile = fc.string({
  maxLength: 40,
  unit: fc.oneof(
    fc.constantFrom(...'ab |<>&[]()*_`#!@\\', ' ', ' ', 'é', '数', '🎉', '\ud800', 'a\u0301'),
    fc.constantFrom(
      '\u001b[31m',
      '\u001b]0;x\u0007',
      '\u009b2J',
      '\r',
      '\n',
      '\t',
      '\0',
      '\u202e',
      '\u200b',
      '\u2028',
      '\b',
    ),
    fc.constantFrom('::error::', '##vso[task]', '<script>', '| --- |', '\n\n# x', '![x](http://x)', '@team'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
})

const place = fc.record({
  file: hostile,
  line: fc.integer({ min: 1, max: 99_999 }),
  column: fc.integer({ min: 1, max: 60 }),
})
const details = fc.record(
  { hint: hostile, at: place, sourceLine: hostile, engineCode: fc.constantFrom('22P02', '42601') },
  { requiredKeys: [] },
)
const errors = fc
  .tuple(hostile, details)
  .map(([message, given]) => new MigrationManagerError('migration/failed', message, given))
const findings: fc.Arbitrary<readonly Finding[]> = fc.array(
  fc
    .tuple(hostile, details, fc.constantFrom('info' as const, 'warn' as const, 'block' as const))
    .map(([message, given, severity]) => ({ code: 'history/changed', severity, message, ...given })),
  { maxLength: 4 },
)

/** Nothing that a terminal obeys, hides or reorders, save for the line breaks of the layout. */
function expectHarmless(text: string): void {
  expect(sanitize(text, { multiline: true })).toBe(text)
  expect(text).not.toContain('\r')
}

/** No line is longer than the page, unless it is one word that nobody could break. */
function expectBounded(text: string): void {
  for (const line of text.split('\n')) {
    const longestWord = Math.max(...line.split(' ').map((word) => word.length))
    expect(line.length).toBeLessThanOrEqual(Math.max(WIDTH, longestWord + '  → '.length))
  }
}

describe('whatever a server or a file says', () => {
  test('an error shows nothing that a terminal obeys, in lines that fit the page', () => {
    fc.assert(
      fc.property(errors, (error) => {
        const text = renderError(error, plain)
        expectHarmless(text.replaceAll('\t', ' '))
        expectBounded(renderError(new MigrationManagerError(error.code, error.message, { hint: error.hint }), plain))
        expect(text).toContain('migration/failed')
      }),
      { numRuns: 300 },
    )
  })

  test('several problems are as many paragraphs, each harmless', () => {
    const problem = hostile.map((message) => ({ code: 'migration/bad-name' as const, message }))
    fc.assert(
      fc.property(problem, fc.array(problem, { maxLength: 3 }), (first, others) => {
        const text = renderError(new ProblemsError([first, ...others]), plain)
        expectHarmless(text.replaceAll('\t', ' '))
        expect(text.match(/^error migration\/bad-name$/gm)).toHaveLength(1 + others.length)
      }),
      { numRuns: 200 },
    )
  })

  test('findings show nothing that a terminal obeys, and those that block come last', () => {
    fc.assert(
      fc.property(findings, (all) => {
        const text = renderFindings(all, plain)
        expectHarmless(text.replaceAll('\t', ' '))
        const labels = text.match(/^(?:blocked|warning|note)(?= history\/changed$)/gm) ?? []
        expect(labels).toHaveLength(all.length)
        expect(labels.map((label) => label === 'blocked')).toEqual(
          labels.map((label) => label === 'blocked').toSorted((a, b) => Number(a) - Number(b)),
        )
      }),
      { numRuns: 300 },
    )
  })

  test('the caret stands under the very character, on a line that fits the page', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('a', ' ', '\t', 'é', '数', '🎉', '\u001b', '\u202e', '\ud800'),
          maxLength: 300,
          size: 'max',
        }),
        fc.nat(299),
        fc.integer({ min: 1, max: 9_999 }),
        (before, at, line) => {
          const characters = [...`${before}a`]
          const column = (at % characters.length) + 1
          // The one character that the caret must point to.
          const sourceLine = characters.with(column - 1, 'X').join('')
          const [, code = '', caret = ''] = renderSource({ file: 'f.sql', line, column }, sourceLine, plain).split('\n')
          expect([...code][caret.indexOf('^')]).toBe('X')
          expect([...code].length).toBeLessThanOrEqual(WIDTH + 2)
          expectHarmless(code)
        },
      ),
      { numRuns: 500 },
    )
  })
})

const fileNames = fc.uniqueArray(fc.stringMatching(/^[a-zé-]{1,80}$/), { maxLength: 6 })

/** A matrix of up to three environments; the histories name the files, and what nobody knows. */
function matrixOf(names: readonly string[], strange: readonly string[], environments: number): Matrix {
  const migrations = migrationsOf(...names.map((name, index) => `${index + 1}-${name}`))
  const columns = Array.from({ length: environments }, (_, order) => ({
    environment: environmentOf(`env${order}`, order),
    history: [...migrations.slice(order).map(({ name }) => rowOf(name)), ...strange.map((name) => rowOf(name))],
  }))
  return buildMatrix([{ dir: 'database', migrations }], columns)
}

describe('the matrix', () => {
  test('fits a narrow page: a line a migration, with a sign for each environment', () => {
    fc.assert(
      fc.property(fileNames, fc.integer({ min: 1, max: 3 }), (names, environments) => {
        fc.pre(names.length > 0)
        const matrix = matrixOf(names, [], environments)
        const lines = renderMatrix(matrix, plain).split('\n')
        expect(lines).toHaveLength(1 + names.length)
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(WIDTH)
        const ticks = lines.slice(1).map((line) => line.match(/[✓·]/g)?.length)
        expect(ticks).toEqual(names.map(() => environments))
        expectHarmless(lines.join('\n'))
      }),
      { numRuns: 150 },
    )
  })

  test.each([['数数数数数数数数'], ['a数数a🎉🎉数']])('shows %s whole where there is room', (name) => {
    expect(renderMatrix(matrixOf([name], [], 1), plain)).toContain(`1-${name} `)
  })

  test.each([['9-a\nblocked'], ['9-\u001b[31mred'], ['9-a\tb'], ['9-\u202eab']])(
    'shows %j of a history as one harmless line',
    (name) => {
      const lines = renderMatrix(matrixOf(['a'], [name], 1), plain).split('\n')
      expect(lines).toHaveLength(3)
      expectHarmless(lines.join('\n').replaceAll('\t', '\r'))
    },
  )
})

describe('the summary page of GitHub', () => {
  test('is one table and a list, whatever names and messages hold', () => {
    fc.assert(
      fc.property(
        fc.array(hostile, { maxLength: 3 }),
        findings,
        fc.array(errors, { maxLength: 2 }),
        (strange, all, thrown) => {
          const matrix = matrixOf(['a'], [...new Set(strange)], 2)
          const lines = renderStepSummary({ matrix, findings: all, errors: thrown }).split('\n')
          const rows = lines.filter((line) => line.startsWith('| '))
          expect(rows).toHaveLength(1 + matrix.rows.length)
          // Every bar that is not escaped is a border: name and two environments.
          for (const row of rows) expect(row.replaceAll(/\\[^]/g, '').split('|')).toHaveLength(5)
          expect(lines.filter((line) => line.startsWith('- **'))).toHaveLength(
            all.filter(({ severity }) => severity === 'block').length + thrown.length,
          )
          const text = lines.join('\n')
          expect(text).not.toMatch(/<(?!\/?$)/)
          expect(text.replaceAll(/\\[^]/g, '')).not.toMatch(/[`@]|!\[|\]\(/)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('annotations are as many as there are findings and errors, each with its place or none', () => {
    fc.assert(
      fc.property(findings, fc.array(errors, { maxLength: 2 }), (all, thrown) => {
        const annotations = annotationsOf({ matrix: matrixOf(['a'], [], 1), findings: all, errors: thrown })
        expect(annotations).toHaveLength(all.length + thrown.length)
        expect(annotations.map(({ at }) => at)).toEqual([...all, ...thrown].map(({ at }) => at ?? null))
      }),
      { numRuns: 100 },
    )
  })
})
