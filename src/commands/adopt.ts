import { findUnborneClaims } from '../core/adoption.ts'
import type { Adoption, AdoptionSource, Claim } from '../core/adoption.ts'
import { MigrationManagerError } from '../core/errors.ts'
import type { Emit } from '../core/event.ts'
import { isBlocking } from '../core/finding.ts'
import type { Finding } from '../core/finding.ts'
import { digestHistory } from '../core/history.ts'
import type { Project } from '../core/project.ts'
import { surveyOne } from './single-survey.ts'
import { refusal } from './confirmation.ts'
import type { Confirm } from './confirmation.ts'

export interface AdoptOptions {
  readonly from: AdoptionSource
  readonly dryRun: boolean
}

export interface AdoptPorts {
  readonly confirm: Confirm
  readonly emit: Emit
  readonly signal: AbortSignal
  /** Hears what is about to be taken over, and what is to be known of it, before anything is asked. */
  readonly onPlan: (planned: AdoptReport) => void
}

export interface AdoptReport {
  readonly environment: string
  readonly from: AdoptionSource
  /** `blocked`: a claim is not borne out, or it was not confirmed; `stale`: somebody else changed the history. */
  readonly status: 'adopted' | 'planned' | 'up-to-date' | 'blocked' | 'stale'
  /** The migrations that were taken over, or would be. */
  readonly migrations: readonly string[]
  /** Where the files are that the claims are about, by the migration's name. */
  readonly files: ReadonlyMap<string, string>
  readonly findings: readonly Finding[]
}

/**
 * Takes over what another tool's history says of one environment: writes a row for each migration whose claim the live
 * schema bears out, and nothing at all while one is not borne out. The other tool's table is read and never written to.
 */
export async function adopt(project: Project, options: AdoptOptions, ports: AdoptPorts): Promise<AdoptReport> {
  const { from } = options
  await using seen = await surveyOne(project, 'Another history is taken over', ports.emit, ports.signal)
  const { environment, sight, migrations } = seen
  const { connection, reading } = sight
  const claims = await connection.claims?.(from, migrations)
  if (claims === undefined) {
    throw new MigrationManagerError(
      'usage/unknown-source',
      `${environment.name} is a ${environment.engine} database, which ${from} does not keep a history of.`,
      { environment: environment.name, hint: 'Name an environment on Cloudflare D1.' },
    )
  }
  const known = new Set(reading.history.map(({ name }) => name))
  const open = claims.filter(({ migration }) => migration === null || !known.has(migration.name))
  const findings = findUnborneClaims(environment.name, from, open)
  const adoptions = adoptionsOf(open)
  const report = (status: AdoptReport['status'], more: readonly Finding[] = []): AdoptReport => ({
    environment: environment.name,
    from,
    status,
    migrations: adoptions.map(({ migration }) => migration.name),
    files: new Map(claims.flatMap(({ migration }) => (migration === null ? [] : [[migration.name, migration.file]]))),
    findings: [...findings, ...more],
  })
  if (findings.some(isBlocking)) return report('blocked')
  if (adoptions.length === 0) return report('up-to-date')
  if (options.dryRun) return report('planned')
  if (environment.protected) {
    ports.onPlan(report('planned'))
    const answer = await ports.confirm(environment, `take ${adoptions.length} migrations over in ${environment.name}`)
    if (answer !== 'yes') return report('blocked', [refusal(environment, answer, `${environment.name} is protected`)])
  }
  const basis = digestHistory(reading.history)
  const isDone = await connection.withLock(async (locked) => (await locked.adopt?.(from, adoptions, basis)) ?? false)
  return report(isDone ? 'adopted' : 'stale')
}

/** The claims as rows to write, each migration once. */
function adoptionsOf(claims: readonly Claim[]): readonly Adoption[] {
  const seen = new Set<string>()
  return claims.flatMap(({ migration, appliedAt }) => {
    if (migration === null || seen.has(migration.name)) return []
    seen.add(migration.name)
    return [{ migration, appliedAt }]
  })
}
