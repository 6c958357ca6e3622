import { randomUUID } from 'node:crypto'
import { userInfo } from 'node:os'
import type { CheckedFolder, CheckPorts } from '../commands/check.ts'
import type { Confirm } from '../commands/confirmation.ts'
import { readCiRun } from '../config/ci.ts'
import { loadConfiguration, loadFolder, loadNewFolder } from '../config/configuration.ts'
import type { ConfigurationInput } from '../config/configuration.ts'
import { listOfPlace } from '../config/database-list.ts'
import { DEFAULT_SCHEMA } from '../config/resolution.ts'
import type { Configuration } from '../config/resolution.ts'
import type { Check } from '../core/check.ts'
import type { Actor } from '../core/driver.ts'
import { nameFolderOptions, ownerOf } from '../core/environment.ts'
import { ProblemsError } from '../core/errors.ts'
import type { Emit } from '../core/event.ts'
import { groupBy } from '../core/grouping.ts'
import { DEFAULT_LIMITS } from '../core/policy.ts'
import type { Project } from '../core/project.ts'
import { createThrowAway, DEFAULT_ENGINE, driverOf, engineOfScheme, ENGINES } from '../drivers/index.ts'
import { readCommit } from '../sources/git-commit.ts'
import type { GlobalOptions, Verb } from './options.ts'
import { count } from './output/page.ts'
import type { Terminal } from './output/terminal.ts'

/** All that a command of the command line works with; made here, once a run. */
export interface Run {
  readonly options: GlobalOptions
  readonly cwd: string
  readonly terminal: Terminal
  readonly signal: AbortSignal
  readonly confirm: Confirm
  readonly emit: Emit
  readonly checks: readonly Check[]
  /** Checks of an atomic sync, in addition. */
  readonly atomicChecks: readonly Check[]
  /** All verbs there are. */
  readonly verbs: readonly Verb[]
  /** The environments and everything else that is configured. Throws `ProblemsError`. */
  project(): Promise<Project>
  /** Somebody expects to be told how a run ends (`MIGRATION_WEBHOOK_URL` is set); false before `project` was called. */
  isAlertExpected(): boolean
  /** The folder of migration files, for commands that need no environment. */
  folder(): Promise<string>
  /** The folder that a new migration file belongs into. Throws `ProblemsError`. */
  newFolder(): Promise<string>
  /** What a rehearsal works with: the folders of all environments, or the one folder where no environment is configured. */
  rehearsal(): Promise<{ readonly folders: readonly CheckedFolder[]; readonly ports: CheckPorts }>
}

export interface Surroundings {
  readonly verbs: readonly Verb[]
  readonly options: GlobalOptions
  readonly terminal: Terminal
  readonly signal: AbortSignal
  readonly confirm: Confirm
}

/** Puts the parts together: the only place that chooses drivers, checks and reporters. */
export function wire({ options, terminal, signal, confirm, verbs }: Surroundings): Run {
  const cwd = process.cwd()
  const input: ConfigurationInput = {
    env: process.env,
    cwd,
    envFile: options.envFile,
    configFile: options.config,
    dir: options.dir,
    only: options.env,
    shard: options.shard,
    parseUrl: (scheme) => {
      const engine = engineOfScheme(scheme)
      return engine === undefined ? undefined : { engine: engine.driver.engine, parse: engine.parse }
    },
    schemes: Object.values(ENGINES).flatMap(({ schemes }) => schemes),
    onSecrets: (secrets) => terminal.hide(secrets),
  }
  const checks = [content('checkContent')]
  let isAlertExpected = false
  return {
    options,
    cwd,
    terminal,
    signal,
    confirm,
    emit: (event) => terminal.report(event),
    checks,
    atomicChecks: [content('checkAtomicContent')],
    verbs,
    async project() {
      const configuration = await loadConfiguration(input)
      terminal.hide(configuration.environments.flatMap(({ secrets }) => secrets))
      isAlertExpected = (configuration.variable('MIGRATION_WEBHOOK_URL') ?? '').trim() !== ''
      if (options.verbose) terminal.writer.writeProgress(`${describeOrigins(configuration)}\n`)
      return {
        cwd,
        environments: configuration.environments,
        // A shard may leave none of them, and null means all.
        selected: options.env === undefined && options.shard === undefined ? null : configuration.selected,
        shard: options.shard === undefined ? undefined : { ...options.shard, emptied: configuration.emptied },
        leftOut: configuration.leftOut,
        unconfigured: configuration.unconfigured,
        historySchema: configuration.schema,
        limits: configuration.limits,
        concurrency: options.concurrency ?? configuration.concurrency,
        runId: randomUUID(),
        actor: whoRunsThis(cwd, configuration),
        driverOf,
      }
    },
    isAlertExpected: () => isAlertExpected,
    folder: () => loadFolder(input),
    newFolder: () => loadNewFolder(input),
    async rehearsal() {
      const configuration = await loadConfiguration({ ...input, isOffline: true }).catch(refuseUnlessUnconfigured)
      const chosen = new Set(configuration?.selected)
      const folders = configuration?.environments
        .filter(({ name }) => options.env === undefined || chosen.has(name))
        .map((environment) => ({
          dir: environment.migrationsDir,
          engine: environment.engine,
          options: nameFolderOptions([environment]),
        }))
      return {
        folders: uniqueFolders(
          folders ?? [{ dir: await loadFolder(input), engine: DEFAULT_ENGINE, options: nameFolderOptions([]) }],
        ),
        ports: {
          cwd,
          historySchema: configuration?.schema ?? DEFAULT_SCHEMA,
          limits: configuration?.limits ?? DEFAULT_LIMITS,
          runId: randomUUID(),
          driverOf,
          createThrowAway: (engine) => createThrowAway(engine, cwd),
          checks,
          // What is rehearsed is told by the rehearsal; what happens in its database is nobody's business.
          emit: (event) => event.type === 'waiting' && terminal.report(event),
          signal,
        },
      }
    },
  }
}

