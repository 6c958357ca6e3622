import { MigrationManagerError } from '../core/errors.ts'
import type { Emit } from '../core/event.ts'
import type { Finding } from '../core/finding.ts'
import { digestHistory } from '../core/history.ts'
import { meansMigration } from '../core/migration.ts'
import type { Project } from '../core/project.ts'
import { planRepair } from '../core/repair.ts'
import type { Repair, RepairKind } from '../core/repair.ts'
import { surveyOne } from './single-survey.ts'
import { refusal } from './confirmation.ts'
import type { Confirm } from './confirmation.ts'

export interface RepairOptions {
  readonly kind: RepairKind
  /** A name, a file name or a version. */
  readonly migration: string
  readonly reason: string
}

export interface RepairPorts {
  /** Asked always, also for an environment that is not protected: the history is edited by hand. */
  readonly confirm: Confirm
  readonly emit: Emit
  readonly signal: AbortSignal
  /** Hears what is about to be changed before anything is asked. */
  readonly onPlan: (repair: Repair) => void
}

export interface RepairReport {
  readonly environment: string
  readonly repair: Repair
  /** `refused`: not confirmed; `stale`: somebody else has changed the row meanwhile. */
  readonly status: 'done' | 'refused' | 'stale'
  readonly findings: readonly Finding[]
}

/**
 * Sets one row of one environment's history right by hand, and writes into the log what it was and why. Throws when
 * the environment is not named, or there is nothing to repair.
 */
export async function repair(project: Project, options: RepairOptions, ports: RepairPorts): Promise<RepairReport> {
  await using seen = await surveyOne(project, 'A repair is made', ports.emit, ports.signal)
  const { environment, sight, migrations: files } = seen
  const { history } = sight.reading
  const name = resolveName(options.migration, [...files.map((file) => file.name), ...history.map((row) => row.name)])
  const planned = planRepair(
    options.kind,
    name,
    files.find((file) => file.name === name),
    history.find((row) => row.name === name),
    options.reason,
  )
  ports.onPlan(planned)
  const answer = await ports.confirm(environment, `${options.kind} ${name} in ${environment.name}`)
  if (answer !== 'yes') {
    return {
      environment: environment.name,
      repair: planned,
      status: 'refused',
      findings: [refusal(environment, answer, 'A repair must be confirmed')],
    }
  }
  const isDone = await sight.connection.withLock((locked) => locked.amend(planned, digestHistory(history)))
  return { environment: environment.name, repair: planned, status: isDone ? 'done' : 'stale', findings: [] }
}

/** The migration that a person means, among files and rows. Throws `usage/unknown-migration`. */
function resolveName(wanted: string, names: readonly string[]): string {
  // The name itself decides: a row that was written by hand may be called by digits alone.
  const found = new Set(
    names.filter((name) => (names.includes(wanted) ? name === wanted : meansMigration(name, wanted))),
  )
  const [only, ...more] = found
  if (only !== undefined && more.length === 0) return only
  throw new MigrationManagerError(
    'usage/unknown-migration',
    only === undefined ? `No file and no row is called ${wanted}.` : `${wanted} could be ${[...found].join(' or ')}.`,
    { hint: 'Name the migration as status shows it.' },
  )
}
