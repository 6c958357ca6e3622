import { expect, test } from 'vitest'
import { PEERS } from '../../../bench/peers/index.ts'
import { count, renderResults } from '../../../bench/report.ts'
import type { Measurement, Result, Results } from '../../../bench/results.ts'
import { TARGETS } from '../../../bench/targets.ts'
import { WORKLOADS } from '../../../bench/workloads.ts'

function measured(durationsMs: readonly number[], flights: number, peakMb: number): Result {
  return { kind: 'measured', connections: 1, flights, durationsMs, peakMb }
}

function resultsOf(...of: readonly (readonly [peer: string, roundTripMs: number, result: Result])[]): Results {
  const measurements = of.map(([peer, roundTripMs, result]): Measurement => ({
    workload: 'w1',
    peer,
    roundTripMs,
    result,
  }))
  return {
    node: '20.20.2',
    postgres: '18.4',
    platform: 'linux x64',
    problems: ['psql is NOT MEASURED: it is not installed.'],
    peers: PEERS.map(({ name, runs, lacks }) => ({ name, runs, lacks })),
    workloads: [
      { id: 'w1', title: 'many files', environments: 1, date: '2026-11-20T12:00:00Z', rounds: 3, measurements },
    ],
  }
}

test('a table has the median of each peer and how many times ours it is', () => {
  const text = renderResults(
    resultsOf(
      ['migration-manager', 0, measured([700, 500, 600], 5, 54.4)],
      ['migration-manager', 20, measured([800], 5, 54.4)],
      ['dbmate', 0, measured([1200], 813, 44)],
      ['dbmate', 20, measured([20_000], 813, 44)],
    ),
  )

  expect(text).toContain('### Many files')
  expect(text).toContain('| migration-manager | 1 + 5 | 0.60 s (1.00) | 0.80 s (1.00) | 54 |')
  expect(text).toContain('| dbmate | 1 + 813 | 1.20 s (2.00) | 20 s (25) | 44 | no checksums, no lock |')
  expect(text).toContain('1 to 3 runs each, 2026-11-20')
})

test('who fails, is not waited for or is not installed is said to be', () => {
  const text = renderResults(
    resultsOf(
      ['migration-manager', 80, measured([1000], 5, 54)],
      ['dbmate', 80, { kind: 'too-long', connections: 2, flights: 8013, atLeastMs: 641_200 }],
      ['kysely', 80, { kind: 'failed', why: 'error: out of shared memory | hint' }],
    ),
  )

  expect(text).toContain('| dbmate | 2 + 8,013 | > 641 s (641) |')
  expect(text).toContain('failed: error: out of shared memory \\| hint')
  expect(text).toContain('### Not measured\n\n- psql is NOT MEASURED')
})

test('a target is met or missed by what was measured in its own workload', () => {
  const text = renderResults(
    resultsOf(
      ['migration-manager', 0, measured([900], 5, 61)],
      ['dbmate', 0, measured([1000], 813, 44)],
      ['supabase', 0, measured([1500], 213, 160)],
    ),
  )

  expect(text).toContain('| w1 | 0 ms | time of dbmate | ≤ 0.95 | 0.90 | met |')
  expect(text).toContain('| w1 | 0 ms | time of supabase | ≤ 0.5 | 0.60 | **missed** |')
  expect(text).toContain('| w1 |  | peak memory | ≤ 60 MB | 61 MB | **missed** |')
  expect(text).not.toContain('time of psql')
})

test('every target is about a workload and a peer that there are', () => {
  const workloads = new Map(WORKLOADS.map((make) => make()).map(({ id, roundTripsMs }) => [id, roundTripsMs]))
  const peers = new Set(PEERS.map(({ name }) => name))

  expect(
    TARGETS.filter(({ workload, roundTripMs }) => workloads.get(workload)?.includes(roundTripMs) !== true),
  ).toEqual([])
  expect(TARGETS.filter(({ peer }) => !peers.has(peer))).toEqual([])
})

test.each([
  [5, '5'],
  [1000, '1,000'],
  [85_621, '85,621'],
  [1_234_567, '1,234,567'],
])('%d is written as %s', (value, text) => {
  expect(count(value)).toBe(text)
})