/** Rehearsing needs no environment: that there is none is no reason to stop. Throws everything else again. */
function refuseUnlessUnconfigured(cause: unknown): null {
  if (cause instanceof ProblemsError && cause.problems.every(({ code }) => code === 'config/no-environment'))
    return null
  throw cause
}

function uniqueFolders(folders: readonly CheckedFolder[]): readonly CheckedFolder[] {
  return folders.filter(
    ({ dir, engine }, index) => folders.findIndex((other) => other.dir === dir && other.engine === engine) === index,
  )
}

/** A check of the files' text; what reads it is loaded when there is a text to read. */
function content(name: 'checkContent' | 'checkAtomicContent'): Check {
  return async (plan, environment, reading, plans) => {
    if (plan.steps.length === 0) return []
    const checks = await import('../lint/engines.ts')
    return checks[name](plan, environment, reading, plans)
  }
}

/** Where each environment comes from, one line for all databases of a fleet; never the connection string itself. */
function describeOrigins({ environments, configFile }: Configuration): string {
  const lines = groupBy(environments, ownerOf).map((group) => {
    const [{ fleet, origin, migrationsDir, protected: isProtected }] = group
    const from = fleet === undefined ? origin : `${listOfPlace(origin)}, ${count(group.length, 'database')}`
    const engines = [...new Set(group.map(({ engine }) => engine))].join(' and ')
    return `${ownerOf(group[0])}: ${from}, ${engines}, files in ${migrationsDir}${isProtected ? ', protected' : ''}`
  })
  return [...lines, ...(configFile === null ? [] : [`settings: ${configFile}`])].join('\n')
}

function whoRunsThis(cwd: string, { environments }: Configuration): Actor {
  const { url, job } = readCiRun(process.env)
  const gitCommit = readCommit(cwd)
  let isDirty: Promise<boolean | null> | undefined
  return {
    osUser: userName(),
    gitCommit,
    ciRun: url,
    ciJob: job,
    isTreeDirty: () => (isDirty ??= askForDirt(gitCommit, cwd, environments)),
  }
}

/** How long git may take to say whether the files are what was committed, in milliseconds; a run waits for it. */
const DIRTY_MS = 2_000

async function askForDirt(
  gitCommit: string | null,
  cwd: string,
  environments: Configuration['environments'],
): Promise<boolean | null> {
  if (gitCommit === null) return null
  const { isFolderDirty } = await import('../sources/git-tree.ts')
  const dirs = [...new Set(environments.map(({ migrationsDir }) => migrationsDir))]
  const answers = await Promise.all(dirs.map((dir) => isFolderDirty(dir, cwd, DIRTY_MS)))
  return answers.includes(true) ? true : answers.includes(null) ? null : false
}

function userName(): string | null {
  try {
    return userInfo().username
  } catch {
    // A container's uid need not have a name.
    return null
  }
}
