import { resolve } from 'node:path'
import { type Environment, isProtectedByDefault } from '../core/environment.ts'
import { type Problem, ProblemsError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import { DEFAULT_LIMITS, type Limits } from '../core/policy.ts'
import type { LeftOut, Unconfigured } from '../core/project.ts'
import { connectionVariables, emptyVariables } from './connection.ts'
import { type Databases, type DatabaseSources, fleetsOf, listDatabases, readDatabases } from './databases.ts'
import { foldName, namesIn } from './names.ts'
import { type NameSources, takingPart, unknownNames } from './participants.ts'
import { environmentsIn, readSelection } from './selection.ts'
import { type Shard, isInShard } from './shard.ts'
import { originOf, valueOf } from './variables.ts'

/** All that a run is told from outside, besides its command. */
export interface Configuration {
  /**
   * All that take part, in promotion order; one for each database of an environment of many, in the order of its list.
   * Never empty.
   */
  readonly environments: readonly Environment[]
  /**
   * The names of those of `environments` that `--env` chose and that fall to the shard, in the same order; all of them
   * without either. Empty only where a shard leaves nothing of them, which means none and not all.
   */
  readonly selected: readonly string[]
  /** The environments of many databases that `--env` chose and of which none falls to the shard. */
  readonly emptied: readonly string[]
  /** Those that an empty variable leaves out, in promotion order. */
  readonly leftOut: readonly LeftOut[]
  /** Those that are listed and have no connection string, and that are not selected. */
  readonly unconfigured: readonly Unconfigured[]
  /** The schema of the history tables. */
  readonly schema: string
  readonly limits: Limits
  /** How many databases of one server are connected to at once; undefined where the file does not say. */
  readonly concurrency: number | undefined
  /** The files that were read, as given; null when there was none. */
  readonly envFile: string | null
  readonly configFile: string | null
  /** The value of any variable of the process or the `.env` file. Some are secrets: a function does not print them. */
  readonly variable: (name: string) => string | undefined
}

/** The schema of the history tables, if nothing else is said. */
export const DEFAULT_SCHEMA = 'public'

/** The folder of migration files, if nothing else is said. */
export const DEFAULT_FOLDER = 'database'

/** What the configuration is decided from. `projectDir` is the working directory. */
export interface Sources extends NameSources, DatabaseSources {
  /** The `.env` file as given; null when there was none. */
  readonly envFile: string | null
  /** `--dir` */
  readonly dir?: string | undefined
  /** `--env`, one or several names an item. */
  readonly only?: readonly string[] | undefined
  /** `--shard` */
  readonly shard?: Shard | undefined
  /** No database is connected to, and so no connection string is needed. */
  readonly isOffline?: boolean | undefined
  /** What went wrong before, to be told with the rest. */
  readonly problems: readonly Problem[]
}

/**
 * Decides the configuration: options win over variables, variables over the configuration file. Throws a `ProblemsError`
 * with everything that is wrong. No input and no output; the files are read by `loadConfiguration`.
 */
export function resolveConfiguration(sources: Sources): Configuration {
  const { variables, config } = sources
  const problems = [...sources.problems]
  const named = environmentsIn(sources.only)
  const isNeeded = (name: string): boolean => named?.has(name) ?? sources.isOffline !== true
  const isNamed = (name: string): boolean => named?.has(name) === true
  const { names: all, leftOut, unconfigured } = takingPart(sources, { isNeeded }, problems)
  const names = all.filter((name) => !leftOut.has(name))
  const missed = [...leftOut].filter(([name]) => isNamed(name))
  problems.push(...missed.map(([name, origin]) => chosenButEmpty(name, origin)))
  const variable = (name: string): string | undefined => variables.get(name)?.value
  const connections = connectionVariables(variables)
  const databases = new Map<string, Databases>()
  const unreadable: Problem[] = []
  for (const name of names) {
    const [content, ...others] = connections.get(name) ?? []
    if (content === undefined) continue
    const read = readDatabases(name, [content, ...others], sources, variable, unreadable)
    if (read !== null) databases.set(name, read)
  }
  const known = [...names, ...missed.map(([name]) => name)]
  const isSelected = readSelection(sources.only, known, fleetsOf(databases), problems)
  const isProtected = protection(sources, names, problems)
  const dirs = migrationsDirs(sources, problems)
  problems.push(...unreadable)
  const environments: Environment[] = []
  const selected: string[] = []
  const emptied: string[] = []
  for (const [order, environment] of all.entries()) {
    const listed = listDatabases(environment, databases.get(environment))
    const chosen = listed.filter(({ database }) => isSelected(environment, database))
    const ours = chosen.filter(
      ({ name, database }) => database === null || sources.shard === undefined || isInShard(name, sources.shard),
    )
    selected.push(...ours.map(({ name }) => name))
    if (ours.length === 0 && chosen.length > 0) emptied.push(environment)
    for (const { name, database, origin, connection } of listed) {
      environments.push({
        name,
        ...(database === null ? {} : { fleet: environment }),
        engine: connection.engine,
        endpoint: connection.parsed.endpoint,
        secrets: connection.parsed.secrets,
        protected: isProtected(environment),
        order,
        origin,
        ...dirs(environment),
      })
    }
  }
  const schema = historySchema(sources, problems)
  const [first, ...others] = problems
  if (first !== undefined) throw new ProblemsError([first, ...others])
  return {
    environments,
    selected,
    emptied,
    leftOut: describeLeftOut(all, leftOut, sources.only === undefined),
    unconfigured: all.flatMap((name, order) => {
      const problem = unconfigured.get(name)
      return problem === undefined ? [] : [{ order, problem }]
    }),
    schema,
    limits: { ...DEFAULT_LIMITS, ...config.limits },
    concurrency: config.concurrency,
    envFile: sources.envFile,
    configFile: sources.configFile,
    variable,
  }
}

function chosenButEmpty(name: string, origin: string): Problem {
  return {
    code: 'config/missing-url',
    message: `--env names ${name}, but ${origin} is set but empty.`,
    hint: 'A secret that is missing in a pipeline, or misspelt, arrives like this: set it, or choose others with --env.',
  }
}

function describeLeftOut(
  names: readonly string[],
  leftOut: ReadonlyMap<string, string>,
  isWanted: boolean,
): readonly LeftOut[] {
  return names.flatMap((name, order) => {
    const origin = leftOut.get(name)
    if (origin === undefined) return []
    const finding: Finding = {
      code: 'config/empty-variable',
      severity: 'warn',
      environment: name,
      message: `${origin} is set but empty: ${name} is left out.`,
      hint: `A secret that is missing in a pipeline, or misspelt, arrives like this. If it is meant, nothing is to be done. To have it refused: MIGRATION_ENVIRONMENTS=${names.join(',')}`,
    }
    return [{ order, isWanted, finding }]
  })
}

/** Who needs a confirmation. An empty `MIGRATION_PROTECTED` counts as not set: an unset CI variable must not open prod. */
function protection(
  { variables, config, configFile }: Sources,
  names: readonly string[],
  problems: Problem[],
): (name: string) => boolean {
  const given = valueOf(variables, 'MIGRATION_PROTECTED')
  // "$A,$B" with both unset names nobody either.
  const value = given !== undefined && namesIn(given).length > 0 ? given : undefined
  if (value === undefined && config.protected === undefined) return isProtectedByDefault
  const origin = value === undefined ? `"protected" in ${configFile ?? ''}` : originOf(variables, 'MIGRATION_PROTECTED')
  const listed = value === undefined ? (config.protected ?? []).map(foldName) : namesIn(value)
  // Who is protected may be committed, and said also where a database is out of reach.
  const known = [
    ...names,
    ...(config.environments ?? []).map(foldName),
    ...connectionVariables(variables).keys(),
    ...emptyVariables(variables).keys(),
  ]
  const isNone = value !== undefined && listed.length === 1 && listed[0] === 'none' && !names.includes('none')
  // Without any environment every name would be unknown, and that is not what is wrong.
  if (!isNone && names.length > 0) problems.push(...unknownNames(origin, listed, [...new Set(known)]))
  const isListed = new Set(listed)
  return (name) => isListed.has(name)
}

/** The folder of each environment: its own `<NAME>_MIGRATIONS_DIR`, else `--dir`, `MIGRATIONS_DIR`, the file, `database`. */
export function migrationsDirs(
  { variables, config, dir, projectDir }: Sources,
  problems: Problem[],
): (name: string) => Pick<Environment, 'migrationsDir' | 'migrationsDirOrigin'> {
  const own = new Map<string, { readonly dir: string; readonly origin: string }>()
  for (const [variable, { value, origin }] of variables) {
    const name = /^(?<name>[\w-]+)_MIGRATIONS_DIR$/u.exec(variable)?.groups?.['name']
    if (name !== undefined && value.trim() !== '') own.set(foldName(name), { dir: value.trim(), origin })
  }
  const shared = sharedFolder({ variables, config, dir }, problems)
  // Environments are compared where they run the same files, however their folder is written.
  const spellings = new Map([[resolve(projectDir, shared), shared]])
  return (name) => {
    const { dir: written, origin } = own.get(name) ?? { dir: shared, origin: undefined }
    const place = resolve(projectDir, written)
    const spelling = spellings.get(place) ?? written
    spellings.set(place, spelling)
    return { migrationsDir: spelling, ...(origin === undefined ? {} : { migrationsDirOrigin: origin }) }
  }
}

/** The folder of migration files of all environments that have none of their own. */
export function sharedFolder(
  { variables, config, dir }: Pick<Sources, 'variables' | 'config' | 'dir'>,
  problems: Problem[],
): string {
  // As a folder it would be the root of the file system.
  if (dir?.trim() === '') {
    problems.push({
      code: 'config/empty-option',
      message: '--dir was given without a folder.',
      hint: 'Name the folder of the migration files, or leave --dir out for database.',
    })
  }
  return dir ?? valueOf(variables, 'MIGRATIONS_DIR') ?? config.migrationsDir ?? DEFAULT_FOLDER
}

function historySchema({ variables, config, configFile }: Sources, problems: Problem[]): string {
  const value = valueOf(variables, 'MIGRATION_SCHEMA')
  const schema = value ?? config.schema ?? DEFAULT_SCHEMA
  // PostgreSQL cuts longer names off silently, and keeps these two kinds for itself (manual, "Schemas").
  const isReserved = schema.startsWith('pg_') || schema === 'information_schema'
  if (Buffer.byteLength(schema) > 63 || /\p{Cc}/u.test(schema) || isReserved) {
    const origin = value === undefined ? `"schema" in ${configFile ?? ''}` : originOf(variables, 'MIGRATION_SCHEMA')
    problems.push({
      code: 'config/bad-schema',
      message: `${origin} is not the name of a schema that can hold the history table.`,
      hint: 'Write a name of at most 63 bytes that does not begin with pg_, for example public.',
    })
  }
  return schema
}
