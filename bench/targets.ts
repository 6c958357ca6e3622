import { medianOf } from './results.ts'
import type { Results } from './results.ts'

/** What we want to reach: our median in this workload is at most so many times the peer's, in one interleaved run. */
export interface Target {
  readonly workload: string
  readonly roundTripMs: number
  readonly peer: string
  readonly atMost: number
}

function times(workload: string, roundTripMs: number, limits: Readonly<Record<string, number>>): readonly Target[] {
  return Object.entries(limits).map(([peer, atMost]) => ({ workload, roundTripMs, peer, atMost }))
}

const PSQL = 'psql, one session'

export const TARGETS: readonly Target[] = [
  ...times('start', 0, { 'node -e 0': 1.2, dbmate: 1, supabase: 0.2 }),
  ...times('w1', 0, { [PSQL]: 1.05, dbmate: 0.95, supabase: 0.5 }),
  ...times('w1', 20, { [PSQL]: 0.06, dbmate: 0.06, supabase: 0.15, 'node-pg-migrate': 0.17 }),
  ...times('w1', 80, { [PSQL]: 0.03, dbmate: 0.03, supabase: 0.07 }),
  ...times('w2', 0, { [PSQL]: 0.95, dbmate: 0.8, supabase: 0.65 }),
  ...times('status-100', 0, { dbmate: 1.1, supabase: 0.2, [PSQL]: 3 }),
  ...times('nothing-100', 80, { dbmate: 0.36, supabase: 0.52 }),
  ...times('status-two', 20, { dbmate: 0.45, supabase: 0.15 }),
  ...times('status-two', 80, { dbmate: 0.32, supabase: 0.25 }),
  ...times('status-5000', 0, { dbmate: 1.7, supabase: 0.17 }),
  ...times('w4', 0, { [PSQL]: 0.32, dbmate: 0.75 }),
  ...times('w1-two', 0, { [PSQL]: 0.55, dbmate: 0.5, supabase: 0.27 }),
  ...times('w1-two', 20, { [PSQL]: 0.04, dbmate: 0.04, supabase: 0.1 }),
]

/** The most that a process of ours may hold, in MB. */
export const MEMORY: readonly { readonly workload: string; readonly atMostMb: number }[] = [
  { workload: 'w1', atMostMb: 60 },
  { workload: 'w2', atMostMb: 60 },
  { workload: 'nothing-100', atMostMb: 60 },
  { workload: 'status-100', atMostMb: 60 },
  { workload: 'w4', atMostMb: 130 },
]

/**
 * How a peer did in a workload, in milliseconds: the median, or what its flights alone take; null when it did not take
 * part or failed.
 */
export function timeOf(results: Results, workload: string, roundTripMs: number, peer: string): number | null {
  const result = results.workloads
    .find(({ id }) => id === workload)
    ?.measurements.find((each) => each.peer === peer && each.roundTripMs === roundTripMs)?.result
  if (result?.kind === 'measured') return medianOf(result.durationsMs)
  return result?.kind === 'too-long' ? result.atLeastMs : null
}
