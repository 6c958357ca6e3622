import { comparePromotion } from '../core/environment.ts'
import type { Problem } from '../core/errors.ts'
import type { ConfigFile } from './config-file.ts'
import { connectionVariables, emptyVariables } from './connection.ts'
import { enumerate, firstProblems } from './excerpt.ts'
import { foldName, isEnvironmentName, namesIn, nearestName, urlVariableOf } from './names.ts'
import { unheardVariables } from './unheard.ts'
import { type Variables, originOf, valueOf } from './variables.ts'

/** Where names of environments can come from. */
export interface NameSources {
  readonly variables: Variables
  readonly config: ConfigFile
  /** The configuration file as given; null when there was none. */
  readonly configFile: string | null
  /** `--dir`. */
  readonly dir?: string | undefined
  /** The working directory. */
  readonly projectDir: string
  /** The folder above, where that looks like the project that was meant, and what it holds. */
  readonly projectAbove: { readonly dir: string; readonly holds: string } | null
  /** The schemes of connection strings. */
  readonly schemes: readonly string[]
}

/** Who takes part, and who does not. */
export interface Participants {
  /** In promotion order, those that are left out, or not configured, as well. */
  readonly names: readonly string[]
  /** Where the empty variable is that leaves one out, by name. */
  readonly leftOut: ReadonlyMap<string, string>
  /** What to say to whoever needs one that is listed and has no connection string, by name. */
  readonly unconfigured: ReadonlyMap<string, Problem>
}

/** Which environments a run was told to work on. */
export interface Wanted {
  /** By name, or because none is named. */
  readonly isNeeded: (name: string) => boolean
}

/**
 * Decides who takes part. What is wrong with the list of names is added to `problems`; that one of it has no connection
 * string only where it is needed, for a list may be committed, and not everybody can reach prod.
 */
export function takingPart(sources: NameSources, { isNeeded }: Wanted, problems: Problem[]): Participants {
  const { variables, config, configFile, schemes, dir } = sources
  const connections = connectionVariables(variables)
  const fromVariable = valueOf(variables, 'MIGRATION_ENVIRONMENTS')
  const named = fromVariable === undefined ? (config.environments ?? []).map(foldName) : namesIn(fromVariable)
  const origin =
    fromVariable === undefined ? `"environments" in ${configFile ?? ''}` : originOf(variables, 'MIGRATION_ENVIRONMENTS')
  const leftOut = emptyVariables(variables)
  const connected = new Set(connections.keys())
  // What is said elsewhere counts, whatever a variable that is nearly called so holds.
  const settled = new Set([
    ...(config.environments === undefined ? [] : ['MIGRATION_ENVIRONMENTS']),
    ...(dir === undefined && config.migrationsDir === undefined ? [] : ['MIGRATIONS_DIR']),
  ])
  const heard = { schemes, connected, listed: new Set(named), empty: new Set(leftOut.keys()), settled }
  const unheard = unheardVariables(variables, heard)
  problems.push(...unheard)
  if (named.length === 0) {
    // A file that could not be read is the cause; that nothing is configured would only distract from it.
    const isExplained = problems.some(({ code }) => code === 'config/unreadable-file')
    if (connections.size === 0 && unheard.length === 0 && !isExplained) problems.push(noEnvironment(sources))
    return {
      names: [...connections.keys(), ...leftOut.keys()].toSorted(comparePromotion),
      leftOut,
      unconfigured: new Map(),
    }
  }
  const counts = new Map<string, number>()
  for (const name of named) counts.set(name, (counts.get(name) ?? 0) + 1)
  // Who lists one wants it, or wants it to be asked before others: an empty one is then a secret that is missing.
  const lacking = new Set([...counts.keys()].filter((name) => !connections.has(name)))
  const isFault = (name: string): boolean => isNeeded(name) || !isEnvironmentName(name)
  const faults = [...counts].flatMap(([name, count]) => [
    ...(count > 1 ? [() => repeated(name, origin)] : []),
    ...(lacking.has(name) && isFault(name) ? [() => missing(name, origin, variables, connections.keys())] : []),
  ])
  const rest = (more: number): string => `${origin}: something is wrong with ${more} more names.`
  problems.push(...firstProblems(faults, (explain) => explain(), rest))
  const names = [...counts.keys()]
  if (faults.length === 0 && !names.some((name) => connections.has(name))) problems.push(noEnvironment(sources))
  return {
    names,
    leftOut: new Map(),
    unconfigured: new Map(
      // Nobody may ask for them, and there may be thousands: the nearest name is not looked for.
      [...lacking].filter((name) => !isFault(name)).map((name) => [name, missing(name, origin, variables, [])]),
    ),
  }
}

