import { comparePromotion } from '../core/environment.ts'
import type { Problem } from '../core/errors.ts'
import type { ConfigFile } from './config-file.ts'
import { connectionVariables } from './connection.ts'
import { foldName, isEnvironmentName, namesIn, nearestName, urlVariableOf } from './names.ts'
import { type Variables, originOf, valueOf } from './variables.ts'

/** Where names of environments can come from. */
export interface NameSources {
  readonly variables: Variables
  readonly config: ConfigFile
  /** The configuration file as given; null when there was none. */
  readonly configFile: string | null
}

/** The names of those that take part, in promotion order. What is wrong with the list is added to `problems`. */
export function takingPart({ variables, config, configFile }: NameSources, problems: Problem[]): readonly string[] {
  const connections = connectionVariables(variables)
  const fromVariable = valueOf(variables, 'MIGRATION_ENVIRONMENTS')
  const named = fromVariable === undefined ? (config.environments ?? []).map(foldName) : namesIn(fromVariable)
  const origin =
    fromVariable === undefined ? `"environments" in ${configFile ?? ''}` : originOf(variables, 'MIGRATION_ENVIRONMENTS')
  if (named.length === 0) {
    // A file that could not be read is the cause; that nothing is configured would only distract from it.
    const isExplained = problems.some(({ code }) => code === 'config/unreadable-file')
    if (connections.size === 0 && !isExplained) problems.push(noEnvironment(variables))
    return [...connections.keys()].toSorted(comparePromotion)
  }
  for (const name of new Set(named)) {
    if (named.indexOf(name) !== named.lastIndexOf(name)) {
      problems.push({
        code: 'config/duplicate-name',
        message: `${origin} names ${shown(name)} more than once.`,
        hint: 'An environment has one place in the promotion order: remove the others.',
      })
    }
    if (connections.has(name)) continue
    if (!isEnvironmentName(name)) {
      problems.push({
        code: 'config/bad-name',
        message: `${origin} holds something that cannot be the name of an environment.`,
        hint: 'Write names of letters, digits, - and _, with commas between them: dev,staging,prod.',
      })
      continue
    }
    const wanted = urlVariableOf(name)
    const isEmpty = variables.has(wanted)
    const nearest = nearestName(name, connections.keys())
    problems.push({
      code: 'config/missing-url',
      message: `${origin} names ${name}, but ${wanted} is ${isEmpty ? 'empty' : 'not set'}.`,
      hint: `${nearest === undefined ? '' : `Did you mean ${nearest}? If not: `}Set ${wanted}, or remove ${name} from the list.`,
    })
  }
  return [...new Set(named)]
}

function noEnvironment(variables: Variables): Problem {
  const empty = [...variables].filter(([name]) => /(?:^|_)DATABASE_URL$/u.test(name)).map(([, { origin }]) => origin)
  return {
    code: 'config/no-environment',
    message:
      empty.length === 0
        ? 'No environment is configured: neither DATABASE_URL nor any <NAME>_DATABASE_URL is set.'
        : `No environment is configured: ${empty.join(', ')} ${empty.length === 1 ? 'is' : 'are'} set but empty.`,
    hint:
      'Write them into a file .env, for example:\n' +
      'DATABASE_URL=postgres://postgres:password@localhost:5432/app\n' +
      "PROD_DATABASE_URL='postgres://postgres:password@db.example.com:5432/app'",
  }
}

/** The names that `--env` chose. An empty `--env` is a problem: it comes from a variable that is not set, and is not all. */
export function selectNames(
  only: readonly string[] | undefined,
  names: readonly string[],
  problems: Problem[],
): ReadonlySet<string> {
  if (only === undefined || names.length === 0) return new Set(names)
  const wanted = only.flatMap(namesIn)
  if (wanted.length === 0) {
    problems.push({
      code: 'config/empty-option',
      message: '--env was given without a name.',
      hint: `Name one or several of ${names.join(', ')}, or leave --env out for all.`,
    })
  }
  problems.push(...unknownNames('--env', wanted, names))
  return new Set(wanted)
}

/** A problem for each of the wanted names that is none of `names`. `origin` says who wanted them. */
export function unknownNames(origin: string, wanted: readonly string[], names: readonly string[]): readonly Problem[] {
  return [...new Set(wanted)]
    .filter((name) => !names.includes(name))
    .map((name) => {
      const nearest = nearestName(name, names)
      return {
        code: 'config/unknown-environment',
        message: `${origin} names ${shown(name)}, which is no environment here.`,
        hint: `${nearest === undefined ? '' : `Did you mean ${nearest}? `}Configured: ${names.join(', ')}.`,
      }
    })
}

/** A name from outside, for a message: of another form it could be anything. */
function shown(name: string): string {
  return isEnvironmentName(name) ? name : 'something'
}
