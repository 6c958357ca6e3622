import { expect, test } from 'vitest'
import { medianOf, mergeResults } from '../../../bench/results.ts'
import type { Results } from '../../../bench/results.ts'
import { makeFiles, WORKLOADS } from '../../../bench/workloads.ts'

test.each([
  [[3], 3],
  [[5, 1, 3], 3],
  [[4, 1, 3, 2], 2.5],
])('the median of %j is %d', (values, median) => {
  expect(medianOf(values)).toBe(median)
})

function resultsOf(...workloads: readonly (readonly [id: string, date: string])[]): Results {
  return {
    node: '20',
    postgres: '18',
    platform: 'linux x64',
    problems: [],
    peers: [],
    workloads: workloads.map(([id, date]) => ({ id, title: id, environments: 1, date, rounds: 1, measurements: [] })),
  }
}

test('what is measured again replaces what was, and the rest stays, in the order of the workloads', () => {
  const merged = mergeResults(resultsOf(['b', 'old'], ['c', 'old']), resultsOf(['c', 'new'], ['a', 'new']), [
    'a',
    'b',
    'c',
  ])

  expect(merged.workloads.map(({ id, date }) => [id, date])).toEqual([
    ['a', 'new'],
    ['b', 'old'],
    ['c', 'new'],
  ])
  expect(mergeResults(null, resultsOf(['c', 'new']), ['a', 'c']).workloads.map(({ id }) => id)).toEqual(['c'])
})

test('workloads have ids of their own, and make the same files every time', () => {
  const [once, again] = [1, 2].map(() => WORKLOADS.map((make) => make()))

  expect(new Set(once?.map(({ id }) => id)).size).toBe(WORKLOADS.length)
  expect(again).toEqual(once)
})

test('the bulk file is about 20 MB of single-row inserts', () => {
  const file = WORKLOADS.map((make) => make()).find(({ id }) => id === 'w4')?.files[0]

  expect(file?.sql.length).toBeGreaterThan(20_000_000)
  expect(file?.sql.length).toBeLessThan(20.5 * 1024 * 1024)
  expect(file?.sql.split('\n').filter((line) => line.startsWith('INSERT'))).toHaveLength(85_600)
})

test('no two files of a workload have one version, title or text', () => {
  const files = makeFiles(1000, (name) => `CREATE TABLE ${name} ();`)

  for (const key of ['version', 'title', 'sql'] as const) {
    expect(new Set(files.map((file) => file[key])).size).toBe(1000)
  }
  expect(files.map(({ version }) => version)).toEqual(files.map(({ version }) => version).toSorted())
})