function repeated(name: string, origin: string): Problem {
  return {
    code: 'config/duplicate-name',
    message: `${origin} names ${shown(name)} more than once.`,
    hint: 'An environment has one place in the promotion order: remove the others.',
  }
}

function missing(name: string, origin: string, variables: Variables, known: Iterable<string>): Problem {
  if (!isEnvironmentName(name)) {
    return {
      code: 'config/bad-name',
      message: `${origin} holds something that cannot be the name of an environment.`,
      hint: 'Write names of letters, digits, - and _, with commas between them: dev,staging,prod.',
    }
  }
  const wanted = urlVariableOf(name)
  const nearest = nearestName(name, known)
  return {
    code: 'config/missing-url',
    message: `${origin} names ${name}, but ${wanted} is ${variables.has(wanted) ? 'empty' : 'not set'}.`,
    hint: `${nearest === undefined ? '' : `Did you mean ${nearest}? If not: `}Set ${wanted}, choose others with --env, or remove ${name} from the list.`,
  }
}

function noEnvironment({ variables, projectDir, projectAbove }: NameSources): Problem {
  const empty = [...emptyVariables(variables).values()]
  return {
    code: 'config/no-environment',
    message:
      empty.length === 0
        ? `No environment is configured in ${projectDir}: neither DATABASE_URL nor any <NAME>_DATABASE_URL is set.`
        : `No environment is configured in ${projectDir}: ${empty.join(', ')} ${empty.length === 1 ? 'is' : 'are'} set but empty.`,
    hint:
      (projectAbove === null ? '' : `${projectAbove.dir} has ${projectAbove.holds}: run it there. Else:\n`) +
      'Write them into a file .env, for example:\n' +
      'DATABASE_URL=postgres://postgres:password@localhost:5432/app\n' +
      "PROD_DATABASE_URL='postgres://postgres:password@db.example.com:5432/app'",
  }
}

/**
 * A problem for each of the wanted names that is none of `names`; of more than 10 for the first. `origin` says who
 * wanted them, `suggest` may know better than to look for the nearest name.
 */
export function unknownNames(
  origin: string,
  wanted: readonly string[],
  names: readonly string[],
  suggest?: (name: string) => string | undefined,
): readonly Problem[] {
  const known = new Set(names)
  const unknown = [...new Set(wanted)].filter((name) => !known.has(name))
  return firstProblems(
    unknown,
    (name) => {
      const better = suggest?.(name) ?? environmentBefore(name, known) ?? nearestName(name, names)
      return {
        code: 'config/unknown-environment',
        message: `${origin} names ${shown(name)}, which is no environment here.`,
        hint: `${better === undefined ? '' : `Did you mean ${better}? `}Configured: ${enumerate(names)}.`,
      }
    },
    (more) => `${origin} names ${more} more that are no environments here.`,
  )
}

/** What to write in place of one database of an environment, where only whole environments are named. */
function environmentBefore(name: string, names: ReadonlySet<string>): string | undefined {
  const [environment] = name.split('/')
  return environment !== name && environment !== undefined && names.has(environment) ? environment : undefined
}

/** A name from outside, for a message: of another form it could be anything. */
function shown(name: string): string {
  return isEnvironmentName(name) ? name : 'something'
}
