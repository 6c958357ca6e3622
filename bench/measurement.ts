import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { createCountingProxy } from '../test/support/proxy.ts'
import type { CountingProxy } from '../test/support/proxy.ts'
import type { BenchServer } from './server.ts'
import type { Command, Task, Tool } from './tools.ts'
import { writeFiles } from './workloads.ts'
import type { Workload } from './workloads.ts'

/** What one tool took for one workload at one round-trip time. */
export interface Measurement {
  readonly workload: string
  readonly roundTripMs: number
  readonly tool: string
  readonly connections: number
  readonly flights: number
  /** From the start of the first process to the end of the last, in the order in which they were run. */
  readonly durationsMs: readonly number[]
}

/** A run that takes longer than this is not repeated: it waits for the network, and that does not vary. */
const LONG_MS = 5_000

/** Measures one workload; the tools take turns, so that a busy moment of the machine hits all of them. */
export async function measure(
  server: BenchServer,
  workload: Workload,
  tools: readonly Tool[],
  rounds: number,
): Promise<readonly Measurement[]> {
  const folder = mkdtempSync(join(server.folder, 'files-'))
  try {
    const files = writeFiles(folder, workload)
    const entrants = tools.map((tool, index) => createEntrant(server, workload, tool, { folder, files, index }))
    await Promise.all(entrants.map((entrant) => entrant.setUp()))
    const measurements: Measurement[] = []
    for (const roundTripMs of workload.roundTripsMs) {
      await using proxy = await createCountingProxy({ serverPort: server.port, roundTripMs })
      const runs = new Map<Tool, Run[]>()
      for (let round = 0; round < rounds; round++) {
        for (const entrant of entrants) {
          const earlier = runs.get(entrant.tool) ?? []
          if (earlier.some(({ durationMs }) => durationMs > LONG_MS)) continue
          const run = await entrant.run(proxy)
          if (run !== null) runs.set(entrant.tool, [...earlier, run])
        }
      }
      for (const [{ name }, of] of runs) {
        measurements.push({
          workload: workload.name,
          roundTripMs,
          tool: name,
          connections: Math.max(...of.map(({ connections }) => connections)),
          flights: Math.max(...of.map(({ flights }) => flights)),
          durationsMs: of.map(({ durationMs }) => durationMs),
        })
      }
    }
    for (const entrant of entrants) await entrant.tearDown()
    return measurements
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Run {
  readonly durationMs: number
  readonly connections: number
  readonly flights: number
}

/** One tool in one workload, with databases of its own. */
interface Entrant {
  readonly tool: Tool
  setUp(): Promise<void>
  /** Does the workload's task once, through the proxy; null if the tool sits this one out. */
  run(proxy: CountingProxy): Promise<Run | null>
  tearDown(): Promise<void>
}

function createEntrant(
  server: BenchServer,
  { environments, isFresh, verb }: Workload,
  tool: Tool,
  { folder, files, index }: { folder: string; files: readonly string[]; index: number },
): Entrant {
  const names = environments.map((environment) => `bench_${index}_${environment.toLowerCase()}`)
  const taskOf = (port: number, what: Pick<Task, 'verb' | 'isFresh'>): Task => ({
    ...what,
    files,
    databases: environments.map((environment, at) => ({ environment, url: server.urlOf(names[at] ?? '', port) })),
  })
  const sitsOut = tool.commandsFor(taskOf(server.port, { verb, isFresh })) === null
  const tearDown = async (): Promise<void> => {
    for (const name of names) await server.dropDatabase(name)
  }
  const createDatabases = async (): Promise<void> => {
    await tearDown()
    for (const name of names) await server.createDatabase(name)
  }
  return {
    tool,
    tearDown,
    async setUp() {
      if (sitsOut || isFresh) return
      await createDatabases()
      await runAll(folder, tool.commandsFor(taskOf(server.port, { verb: 'sync', isFresh: true })) ?? [])
    },
    async run(proxy) {
      if (sitsOut) return null
      if (isFresh) await createDatabases()
      const commands = tool.commandsFor(taskOf(proxy.port, { verb, isFresh })) ?? []
      proxy.reset()
      const start = performance.now()
      await runAll(folder, commands)
      const durationMs = performance.now() - start
      await allClosed(proxy)
      return {
        durationMs,
        connections: proxy.connections.length,
        flights: proxy.connections.reduce((sum, { flights }) => sum + flights, 0),
      }
    },
  }
}

async function runAll(folder: string, commands: readonly Command[]): Promise<void> {
  for (const { program, args, env, input } of commands) {
    const child = spawn(program, args, {
      cwd: folder,
      // Nothing of the user's own variables may name a database.
      env: { PATH: process.env['PATH'], HOME: folder, ...env },
      stdio: ['pipe', 'ignore', 'pipe'],
    })
    child.stdin.on('error', () => {})
    child.stdin.end(input ?? '')
    const said = text(child.stderr)
    await once(child, 'exit')
    if (child.exitCode !== 0) throw new Error(`${program} ended with ${child.exitCode}:\n${await said}`)
  }
}

/** A tool may leave before its goodbye has arrived; what comes late must not be counted for the next one. */
async function allClosed({ connections }: CountingProxy): Promise<void> {
  const deadline = performance.now() + 5_000
  while (connections.some(({ isClosed }) => !isClosed)) {
    if (performance.now() > deadline) throw new Error('a connection stayed open after its process had ended')
    await pause(5)
  }
}
