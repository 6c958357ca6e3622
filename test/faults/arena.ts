import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { collect } from '../support/cli.ts'
import type { TestServer } from '../support/server.setup.ts'
import { OBSERVE_FUNCTION, observe } from './observation.ts'
import type { Observations, Saying } from './oracle.ts'
import { TEMPLATE } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import { runWarm } from './warm.ts'

/** The build whose kill points work; see scripts/build-faults.js. */
const BUILD = process.env['FAULTS_BUILD'] ?? join(import.meta.dirname, '..', '..', 'dist-faults')

/** With `FAULTS_WARM=1`, whatever is neither killed nor traced runs in a process that is there already. */
const IS_WARM = process.env['FAULTS_WARM'] === '1'

/** No run of a scenario takes longer, however it is struck. */
const HANGS_AFTER_MS = 90_000

/** Short enough for a test of silence; long enough for a slow machine. */
const LIMITS = {
  connectSeconds: 3,
  lockSeconds: 1,
  lockWaitSeconds: 30,
  recoverWaitSeconds: 15,
  statementSeconds: 3,
  silenceSeconds: 0.5,
}

const PATIENT = 'patient.json'
const IMPATIENT = 'impatient.json'

/** Where a server is; its tests log in over the socket as a superuser. */
export type ServerAddress = Pick<TestServer, 'socketPath' | 'port' | 'user' | 'password'>

export interface RunOptions {
  /** The port of 127.0.0.1 that the command line connects to; the server's own if nothing is said. */
  readonly port?: number
  /** With the files as a person has mended them. */
  readonly isMended?: boolean
  /** Gives up soon when the server cannot be reached again. */
  readonly isImpatient?: boolean
  readonly env?: Readonly<Record<string, string>>
  /** Hands over the process as soon as it runs. */
  readonly onStart?: (kill: (signal: NodeJS.Signals) => void) => void
}

/** Fresh databases, one for each environment. */
export interface Arena extends AsyncDisposable {
  readonly databases: readonly string[]
  /** Runs the scenario's command once. */
  run(options: RunOptions): Promise<Saying>
  /** What is in every database now. */
  look(): Promise<Observations>
  /** Sessions and locks of ours that do not go away, as sentences. */
  findLeftovers(): Promise<readonly string[]>
}

/** The files of a scenario, and a database to copy; arenas are made from it in a moment. */
export interface Ground extends AsyncDisposable {
  readonly scenario: Scenario
  readonly server: ServerAddress
  open(environments?: readonly string[]): Promise<Arena>
}

