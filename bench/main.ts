import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { measure } from './measurement.ts'
import type { Measurement } from './measurement.ts'
import { renderTable } from './report.ts'
import { startServer } from './server.ts'
import { TOOLS } from './tools.ts'
import { WORKLOADS } from './workloads.ts'

/* Counts round trips and compares speed; see README.md. Run from the root of the repository: npm run bench */

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
  },
})
const rounds = Number(options.rounds)
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${options.rounds} is not a number of rounds`)
const workloads = WORKLOADS.filter(({ name }) => name.includes(options.only))
if (workloads.length === 0) throw new Error(`no workload has "${options.only}" in its name`)

const problems = new Set(TOOLS.map((tool) => tool.findProblem()).filter((problem) => problem !== null))
for (const problem of problems) console.error(`WARNING: ${problem}`)
const tools = TOOLS.filter((tool) => tool.findProblem() === null)

const starting = startServer()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void interrupt())
await using server = await starting

const measurements: Measurement[] = []
for (const workload of workloads) {
  console.error(`${workload.name} …`)
  measurements.push(...(await measure(server, workload, tools, rounds)))
}
console.log(`PostgreSQL ${server.version}, Node ${process.versions.node}, ${process.platform} ${process.arch}\n`)
console.log(renderTable(measurements))
for (const problem of problems) console.log(`\n${problem}`)
if (options.json !== undefined) {
  const facts = { date: new Date(), postgres: server.version, node: process.versions.node, measurements }
  writeFileSync(options.json, `${JSON.stringify(facts, null, 2)}\n`)
}

/** Leaves neither a server nor its folder behind. */
async function interrupt(): Promise<never> {
  await (await starting)[Symbol.asyncDispose]()
  process.exit(1)
}
