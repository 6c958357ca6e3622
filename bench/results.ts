/** What one peer came to in one workload at one round-trip time. */
export interface Measurement {
  readonly workload: string
  readonly roundTripMs: number
  readonly peer: string
  readonly result: Result
}

export type Result =
  | {
      readonly kind: 'measured'
      /** Opened in one run, all databases together. */
      readonly connections: number
      readonly flights: number
      /** From the start of the first process to the end of the last, in the order in which they were run. */
      readonly durationsMs: readonly number[]
      /** The most that one of its processes held at a time; null where the system does not tell. */
      readonly peakMb: number | null
    }
  /** Not run, as its flights alone would take this long. */
  | { readonly kind: 'too-long'; readonly connections: number; readonly flights: number; readonly atLeastMs: number }
  | { readonly kind: 'failed'; readonly why: string }

export interface WorkloadResult {
  readonly id: string
  readonly title: string
  readonly environments: number
  readonly date: string
  readonly rounds: number
  readonly measurements: readonly Measurement[]
}

/** The file that the benchmark writes and the report is made from. */
export interface Results {
  readonly node: string
  readonly postgres: string
  readonly platform: string
  /** Peers that could not be measured at all, and why. */
  readonly problems: readonly string[]
  readonly peers: readonly { readonly name: string; readonly runs: string; readonly lacks: string }[]
  readonly workloads: readonly WorkloadResult[]
}

/** Later results replace earlier ones of the same workload; the order is that of `order`. */
export function mergeResults(earlier: Results | null, later: Results, order: readonly string[]): Results {
  const byId = new Map([...(earlier?.workloads ?? []), ...later.workloads].map((workload) => [workload.id, workload]))
  return { ...later, workloads: order.flatMap((id) => byId.get(id) ?? []) }
}

/** The middle value, or the mean of the two middle ones. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2
}

/** One command on one size. */
export interface GrowthPoint {
  readonly command: 'plan' | 'sync' | 'status'
  /** How many migrations, environments, or databases of one environment. */
  readonly count: number
  readonly durationsMs: readonly number[]
  readonly peakMb: number
}

/**
 * How our own commands grow: with migrations on one database beside the server, with environments and with databases of
 * one environment on one server.
 */
export interface Growth {
  readonly node: string
  readonly postgres: string
  readonly date: string
  /** Of the runs with many environments. */
  readonly roundTripMs: number
  /** Plan with nothing applied, sync of everything, status with everything applied. */
  readonly migrations: readonly GrowthPoint[]
  readonly environments: readonly GrowthPoint[]
  /** Many databases of one environment, on one server. */
  readonly fleets: readonly GrowthPoint[]
}
