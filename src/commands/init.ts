import { isProtectedByDefault, ownerOf } from '../core/environment.ts'
import type { Environment } from '../core/environment.ts'
import type { Reading } from '../core/driver.ts'
import { MigrationManagerError } from '../core/errors.ts'
import type { Emit } from '../core/event.ts'
import { allowFindings, isBlocking } from '../core/finding.ts'
import type { Finding } from '../core/finding.ts'
import type { Project } from '../core/project.ts'
import { hasNoMigrations, makeFolder, writeNewFile } from '../sources/scaffold.ts'
import { deployScriptTemplate, envExampleTemplate } from '../sources/template.ts'
import { confirmEach } from './confirmation.ts'
import type { Confirm } from './confirmation.ts'
import { findLeftOut } from './left-out.ts'
import { refuseMixUps } from './mix-ups.ts'
import { allEnvironments, groupByOwner, selectEnvironments } from './selection.ts'
import { refuseUnreadable } from './sound-survey.ts'
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
    /** The other environment that it was registered as before; null where it was none. */
    readonly formerly: string | null
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
  // Who gives a database a new name must not take it from an environment that it still is.
  const looked = options.mayRename ? allEnvironments(project) : wanted
  await using seen = await survey(project, looked, readFolders(project, wanted), ports.emit, ports.signal)
  const isWanted = new Set(wanted)
  const sights = seen.sights.filter(({ environment }) => isWanted.has(environment))
  refuseUnreadable(sights)
  refuseMixUps(seen.sights, options)
  const reachable = sights.filter((sight) => sight.isReachable)

  const toAsk = reachable.filter(({ environment, reading }) => {
    // What is registered may have lost its tables all the same, and they are made anew.
    if (reading.initialisedAs === ownerOf(environment) && !hasLostHistory(reading)) return false
    const former = formerOwner(environment, reading)
    return environment.protected || (former !== null && options.mayRename && isProtected(project, former))
  })
  const findings = [
    ...findLeftOut(project, 'selected'),
    ...allowFindings(
      reachable.flatMap((sight) => sight.reading.findings),
      options.allow,
      // An empty history takes nothing away from one that is lost.
    ).map((finding) => (finding.code === 'history/lost' ? { ...finding, severity: 'warn' as const } : finding)),
    ...(await confirmEach(toAsk, (sight) => sight.environment, describeWork, ports.confirm)),
  ]
  if (findings.some(isBlocking)) {
    return {
      environments: reachable.map(skipped),
      findings,
    }
  }

  const environments: InitReport['environments'][number][] = []
  let hasFailed = false
  for (const group of groupByOwner(reachable, (sight) => sight.environment)) {
    const results: InitReport['environments'] = hasFailed
      ? group.map(skipped)
      : await Promise.all(group.map((sight) => prepare(sight, options, ports.signal)))
    environments.push(...results)
    hasFailed ||= results.some(({ status }) => status === 'failed')
  }
  return { environments, findings }
}

type ReadSight = Extract<Sight, { isReachable: true }>

function skipped({ environment }: ReadSight): InitReport['environments'][number] {
  return { environment, status: 'skipped', formerly: null, error: null }
}

function hasLostHistory({ findings }: Reading): boolean {
  return findings.some(({ code }) => code === 'history/lost')
}

/** The other environment that a database is registered as; null where it is none. */
function formerOwner(environment: Environment, { initialisedAs }: Reading): string | null {
  return initialisedAs === ownerOf(environment) ? null : initialisedAs
}

function isProtected({ environments }: Project, owner: string): boolean {
  const configured = environments.find((environment) => ownerOf(environment) === owner)
  return configured?.protected ?? isProtectedByDefault(owner)
}

/** For a question. */
function describeWork(group: readonly ReadSight[], owner: string): string {
  const former = group
    .map(({ environment, reading }) => formerOwner(environment, reading))
    .find((name) => name !== null)
  return former === undefined
    ? `create the history tables in ${owner}`
    : `register as ${owner} what was initialised as ${former}`
}

async function prepare(
  { environment, connection, reading }: ReadSight,
  { mayRename }: { readonly mayRename: boolean },
  signal: AbortSignal,
): Promise<InitReport['environments'][number]> {
  try {
    if (signal.aborted) throw interrupted(environment)
    const isNew = await connection.prepare({ rename: mayRename })
    const formerly = isNew ? formerOwner(environment, reading) : null
    return { environment, status: isNew ? 'initialised' : 'up-to-date', formerly, error: null }
  } catch (cause) {
    if (!(cause instanceof MigrationManagerError)) throw cause
    return { environment, status: 'failed', formerly: null, error: cause }
  }
}

function interrupted({ name }: Environment): MigrationManagerError {
  return new MigrationManagerError('run/interrupted', `The run was interrupted before it came to ${name}.`, {
    environment: name,
    hint: 'Run init again to go on.',
  })
}

/**
 * Makes the folders of the selected environments that are not there yet; where nothing is configured (`project` is null),
 * `sharedDir`. Of a project that holds no migrations at all it also writes the first files. Leaves alone what is there.
 * Returns the paths of what was written, folders with `/` behind them.
 */
export function scaffold(project: Project | null, sharedDir: string, cwd: string): readonly string[] {
  const all = project === null ? [sharedDir] : dirsOf(project.environments)
  const wanted = project === null ? [sharedDir] : dirsOf(selectEnvironments(project))
  const isNew = wanted.length > 0 && all.every((dir) => hasNoMigrations(dir, cwd))
  const files = [
    { path: '.env.example', text: envExampleTemplate() },
    { path: 'deploy-migrations.sh', text: deployScriptTemplate(), isExecutable: true },
  ]
  return [
    ...wanted.map((dir) => `${dir.replace(/[\\/]+$/, '')}/`).filter((folder) => makeFolder(folder, cwd)),
    ...(isNew ? files : []).flatMap((file) => (writeNewFile(file, cwd) ? [file.path] : [])),
  ]
}

function dirsOf(environments: readonly Environment[]): readonly string[] {
  return [...new Set(environments.map(({ migrationsDir }) => migrationsDir))]
}
