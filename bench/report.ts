import { BASE, FLOOR } from './peers/index.ts'
import type { Measurement, Results, WorkloadResult } from './results.ts'
import { medianOf } from './results.ts'
import { MEMORY, TARGETS, timeOf } from './targets.ts'

/** Writes results as Markdown: a table for each workload, then the targets, then who was not measured. */
export function renderResults(results: Results): string {
  return [renderWorkloads(results), renderTargets(results)].join('\n\n')
}

/** The tables alone, and who was not measured. */
export function renderWorkloads(results: Results): string {
  return [
    `PostgreSQL ${results.postgres}, Node.js ${results.node}, ${results.platform}.`,
    ...results.workloads.map((workload) => renderWorkload(results, workload)),
    results.problems.length === 0
      ? ''
      : `### Not measured\n\n${results.problems.map((line) => `- ${line}`).join('\n')}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

/** One row a peer: flights, the median and how many times ours it is, at each round-trip time. */
export function renderWorkload(results: Results, workload: WorkloadResult): string {
  const { id, title, date, measurements } = workload
  const roundTrips = [...new Set(measurements.map(({ roundTripMs }) => roundTripMs))].toSorted((a, b) => a - b)
  const names = results.peers.map(({ name }) => name).filter((name) => measurements.some(({ peer }) => peer === name))
  const base = (roundTripMs: number): number | null => timeOf(results, id, roundTripMs, BASE.name)
  const rows = names.map((name) => {
    const own = measurements.filter(({ peer }) => peer === name)
    const times = roundTrips.map((roundTripMs) =>
      renderTime(
        own.find((each) => each.roundTripMs === roundTripMs),
        base(roundTripMs),
      ),
    )
    const { lacks = '' } = results.peers.find((peer) => peer.name === name) ?? {}
    return [name, renderFlights(own), ...times, renderMemory(own), lacks]
  })
  const header = ['', 'conns + flights', ...roundTrips.map((ms) => `${ms} ms`), 'peak MB', 'to know']
  const alignment = ['---', '---:', ...roundTrips.map(() => '---:'), '---:', '---']
  return `### ${title[0]?.toUpperCase() ?? ''}${title.slice(1)}\n\n${table([header, alignment, ...rows])}\n\n\`--only ${id}\`, ${runsOf(measurements)}, ${date.slice(0, 10)}`
}

function runsOf(measurements: readonly Measurement[]): string {
  const runs = measurements.flatMap(({ result }) => (result.kind === 'measured' ? [result.durationsMs.length] : []))
  const [least, most] = [Math.min(...runs), Math.max(...runs)]
  return least === most ? `${most} runs each` : `${least} to ${most} runs each`
}

function renderFlights(own: readonly Measurement[]): string {
  const counts = own.flatMap(({ result }) => (result.kind === 'failed' ? [] : [result]))
  if (counts.every(({ connections }) => connections === 0)) return ''
  const connections = Math.max(...counts.map((counted) => counted.connections))
  return `${connections} + ${count(Math.max(...counts.map(({ flights }) => flights)))}`
}

function renderMemory(own: readonly Measurement[]): string {
  const peaks = own.flatMap(({ result }) =>
    result.kind === 'measured' && result.peakMb !== null ? [result.peakMb] : [],
  )
  return peaks.length === 0 ? '' : `${Math.round(Math.max(...peaks))}`
}

function renderTime(measurement: Measurement | undefined, base: number | null): string {
  const result = measurement?.result
  if (result === undefined) return ''
  if (result.kind === 'failed') return `failed: ${result.why.replaceAll('|', '\\|')}`
  const [mark, ms] = result.kind === 'measured' ? ['', medianOf(result.durationsMs)] : ['> ', result.atLeastMs]
  return `${mark}${seconds(ms)}${base === null ? '' : ` (${ratio(ms / base)})`}`
}

/** Where each target stands; only those whose workloads were run. */
export function renderTargets(results: Results): string {
  const rows = TARGETS.flatMap(({ workload, roundTripMs, peer, atMost }) => {
    const [ours, theirs] = [BASE.name, peer].map((name) => timeOf(results, workload, roundTripMs, name))
    if (ours === null || ours === undefined || theirs === null || theirs === undefined) return []
    const reached = ours / theirs
    const least = timeOf(results, workload, roundTripMs, FLOOR.name)
    const floor = least === null ? '' : ratio(least / theirs)
    return [
      [
        workload,
        `${roundTripMs} ms`,
        `time of ${peer}`,
        `≤ ${atMost}`,
        ratio(reached),
        verdict(reached <= atMost),
        floor,
      ],
    ]
  })
  const memory = MEMORY.flatMap(({ workload, atMostMb }) => {
    const found = results.workloads.find(({ id }) => id === workload)?.measurements
    const peaks = (found ?? []).flatMap(({ peer, result }) =>
      peer === BASE.name && result.kind === 'measured' && result.peakMb !== null ? [result.peakMb] : [],
    )
    if (peaks.length === 0) return []
    const peak = Math.max(...peaks)
    return [[workload, '', 'peak memory', `≤ ${atMostMb} MB`, `${Math.round(peak)} MB`, verdict(peak <= atMostMb), '']]
  })
  if (rows.length + memory.length === 0) return ''
  const header = ['workload', 'round trip', 'ours, as a part of', 'target', 'reached', '', FLOOR.name]
  return `### Targets\n\n${table([header, ['---', '---:', '---', '---:', '---:', '---', '---:'], ...rows, ...memory])}`
}

function verdict(isMet: boolean): string {
  return isMet ? 'met' : '**missed**'
}

export function table(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(2)} s` : `${count(Math.round(ms / 1000))} s`
}

function ratio(value: number): string {
  return value < 0.1 ? value.toFixed(3) : value < 10 ? value.toFixed(2) : value.toFixed(0)
}

/** 1234 as `1,234`. */
export function count(value: number): string {
  return `${value}`.replaceAll(/\B(?=(\d{3})+$)/g, ',')
}