export async function prepareGround(server: ServerAddress, scenario: Scenario): Promise<Ground> {
  const template = `faults_${scenario.name.replaceAll(' ', '_')}_${randomBytes(4).toString('hex')}`
  const admin = connectTo(server, 'postgres', 4)
  // The default writes every page to the write-ahead log, which is four times the work (PostgreSQL 15 and later).
  const [version] = await admin.unsafe<{ server_version_num: string }[]>('SHOW server_version_num')
  const strategy = Number(version?.server_version_num) >= 150_000 ? 'STRATEGY FILE_COPY' : ''
  await admin.unsafe(`CREATE DATABASE ${template} TEMPLATE template0`)
  const inside = connectTo(server, template, 1)
  await inside.unsafe(TEMPLATE + OBSERVE_FUNCTION).simple()
  await inside.end()
  const folder = mkdtempSync(join(tmpdir(), 'mm-faults-'))
  writeProject(join(folder, 'first'), scenario.files)
  writeProject(join(folder, 'mended'), { ...scenario.files, ...scenario.mended })

  const templates = new Map<string, Promise<string>>()
  /** What databases of an environment are copied from: for a rollback, one in which everything is applied. */
  const templateOf = (environment: string): Promise<string> => {
    if (scenario.command !== 'rollback') return Promise.resolve(template)
    const known = templates.get(environment) ?? prepareApplied(environment)
    templates.set(environment, known)
    return known
  }
  const prepareApplied = async (environment: string): Promise<string> => {
    const database = `${template}_${environment}`
    await admin.unsafe(`CREATE DATABASE ${database} TEMPLATE ${template}`)
    const urls = urlsOf(server, server.port, [{ environment, database }])
    const said = await runCommandLine(
      join(folder, 'first'),
      { ...scenario, command: 'sync', isAtomic: false },
      urls,
      {},
    )
    if (said.exitCode !== 0) throw new Error(`the sync before the rollback failed: ${said.stdout}${said.stderr}`)
    return database
  }

  return {
    scenario,
    server,
    async open(environments = ['dev', 'prod']) {
      const id = randomBytes(5).toString('hex')
      const databases = environments.map((environment) => ({ environment, database: `faults_${id}_${environment}` }))
      for (const { environment, database } of databases)
        await admin.unsafe(`CREATE DATABASE ${database} TEMPLATE ${await templateOf(environment)} ${strategy}`)
      const eyes = databases.map(({ environment, database }) => ({ environment, sql: connectTo(server, database, 1) }))
      return {
        databases: databases.map(({ database }) => database),
        run: (options) =>
          runCommandLine(
            join(folder, options.isMended === true ? 'mended' : 'first'),
            scenario,
            urlsOf(server, options.port ?? server.port, databases),
            options,
          ),
        look: async () =>
          Object.fromEntries(
            await Promise.all(eyes.map(async ({ environment, sql }) => [environment, await observe(sql)] as const)),
          ),
        findLeftovers: async () =>
          (await Promise.all(eyes.map(({ environment, sql }) => findLeftovers(environment, sql)))).flat(),
        async [Symbol.asyncDispose]() {
          for (const { sql } of eyes) await sql.end({ timeout: 1 })
          for (const { database } of databases) await admin.unsafe(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
        },
      }
    },
    async [Symbol.asyncDispose]() {
      const made = await Promise.allSettled(templates.values())
      const databases = made.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      for (const database of [template, ...databases])
        await admin.unsafe(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
      await admin.end({ timeout: 1 })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The variables that say where each environment's database is. */
function urlsOf(
  { user, password }: ServerAddress,
  port: number,
  databases: readonly { readonly environment: string; readonly database: string }[],
): readonly (readonly [string, string])[] {
  return databases.map(({ environment, database }) => [
    environment === 'dev' ? 'DATABASE_URL' : `${environment.toUpperCase()}_DATABASE_URL`,
    `postgres://${user}:${password}@127.0.0.1:${port}/${database}`,
  ])
}

async function runCommandLine(
  folder: string,
  { command, isAtomic = false }: Scenario,
  urls: readonly (readonly [string, string])[],
  { isImpatient = false, env = {}, onStart }: RunOptions,
): Promise<Saying> {
  const options = ['--yes', '--json', '--config', isImpatient ? IMPATIENT : PATIENT]
  if (isAtomic) options.push('--atomic')
  if (command === 'rollback') options.push('--to', '0')
  const argv = [command, ...options]
  const variables = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...Object.fromEntries(urls), ...env }
  if (Object.keys(env).length === 0 && onStart === undefined && IS_WARM)
    return runWarm(BUILD, { argv, cwd: folder, env: variables }, HANGS_AFTER_MS)
  const child = spawn(process.execPath, [join(BUILD, 'cli', 'main.cjs'), ...argv], { cwd: folder, env: variables })
  let isHung = false
  const alarm = setTimeout(() => {
    isHung = true
    child.kill('SIGKILL')
  }, HANGS_AFTER_MS)
  onStart?.((signal) => void child.kill(signal))
  try {
    return { ...(await collect(child)), isHung }
  } finally {
    clearTimeout(alarm)
  }
}

function writeProject(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(folder, 'database'), { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'database', name), text)
  writeFileSync(join(folder, PATIENT), JSON.stringify({ timeouts: LIMITS }))
  writeFileSync(join(folder, IMPATIENT), JSON.stringify({ timeouts: { ...LIMITS, recoverWaitSeconds: 1 } }))
}

const LEFTOVERS = `SELECT 'a session is left: ' || state || ' ' || COALESCE(query, '') AS what FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'migration-manager'
UNION ALL SELECT 'a lock is left: ' || locktype || ' of pid ' || pid FROM pg_locks
  WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

/** A session ends a moment after its process, so this looks until nothing is left or 10 s have gone. */
async function findLeftovers(environment: string, sql: postgres.Sql): Promise<readonly string[]> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const rows = await sql.unsafe<{ what: string }[]>(LEFTOVERS)
    if (rows.length === 0) return []
    if (Date.now() > deadline) return rows.map(({ what }) => `${environment}: ${what.slice(0, 200)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export function connectTo({ socketPath, user }: ServerAddress, database: string, max: number): postgres.Sql {
  return postgres({
    path: socketPath,
    user,
    database,
    max,
    fetch_types: false,
    onnotice: () => {},
    connection: { application_name: 'oracle' },
  })
}
