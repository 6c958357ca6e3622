import type { Check } from '../core/check.ts'
import type { Actor, Driver, Target, ThrowAway } from '../core/driver.ts'
import type { Environment } from '../core/environment.ts'
import type { Emit } from '../core/event.ts'
import { allowFindings, isBlocking } from '../core/finding.ts'
import type { Finding } from '../core/finding.ts'
import { digestHistory } from '../core/history.ts'
import type { Migration } from '../core/migration.ts'
import type { Step } from '../core/plan.ts'
import type { Limits } from '../core/policy.ts'
import { readFolder } from '../sources/folder.ts'
import { rehearseReversals } from '../runner/reversal.ts'
import type { Reversal } from '../runner/reversal.ts'

/** What is done to a throw-away database is in no log that anybody reads. */
const NOBODY: Actor = { osUser: null, gitCommit: null, ciRun: null, ciJob: null, isTreeDirty: async () => null }

/** A folder of migration files, and the engine that they are for. */
export interface CheckedFolder {
  readonly dir: string
  readonly engine: string
  /** What names it, for a hint. */
  readonly options: string
}

/** What `check` works with; no environment is connected to. */
export interface CheckPorts {
  readonly cwd: string
  readonly historySchema: string
  readonly limits: Limits
  readonly runId: string
  readonly driverOf: (engine: string) => Driver
  readonly createThrowAway: (engine: string) => Promise<ThrowAway>
  readonly checks: readonly Check[]
  readonly emit: Emit
  readonly signal: AbortSignal
}

export interface CheckReport {
  /** Of all folders, in order. */
  readonly reversals: readonly Reversal[]
  readonly findings: readonly Finding[]
}

/**
 * Proves on a throw-away database of each folder's engine that every migration can be taken back: up, down and up again,
 * with the schema compared. Throws `ProblemsError` for bad files, and what keeps the throw-away database from starting.
 */
export async function checkReversible(folders: readonly CheckedFolder[], ports: CheckPorts): Promise<CheckReport> {
  const reports: CheckReport[] = []
  for (const folder of folders) {
    reports.push(await checkFolder(folder, await readFolder(folder.dir, ports.cwd, folder.options), ports))
  }
  return {
    reversals: reports.flatMap(({ reversals }) => reversals),
    findings: reports.flatMap(({ findings }) => findings),
  }
}

/** Old files are rehearsed as well, and one without a statement, which somebody has accepted, is easily taken back. */
const ACCEPTED: ReadonlySet<string> = new Set(['sql/empty'])

async function checkFolder(
  { dir, engine }: CheckedFolder,
  migrations: readonly Migration[],
  ports: CheckPorts,
): Promise<CheckReport> {
  if (migrations.length === 0) return { reversals: [], findings: [] }
  await using place = await ports.createThrowAway(engine)
  const target = targetOn(place, dir, engine, ports)
  await using connection = await ports.driverOf(engine).connect(target, ports.emit, ports.signal)
  const reading = await connection.read()
  const inspect = async (kind: Step['kind'], files: readonly Migration[]): Promise<readonly Finding[]> => {
    const steps = files.map((migration): Step => ({ kind, migration, resumeAt: null }))
    const plan = { environment: 'rehearsal', steps, findings: [], basis: digestHistory([]) }
    return (await Promise.all(ports.checks.map((check) => check(plan, target.environment, reading, [plan])))).flat()
  }
  const ups = allowFindings(await inspect('apply', migrations), ACCEPTED).filter(isBlocking)
  if (ups.length > 0) return { reversals: untried(migrations), findings: ups }
  const downs = (
    await inspect(
      'revert',
      migrations.filter(({ down }) => down !== null),
    )
  ).filter(isBlocking)
  const unfit = new Set(downs.flatMap(({ migration }) => (migration === undefined ? [] : [migration])))
  const reversals = await rehearseReversals(connection, migrations, unfit, ports.emit)
  return { reversals, findings: [...downs, ...reversals.flatMap(({ findings }) => findings)] }
}

function untried(migrations: readonly Migration[]): readonly Reversal[] {
  return migrations.map(({ name, file }) => ({ migration: name, file, status: 'untried', findings: [] }))
}

function targetOn({ endpoint }: ThrowAway, dir: string, engine: string, ports: CheckPorts): Target {
  const environment: Environment = {
    name: 'rehearsal',
    engine,
    endpoint,
    secrets: [],
    protected: false,
    order: 0,
    origin: 'a throw-away database',
    migrationsDir: dir,
  }
  const { historySchema, limits, runId } = ports
  return {
    environment,
    historySchema,
    limits,
    runId,
    actor: NOBODY,
  }
}
