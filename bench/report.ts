import type { Measurement } from './measurement.ts'
import { BASE } from './tools.ts'

/** Writes measurements as a Markdown table; ratios are of medians, to the base tool's of the same run. */
export function renderTable(measurements: readonly Measurement[]): string {
  const rows = measurements.map((measurement) => {
    const { workload, roundTripMs, tool, connections, flights, durationsMs } = measurement
    const base = measurements.find(
      (other) => other.tool === BASE && other.workload === workload && other.roundTripMs === roundTripMs,
    )
    const median = medianOf(durationsMs)
    const ratio = base === undefined ? '–' : (median / medianOf(base.durationsMs)).toFixed(2)
    return [
      workload,
      `${roundTripMs} ms`,
      tool,
      `${connections} + ${flights}`,
      `${durationsMs.length}`,
      `${(median / 1000).toFixed(2)} s`,
      ratio,
    ]
  })
  const header = ['workload', 'round trip', 'tool', 'connections + flights', 'runs', 'median', `ratio to ${BASE}`]
  const rule = ['---', '---:', '---', '---:', '---:', '---:', '---:']
  return [header, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** The middle value, or the mean of the two middle ones. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2
}
