import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createCountingProxy } from '../test/support/proxy.ts'
import { createEntrant } from './entrant.ts'
import type { Counted, Entrant } from './entrant.ts'
import type { Peer } from './peer.ts'
import type { Measurement, Result } from './results.ts'
import type { BenchServer } from './server.ts'
import type { Workload } from './workloads.ts'

export interface Care {
  readonly rounds: number
  /** Nobody is waited for longer than this for flights alone, in milliseconds. */
  readonly patienceMs: number
  readonly onProgress: (what: string) => void
}

/** A run that takes longer than this is not repeated: it mostly waits for the network, and that does not vary. */
const LONG_MS = 5_000

/** Measures one workload; the peers take turns, so that a busy moment of the machine hits all of them. */
export async function measure(
  server: BenchServer,
  workload: Workload,
  peers: readonly Peer[],
  care: Care,
): Promise<readonly Measurement[]> {
  const folder = mkdtempSync(join(server.folder, 'files-'))
  const measurements: Measurement[] = []
  const entrants = peers.flatMap((peer, index) => createEntrant(server, workload, peer, { folder, index }) ?? [])
  const failed = new Set<Entrant>()
  const record = ({ peer }: Entrant, roundTripMs: number, result: Result): void => {
    measurements.push({ workload: workload.id, roundTripMs, peer: peer.name, result })
  }
  /** What a peer cannot do it cannot do at any distance: said once, and the others go on. */
  const attempt = async <T>(entrant: Entrant, roundTripMs: number, work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work()
    } catch (cause) {
      failed.add(entrant)
      const why = cause instanceof Error ? cause.message : String(cause)
      care.onProgress(`WARNING: ${entrant.peer.name} FAILED: ${why}`)
      record(entrant, roundTripMs, { kind: 'failed', why: essenceOf(why) })
      return null
    }
  }
  try {
    for (const entrant of entrants) {
      await attempt(entrant, workload.roundTripsMs[0] ?? 0, async () => entrant.setUp())
    }
    const counts = await countAll(server, entrants, failed, attempt)
    for (const roundTripMs of workload.roundTripsMs) {
      care.onProgress(`  at ${roundTripMs} ms …`)
      await using proxy = await createCountingProxy({ serverPort: server.port, roundTripMs })
      const runs = new Map<Entrant, { flights: number; durationsMs: number[] }>()
      for (let round = 0; round < care.rounds; round++) {
        for (const entrant of entrants) {
          const counted = counts.get(entrant)
          const earlier = runs.get(entrant)
          if (failed.has(entrant) || counted === undefined) continue
          if (earlier?.durationsMs.some((durationMs) => durationMs > LONG_MS) === true) continue
          if (waitOf(counted, roundTripMs) > care.patienceMs) continue
          const run = await attempt(entrant, roundTripMs, async () =>
            roundTripMs === 0
              ? { durationMs: await entrant.time(), flights: counted.flights }
              : await entrant.count(proxy, { withMemory: false }),
          )
          if (run === null) continue
          runs.set(entrant, {
            flights: Math.max(run.flights, earlier?.flights ?? 0),
            durationsMs: [...(earlier?.durationsMs ?? []), run.durationMs],
          })
        }
      }
      for (const entrant of entrants) {
        const counted = counts.get(entrant)
        const run = runs.get(entrant)
        if (failed.has(entrant) || counted === undefined) continue
        const { connections, peakMb } = counted
        if (run !== undefined) {
          record(entrant, roundTripMs, { kind: 'measured', connections, peakMb, ...run })
        } else {
          const atLeastMs = waitOf(counted, roundTripMs)
          record(entrant, roundTripMs, { kind: 'too-long', connections, flights: counted.flights, atLeastMs })
        }
      }
    }
    for (const entrant of entrants) await entrant.tearDown()
    return measurements
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** One run each that is not timed: it warms up, counts flights and watches the memory. */
async function countAll(
  server: BenchServer,
  entrants: readonly Entrant[],
  failed: ReadonlySet<Entrant>,
  attempt: <T>(entrant: Entrant, roundTripMs: number, work: () => Promise<T>) => Promise<T | null>,
): Promise<ReadonlyMap<Entrant, Counted>> {
  await using proxy = await createCountingProxy({ serverPort: server.port })
  const counts = new Map<Entrant, Counted>()
  for (const entrant of entrants) {
    if (failed.has(entrant)) continue
    const counted = await attempt(entrant, 0, async () => entrant.count(proxy, { withMemory: true }))
    if (counted !== null) counts.set(entrant, counted)
  }
  return counts
}

/** What the network alone takes when nothing is done at once: each flight and each TCP handshake is a round trip. */
function waitOf({ flights, connections }: Counted, roundTripMs: number): number {
  return (flights + connections) * roundTripMs
}

/** The line of an error that says most: the server's own, or else the last. */
function essenceOf(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return (lines.find((line) => /out of shared memory|error:|ERROR/i.test(line)) ?? lines.at(-1) ?? '')
    .trim()
    .slice(0, 200)
}
