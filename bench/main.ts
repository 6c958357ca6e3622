import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { measure } from './measurement.ts'
import { BASE, FLOOR, PEERS } from './peers/index.ts'
import { renderResults } from './report.ts'
import { mergeResults } from './results.ts'
import type { Results, WorkloadResult } from './results.ts'
import { startServer } from './server.ts'
import { TARGETS } from './targets.ts'
import { WORKLOADS } from './workloads.ts'
import type { Workload } from './workloads.ts'

/* Measures everybody side by side; see README.md. Run from the root of the repository: npm run bench */

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    peers: { type: 'string', default: '' },
    'round-trips': { type: 'string', default: '' },
    targets: { type: 'boolean', default: false },
    patience: { type: 'string', default: '120' },
    json: { type: 'string' },
    markdown: { type: 'string' },
  },
})
const rounds = wholeNumber('rounds', options.rounds)
const patienceMs = wholeNumber('patience', options.patience) * 1000
const only = listOf(options.only, ',')
const roundTrips = listOf(options['round-trips'], ',').map(Number)
const everything = WORKLOADS.map((make) => make())
const workloads = everything
  .filter(({ id }) => only.length === 0 || only.includes(id))
  .map((workload) => ({
    ...workload,
    roundTripsMs: (options.targets ? aimedAt(workload) : workload.roundTripsMs).filter(
      (ms) => roundTrips.length === 0 || roundTrips.includes(ms),
    ),
  }))
  .filter(({ roundTripsMs }) => roundTripsMs.length > 0)
if (workloads.length === 0) throw new Error(`--only takes: ${everything.map(({ id }) => id).join(', ')}`)
// Some names hold a comma.
const wanted = listOf(options.peers, ';')
const unknown = wanted.find((name) => !PEERS.some((peer) => peer.name === name))
if (unknown !== undefined) throw new Error(`--peers takes: ${PEERS.map(({ name }) => name).join('; ')}`)

const candidates = PEERS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
const problems = [...new Set(candidates.flatMap((peer) => peer.findProblem() ?? []))]
for (const problem of problems) console.error(`WARNING: ${problem}`)
const peers = candidates.filter((peer) => peer.findProblem() === null)

await using server = await startServer()

const done: WorkloadResult[] = []
const results = (): Results => ({
  node: process.versions.node,
  postgres: server.version,
  platform: `${process.platform} ${process.arch}`,
  problems,
  peers: PEERS.map(({ name, runs, lacks }) => ({ name, runs, lacks })),
  workloads: done,
})
const earlier = options.json !== undefined && existsSync(options.json) ? readResults(options.json) : null
for (const workload of workloads) {
  console.error(`${workload.id}: ${workload.title}`)
  const { id, title, environments } = workload
  const date = new Date().toISOString()
  const care = { rounds, patienceMs, onProgress: (what: string) => console.error(what) }
  const rivals = new Set([
    BASE.name,
    FLOOR.name,
    ...TARGETS.filter((target) => target.workload === id).map(({ peer }) => peer),
  ])
  const entrants = options.targets ? peers.filter(({ name }) => rivals.has(name)) : peers
  const measurements = await measure(server, workload, entrants, care)
  done.push({ id, title, environments: environments.length, date, rounds, measurements })
  // After each: a long run that is interrupted has not been for nothing.
  if (options.json !== undefined) {
    const order = everything.map((each) => each.id)
    writeFileSync(options.json, `${JSON.stringify(mergeResults(earlier, results(), order), null, 1)}\n`)
  }
}
const markdown = renderResults(results())
console.log(markdown)
if (options.markdown !== undefined) writeFileSync(options.markdown, `${markdown}\n`)

/** The round trips of a workload for which there is a target; one where only its memory has one. */
function aimedAt({ id, roundTripsMs }: Workload): readonly number[] {
  const aims = TARGETS.filter((target) => target.workload === id).map(({ roundTripMs }) => roundTripMs)
  return roundTripsMs.filter((ms) => aims.includes(ms))
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} ${text} is not a whole number above 0`)
  return value
}

function listOf(text: string, separator: string): readonly string[] {
  return text
    .split(separator)
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** What an earlier run has left; workloads that are not run again are kept. */
function readResults(path: string): Results {
  // Written by this same program.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return JSON.parse(readFileSync(path, 'utf8')) as Results
}
