import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { drawPlot } from './plot.ts'
import { count, renderTargets, renderWorkloads, table } from './report.ts'
import { medianOf } from './results.ts'
import type { Growth, GrowthPoint, Results } from './results.ts'

/* Writes the tables and plots of docs/performance.md anew from bench/results: npm run bench:document */

const PAGE = 'docs/performance.md'
const FOLDER = 'docs/performance'
const COMMANDS = ['status', 'plan', 'sync'] as const

// They were written by programs of this folder.
/* oxlint-disable typescript/no-unsafe-type-assertion */
const peers = JSON.parse(readFileSync('bench/results/peers.json', 'utf8')) as Results
const targets = JSON.parse(readFileSync('bench/results/targets.json', 'utf8')) as Results
const growth = JSON.parse(readFileSync('bench/results/growth.json', 'utf8')) as Growth
/* oxlint-enable typescript/no-unsafe-type-assertion */

mkdirSync(FOLDER, { recursive: true })
const timeOf = ({ durationsMs }: GrowthPoint): number => medianOf(durationsMs) / 1000
for (const [file, title, xLabel, yLabel, points, valueOf, limit] of [
  ['migrations-time', 'Time by migrations', 'migrations', 'seconds', growth.migrations, timeOf, undefined],
  ['migrations-memory', 'Peak memory by migrations', 'migrations', 'MB', growth.migrations, memoryOf, 150],
  [
    'environments-time',
    'Time by databases on one server',
    'databases',
    'seconds',
    growth.environments,
    timeOf,
    undefined,
  ],
  ['environments-memory', 'Peak memory by databases', 'databases', 'MB', growth.environments, memoryOf, 150],
  ['fleets-time', 'Time by databases of one environment', 'databases', 'seconds', growth.fleets, timeOf, undefined],
  ['fleets-memory', 'Peak memory by databases of one environment', 'databases', 'MB', growth.fleets, memoryOf, 150],
] as const) {
  const series = COMMANDS.map((command) => ({
    name: command,
    points: points.filter((point) => point.command === command).map((point) => [point.count, valueOf(point)] as const),
  }))
  const plot = {
    title,
    xLabel,
    yLabel,
    series,
    ...(limit === undefined ? {} : { limit: { y: limit, label: `${limit} MB` } }),
  }
  writeFileSync(`${FOLDER}/${file}.svg`, drawPlot(plot))
}

let page = readFileSync(PAGE, 'utf8')
page = replaceSection(page, 'peers', renderWorkloads(peers))
page = replaceSection(page, 'targets', renderTargets(targets))
page = replaceSection(page, 'migrations', renderGrowth('migrations', growth.migrations))
page = replaceSection(page, 'environments', renderGrowth('databases', growth.environments))
page = replaceSection(page, 'fleets', renderGrowth('databases', growth.fleets))
writeFileSync(PAGE, page)

function memoryOf({ peakMb }: GrowthPoint): number {
  return peakMb
}

function renderGrowth(noun: string, points: readonly GrowthPoint[]): string {
  const counts = [...new Set(points.map((point) => point.count))]
  const rows = counts.map((size) => [
    count(size),
    ...COMMANDS.flatMap((command) => {
      const point = points.find((each) => each.count === size && each.command === command)
      return point === undefined ? ['', ''] : [`${timeOf(point).toFixed(2)} s`, `${Math.round(point.peakMb)} MB`]
    }),
  ])
  const header = [noun, ...COMMANDS.flatMap((command) => [command, 'peak'])]
  return table([header, header.map(() => '---:'), ...rows])
}

/** Puts `text` between the comments that name a section; they stay. Throws when the page has no such section. */
function replaceSection(source: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name}: made by npm run bench:document -->`, `<!-- end of ${name} -->`]
  const [from, to] = [source.indexOf(begin), source.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${PAGE} has no section ${name}`)
  return `${source.slice(0, from + begin.length)}\n\n${text}\n\n${source.slice(to)}`
}
