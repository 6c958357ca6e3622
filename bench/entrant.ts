import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { CountingProxy } from '../test/support/proxy.ts'
import type { Peer, Task } from './peer.ts'
import { runAll } from './process.ts'
import type { BenchServer } from './server.ts'
import type { Workload } from './workloads.ts'

export interface Counted {
  readonly durationMs: number
  readonly connections: number
  readonly flights: number
  readonly peakMb: number | null
}

/** One peer in one workload, with databases and a folder of its own. */
export interface Entrant {
  readonly peer: Peer
  /** Applies what has to be applied before the clock runs. */
  setUp(): Promise<void>
  /** Does the task once, straight to the server; returns the time in milliseconds, after the result was checked. */
  time(): Promise<number>
  /** Does the task once through a proxy that counts. */
  count(proxy: CountingProxy, options: { readonly withMemory: boolean }): Promise<Counted>
  tearDown(): Promise<void>
}

/** Null for a peer that has no command for the task. `index` keeps its databases apart from those of others. */
export function createEntrant(
  server: BenchServer,
  workload: Workload,
  peer: Peer,
  { folder, index }: { readonly folder: string; readonly index: number },
): Entrant | null {
  const { environments, files, applied, verb } = workload
  const pending = files.slice(applied)
  const nameOf = (environment: string, role: 'base' | 'run'): string =>
    `bench_${index}_${environment.toLowerCase()}_${role}`
  const taskOf = (port: number, role: 'base' | 'run', what: Pick<Task, 'verb' | 'files' | 'pending'>): Task => ({
    ...what,
    databases: environments.map((environment) => ({ environment, url: server.urlOf(nameOf(environment, role), port) })),
  })
  const task = (port: number): Task => taskOf(port, pending.length === 0 ? 'base' : 'run', { verb, files, pending })
  if (peer.commandsFor(task(server.port)) === null) return null

  const [beforeFolder, runFolder] = [join(folder, `${index}-before`), join(folder, `${index}-run`)]
  async function prepare(): Promise<void> {
    if (pending.length === 0) return
    for (const environment of environments) {
      await server.dropDatabase(nameOf(environment, 'run'))
      await server.createDatabase(nameOf(environment, 'run'), applied > 0 ? nameOf(environment, 'base') : undefined)
    }
  }
  async function check(): Promise<void> {
    for (const environment of environments) {
      const database = nameOf(environment, pending.length === 0 ? 'base' : 'run')
      const rows = await server.ask(database, `SELECT count(*) FROM ${peer.history}`)
      const expected = files.length + (peer.ownRows ?? 0)
      if (rows !== `${expected}`) throw new Error(`${peer.name}: ${rows} rows in its history instead of ${expected}`)
      if (workload.check === null) continue
      const found = await server.ask(database, workload.check.sql)
      if (found !== workload.check.expected) throw new Error(`${peer.name}: ${workload.check.sql} gives ${found}`)
    }
  }
  return {
    peer,
    async setUp() {
      mkdirSync(runFolder, { recursive: true })
      peer.layOut(runFolder, files)
      if (applied === 0) return
      mkdirSync(beforeFolder, { recursive: true })
      const before = files.slice(0, applied)
      peer.layOut(beforeFolder, before)
      for (const environment of environments) {
        await server.createDatabase(nameOf(environment, 'base'))
        // Nobody's time is taken here, so nothing waits for the disk.
        await server.ask('postgres', `ALTER DATABASE ${nameOf(environment, 'base')} SET synchronous_commit = off`)
      }
      const first = taskOf(server.port, 'base', { verb: 'sync', files: before, pending: before })
      await runAll(beforeFolder, peer.commandsFor(first) ?? [], { withMemory: false })
      for (const environment of environments) {
        await server.ask('postgres', `ALTER DATABASE ${nameOf(environment, 'base')} RESET synchronous_commit`)
      }
    },
    async time() {
      await prepare()
      const commands = peer.commandsFor(task(server.port)) ?? []
      const start = performance.now()
      await runAll(runFolder, commands, { withMemory: false })
      const durationMs = performance.now() - start
      await check()
      return durationMs
    },
    async count(proxy, { withMemory }) {
      await prepare()
      const commands = peer.commandsFor(task(proxy.port)) ?? []
      proxy.reset()
      const start = performance.now()
      const peakMb = await runAll(runFolder, commands, { withMemory })
      const durationMs = performance.now() - start
      await allClosed(proxy)
      await check()
      return {
        durationMs,
        peakMb,
        connections: proxy.connections.length,
        flights: proxy.connections.reduce((sum, { flights }) => sum + flights, 0),
      }
    },
    async tearDown() {
      for (const environment of environments) {
        for (const role of ['run', 'base'] as const) await server.dropDatabase(nameOf(environment, role))
      }
    },
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
