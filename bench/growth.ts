import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
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

/*
 * How time and memory grow with migrations, with environments and with the databases of one environment:
 * npm run bench:growth. With `--only fleets` that part alone; the others in the file of `--json` stay.
 */

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    most: { type: 'string', default: '10000' },
    only: { type: 'string', default: 'migrations,environments,fleets' },
  },
})
const rounds = Number(options.rounds)
const MIGRATIONS = [10, 30, 100, 300, 1000, 3000, 10_000].filter((count) => count <= Number(options.most))
const ENVIRONMENTS = [1, 2, 5, 10, 20, 50, 100]
const FLEETS = [1, 10, 100, 1000]
const wanted = new Set(options.only.split(','))
/** Of the runs with many environments; reading them at once shows only where there is a way to go. */
const ROUND_TRIP_MS = 20
/** A run of more than this is not repeated. */
const LONG_MS = 5_000

await using server = await startServer()
const known = readKnown(options.json)
const results: Growth = {
  node: process.versions.node,
  postgres: server.version,
  date: new Date().toISOString(),
  roundTripMs: ROUND_TRIP_MS,
  migrations: wanted.has('migrations') ? await growMigrations(server) : (known?.migrations ?? []),
  environments: wanted.has('environments') ? await growEnvironments(server) : (known?.environments ?? []),
  fleets: wanted.has('fleets') ? await growFleets(server) : (known?.fleets ?? []),
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

function growEnvironments(at: BenchServer): Promise<readonly GrowthPoint[]> {
  return growDatabases(at, 'environments', ENVIRONMENTS, (folder, databases, port) =>
    project(
      at,
      folder,
      views(20),
      databases.map((database) => database.replace('growth_', '').toUpperCase()),
      port,
    ),
  )
}

/** Many databases of one environment, from a file of connection strings. */
function growFleets(at: BenchServer): Promise<readonly GrowthPoint[]> {
  return growDatabases(at, 'fleets', FLEETS, (folder, databases, port) =>
    project(at, folder, views(20), [], port, databases.map((database) => at.urlOf(database, port)).join('\n')),
  )
}

/** So many databases on one server, behind a way to it; `layOut` makes the project that names them. */
async function growDatabases(
  at: BenchServer,
  title: string,
  counts: readonly number[],
  layOut: (folder: string, databases: readonly string[], port: number) => RunVerb,
): Promise<readonly GrowthPoint[]> {
  const points: GrowthPoint[] = []
  await using proxy = await createCountingProxy({ serverPort: at.port, roundTripMs: ROUND_TRIP_MS })
  for (const count of counts) {
    const databases = Array.from({ length: count }, (_, index) => `growth_e${index + 1000}`)
    for (const database of databases) await at.createDatabase(database)
    const run = layOut(`growth-${title}-${count}`, databases, proxy.port)
    points.push(await repeat('plan', count, () => run('plan')))
    points.push(await repeat('sync', count, () => run('sync', '--yes'), 1))
    for (const database of databases) await checkApplied(at, database, 20)
    points.push(await repeat('status', count, () => run('status')))
    for (const database of databases) await at.dropDatabase(database)
  }
  return points
}

/** What an earlier run has written, so that a part can be measured anew. */
function readKnown(file: string | undefined): Growth | null {
  if (file === undefined || !existsSync(file)) return null
  // Written by this program.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return JSON.parse(readFileSync(file, 'utf8')) as Growth
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
  /** The connection strings of many databases of the environment dev, instead of `environments`. */
  list?: string,
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
  if (list !== undefined) writeFileSync(join(folder, 'urls.txt'), list)
  const env = list === undefined ? {} : { env: { DATABASE_URLS_FILE: 'urls.txt' } }
  return (...args) =>
    runAll(folder, [{ ...command, ...env, args: [...command.args.slice(0, 1), ...args] }], { withMemory: true })
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
