import type { Environment } from '../core/environment.ts'
import { MigrationManagerError } from '../core/errors.ts'
import type { Emit } from '../core/event.ts'
import { allowFindings } from '../core/finding.ts'
import type { Finding } from '../core/finding.ts'
import type { Project } from '../core/project.ts'
import { findUnverified } from '../core/verification.ts'
import type { Verification } from '../core/verification.ts'
import { traceFindings } from './changes.ts'
import { findLeftOut } from './left-out.ts'
import { refuseMixUps } from './mix-ups.ts'
import { selectEnvironments } from './selection.ts'
import { readFolders, survey } from './survey.ts'
import type { Sight, Survey } from './survey.ts'

/** What one environment answered, or why it could not be asked. */
export type VerifiedEnvironment =
  | { readonly environment: Environment; readonly isReachable: true; readonly verification: Verification }
  | { readonly environment: Environment; readonly isReachable: false; readonly error: MigrationManagerError }

export interface VerifyReport {
  /** In promotion order. */
  readonly environments: readonly VerifiedEnvironment[]
  /** Where the files of the migrations are, by name. */
  readonly files: ReadonlyMap<string, string>
  readonly findings: readonly Finding[]
}

/**
 * Do the databases still look like their migrations say? Asks the verify queries of all applied migrations, compares the
 * checksums, and looks for damage; in all selected environments at once. Reads only. Environments that cannot be
 * reached are in the report, with their errors. `allow` holds codes of findings that do not block. Throws
 * `run/interrupted`.
 */
export async function verify(
  project: Project,
  { allow }: { readonly allow: readonly string[] },
  emit: Emit,
  signal: AbortSignal,
): Promise<VerifyReport> {
  const selected = selectEnvironments(project)
  await using seen = await survey(project, selected, readFolders(project, selected), emit, signal)
  refuseMixUps(seen.sights, { mayRename: false })
  const environments = await Promise.all(seen.sights.map((sight) => ask(sight, seen)))
  const findings = [
    ...findLeftOut(project, 'selected'),
    ...seen.sights.flatMap((sight) => (sight.isReachable ? sight.reading.findings : [])),
    ...seen.matrix.findings,
    ...environments.flatMap((asked) =>
      asked.isReachable ? findUnverified(asked.environment.name, asked.verification) : [],
    ),
  ]
  const allowed = allowFindings(findings, new Set(allow))
  const files = seen.matrix.rows.flatMap(({ name, migration }) =>
    migration === null ? [] : ([[name, migration.file]] as const),
  )
  return { environments, files: new Map(files), findings: await traceFindings(allowed, seen.matrix, project.cwd) }
}

async function ask(sight: Sight, seen: Survey): Promise<VerifiedEnvironment> {
  const { environment } = sight
  if (!sight.isReachable) return { environment, isReachable: false, error: sight.error }
  const applied = new Set(sight.reading.history.filter(({ status }) => status === 'applied').map(({ name }) => name))
  const migrations = seen.migrationsOf(environment).filter(({ name }) => applied.has(name))
  try {
    return { environment, isReachable: true, verification: await sight.connection.verify(migrations) }
  } catch (cause) {
    if (!(cause instanceof MigrationManagerError) || cause.code === 'run/interrupted') throw cause
    return { environment, isReachable: false, error: cause }
  }
}
