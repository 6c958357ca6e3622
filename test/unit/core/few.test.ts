import { expect, test } from 'vitest'
import { chooseFew, databaseOf, likenessOfError, likenessOfFinding } from '../../../src/core/few.ts'
import { MigrationManagerError } from '../../../src/core/errors.ts'
import type { Finding } from '../../../src/core/finding.ts'

interface Item {
  readonly environment: string | undefined
  readonly kind: string
}

/** What is shown of the items, and how many databases are left out of what. */
function shownOf(items: readonly Item[]): readonly string[] {
  return chooseFew(items, (item) => item).flatMap(({ shown, hidden, fleet }) => [
    ...shown.map(({ environment, kind }) => `${environment} ${kind}`),
    ...(hidden === 0 ? [] : [`${hidden} of ${fleet}`]),
  ])
}

const many = (count: number, kind: string, fleet = 'prod'): readonly Item[] =>
  Array.from({ length: count }, (_, index) => ({ environment: `${fleet}/d${index + 1}`, kind }))

test('what is alike in a fleet is shown for three databases and counted in the others', () => {
  expect(shownOf(many(5, 'a'))).toEqual(['prod/d1 a', 'prod/d2 a', 'prod/d3 a', '2 of prod'])
})

test('other kinds and other fleets count by themselves', () => {
  expect(shownOf([...many(4, 'a'), ...many(4, 'b', 'staging')])).toEqual([
    'prod/d1 a',
    'prod/d2 a',
    'prod/d3 a',
    '1 of prod',
    'staging/d1 b',
    'staging/d2 b',
    'staging/d3 b',
    '1 of staging',
  ])
})

test('several remarks on one database are all shown: databases are counted, not remarks', () => {
  const remarks = Array.from({ length: 5 }, () => ({ environment: 'prod/d1', kind: 'a' }))
  expect(shownOf(remarks)).toHaveLength(5)
  expect(shownOf([...remarks, ...many(4, 'a')])).toEqual([
    ...Array.from({ length: 6 }, () => 'prod/d1 a'),
    'prod/d2 a',
    'prod/d3 a',
    '1 of prod',
  ])
})

test('environments with one database, and what is about none, are always shown', () => {
  const items = Array.from({ length: 5 }, () => ({ environment: 'prod', kind: 'a' }))
  expect(shownOf(items)).toHaveLength(5)
  expect(shownOf(items.map(({ kind }) => ({ environment: undefined, kind })))).toHaveLength(5)
})

test('findings are alike that say the same of one place, whatever their words', () => {
  const finding: Finding = { code: 'history/changed', severity: 'block', environment: 'prod/a', message: 'a' }
  const other = { ...finding, environment: 'prod/b', message: 'b' }

  expect(likenessOfFinding(other)).toEqual({ ...likenessOfFinding(finding), environment: 'prod/b' })
  for (const change of [{ severity: 'warn' }, { code: 'a/b' }, { migration: '1-a' }] as const)
    expect(likenessOfFinding({ ...finding, ...change }).kind).not.toBe(likenessOfFinding(finding).kind)
})

test('errors are alike that have the same codes, and name a database of a fleet alone', () => {
  const error = (environment: string, engineCode: string): MigrationManagerError =>
    new MigrationManagerError('migration/failed', environment, { environment, engineCode })

  expect(likenessOfError(error('prod/a', '1')).kind).toBe(likenessOfError(error('prod/b', '1')).kind)
  expect(likenessOfError(error('prod/a', '1')).kind).not.toBe(likenessOfError(error('prod/a', '2')).kind)
  expect([error('prod/a', '1'), error('prod', '1')].map(databaseOf)).toEqual(['prod/a', undefined])
})
