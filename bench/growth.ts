import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createCountingProxy } from '../test/support/proxy.ts'
import type { MigrationFile } from './peer.ts'
import { migrationManager } from './peers/migration-manager.ts'
import { runAll } from './process.ts'
import type { Growth, GrowthPoint } from './results.ts'
import { startServer } from './server.ts'
import type { BenchServer } from './server.ts'
import { views } from './workloads.ts'

/* How time and memory grow with migrations and with environments: npm run bench:growth */

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    most: { type: 'string', default: '10000' },
  },
})
const rounds = Number(options.rounds)
const MIGRATIONS = [10, 30, 100, 300, 1000, 3000, 10_000].filter((count) => count <= Number(options.most))
const ENVIRONMENTS = [1, 2, 5, 10, 20, 50, 100]
/** Of the runs with many environments; reading them at once shows only where there is a way to go. */
const ROUND_TRIP_MS = 20
/** A run of more than this is not repeated. */
const LONG_MS = 5_000

await using server = await startServer()
const results: Growth = {
  node: process.versions.node,
  postgres: server.version,
  date: new Date().toISOString(),
  roundTripMs: ROUND_TRIP_MS,
  migrations: await growMigrations(server),
  environments: await growEnvironments(server),
}
const json = `${JSON.stringify(results, null, 1)}\n`
if (options.json === undefined) console.log(json)
else writeFileSync(options.json, json)

async function growMigrations(at: BenchServer): Promise<readonly GrowthPoint[]> {
  const points: GrowthPoint[] = []
  for (const count of MIGRATIONS) {
    const run = project(at, `growth-${count}`, views(count), ['DEV'], at.port)
    await at.createDatabase('growth_dev')
    points.push(await repeat('plan', count, () => run('plan')))
    points.push(await repeat('sync', count, () => run('sync', '--yes'), 1))
    await checkApplied(at, 'growth_dev', count)
    points.push(await repeat('status', count, () => run('status')))
    await at.dropDatabase('growth_dev')
  }
  return points
}

async function growEnvironments(at: BenchServer): Promise<readonly GrowthPoint[]> {
  const points: GrowthPoint[] = []
  await using proxy = await createCountingProxy({ serverPort: at.port, roundTripMs: ROUND_TRIP_MS })
  for (const count of ENVIRONMENTS) {
    const names = Array.from({ length: count }, (_, index) => `E${index + 1000}`)
    const databases = names.map((name) => `growth_${name.toLowerCase()}`)
    for (const database of databases) await at.createDatabase(database)
    const run = project(at, `growth-environments-${count}`, views(20), names, proxy.port)
    points.push(await repeat('plan', count, () => run('plan')))
    points.push(await repeat('sync', count, () => run('sync', '--yes'), 1))
    for (const database of databases) await checkApplied(at, database, 20)
    points.push(await repeat('status', count, () => run('status')))
    for (const database of databases) await at.dropDatabase(database)
  }
  return points
}

async function checkApplied(at: BenchServer, database: string, expected: number): Promise<void> {
  const applied = await at.ask(database, "SELECT count(*) FROM schema_migrations WHERE status = 'applied'")
  if (applied !== `${expected}`) throw new Error(`${database} holds ${applied} of ${expected} migrations`)
}

type RunVerb = (...args: readonly string[]) => Promise<number | null>

function project(
  at: BenchServer,
  name: string,
  files: readonly MigrationFile[],
  environments: readonly string[],
  port: number,
): RunVerb {
  const folder = join(at.folder, name)
  mkdirSync(folder)
  migrationManager.layOut(folder, files)
  const databases = environments.map((environment) => ({
    environment,
    url: at.urlOf(`growth_${environment.toLowerCase()}`, port),
  }))
  const [command] = migrationManager.commandsFor({ verb: 'status', files, pending: [], databases }) ?? []
  if (command === undefined) throw new Error('no command')
  return (...args) =>
    runAll(folder, [{ ...command, args: [...command.args.slice(0, 1), ...args] }], { withMemory: true })
}

async function repeat(
  command: GrowthPoint['command'],
  count: number,
  run: () => Promise<number | null>,
  times = rounds,
): Promise<GrowthPoint> {
  const durationsMs: number[] = []
  let peakMb = 0
  for (let round = 0; round < times && !durationsMs.some((durationMs) => durationMs > LONG_MS); round++) {
    const start = performance.now()
    peakMb = Math.max(peakMb, (await run()) ?? 0)
    durationsMs.push(performance.now() - start)
  }
  console.error(
    `${command} of ${count}: ${durationsMs.map((ms) => `${Math.round(ms)} ms`).join(', ')}, ${Math.round(peakMb)} MB`,
  )
  return { command, count, durationsMs, peakMb }
}
