import { ownerOf } from '../core/environment.ts'
import type { Environment } from '../core/environment.ts'
import { MigrationManagerError } from '../core/errors.ts'
import type { Emit } from '../core/event.ts'
import { allowFindings, isBlocking } from '../core/finding.ts'
import type { Finding } from '../core/finding.ts'
import type { Project } from '../core/project.ts'
import { hasNoMigrations, makeFolder, writeNewFile } from '../sources/scaffold.ts'
import { deployScriptTemplate, envExampleTemplate } from '../sources/template.ts'
import { confirmEach } from './confirmation.ts'
import type { Confirm } from './confirmation.ts'
import { groupByOwner, selectEnvironments } from './selection.ts'
import { refuseMixUps, refuseUnreadable } from './sound-survey.ts'
import { readFolders, survey } from './survey.ts'
import type { Sight } from './survey.ts'

export interface InitPorts {
  readonly confirm: Confirm
  readonly emit: Emit
  readonly signal: AbortSignal
}

export interface InitReport {
  /** What became of each environment; `skipped` after a failure or refusal. */
  readonly environments: readonly {
    readonly environment: Environment
    readonly status: 'initialised' | 'up-to-date' | 'skipped' | 'failed'
    readonly error: MigrationManagerError | null
  }[]
  readonly findings: readonly Finding[]
}

/**
 * Creates the history tables in every selected environment and registers it under its name. May be run again.
 * `mayRename` registers a database anew that was initialised as another environment; `allow` holds codes of findings that
 * do not block.
 */
export async function init(
  project: Project,
  options: { readonly mayRename: boolean; readonly allow: ReadonlySet<string> },
  ports: InitPorts,
): Promise<InitReport> {
  const wanted = selectEnvironments(project)
  await using seen = await survey(project, wanted, readFolders(project, wanted), ports.emit, ports.signal)
  refuseUnreadable(seen.sights)
  refuseMixUps(seen.sights, options)
  const reachable = seen.sights.filter((sight) => sight.isReachable)

  const unregistered = reachable.filter(
    ({ environment, reading }) => environment.protected && reading.initialisedAs !== ownerOf(environment),
  )
  const findings = [
    ...allowFindings(
      reachable.flatMap((sight) => sight.reading.findings),
      options.allow,
    ),
    ...(await confirmEach(
      unregistered,
      (sight) => sight.environment,
      (_, owner) => `create the history tables in ${owner}`,
      ports.confirm,
    )),
  ]
  if (findings.some(isBlocking)) {
    return {
      environments: reachable.map(({ environment }) => ({ environment, status: 'skipped', error: null })),
      findings,
    }
  }

  const environments: InitReport['environments'][number][] = []
  let hasFailed = false
  for (const group of groupByOwner(reachable, (sight) => sight.environment)) {
    const results: InitReport['environments'] = hasFailed
      ? group.map(({ environment }) => ({ environment, status: 'skipped' as const, error: null }))
      : await Promise.all(group.map((sight) => prepare(sight, options, ports.signal)))
    environments.push(...results)
    hasFailed ||= results.some(({ status }) => status === 'failed')
  }
  return { environments, findings }
}

async function prepare(
  { environment, connection }: Extract<Sight, { isReachable: true }>,
  { mayRename }: { readonly mayRename: boolean },
  signal: AbortSignal,
): Promise<InitReport['environments'][number]> {
  try {
    if (signal.aborted) throw interrupted(environment)
    const isNew = await connection.prepare({ rename: mayRename })
    return { environment, status: isNew ? 'initialised' : 'up-to-date', error: null }
  } catch (cause) {
    if (!(cause instanceof MigrationManagerError)) throw cause
    return { environment, status: 'failed', error: cause }
  }
}

function interrupted({ name }: Environment): MigrationManagerError {
  return new MigrationManagerError('run/interrupted', `The run was interrupted before it came to ${name}.`, {
    environment: name,
    hint: 'Run init again to go on.',
  })
}

/**
 * Writes the first files of a project whose folder holds no migrations yet; leaves alone what is there. Returns the
 * paths of the files that were written.
 */
export function scaffold(dir: string, cwd: string): readonly string[] {
  if (!hasNoMigrations(dir, cwd)) return []
  const folder = `${dir.replace(/[\\/]+$/, '')}/`
  const files = [
    { path: '.env.example', text: envExampleTemplate() },
    { path: 'deploy-migrations.sh', text: deployScriptTemplate(), isExecutable: true },
  ]
  return [
    ...(makeFolder(folder, cwd) ? [folder] : []),
    ...files.flatMap((file) => (writeNewFile(file, cwd) ? [file.path] : [])),
  ]
}
