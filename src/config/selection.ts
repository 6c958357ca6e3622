import type { Problem } from '../core/errors.ts'
import { isDatabaseName } from './database-list.ts'
import { enumerate, firstProblems } from './excerpt.ts'
import { foldName, nearestName } from './names.ts'
import { unknownNames } from './participants.ts'

/**
 * The databases of each environment by their names; null for an environment of one database. An environment that
 * something is wrong with is missing.
 */
export type Fleets = ReadonlyMap<string, ReadonlySet<string> | null>

/** Whether `--env` chose a database of an environment; of an environment of one database, it is null. */
export type IsSelected = (environment: string, database: string | null) => boolean

/** The environments that `--env` names, or of which it names a database; null where all are meant. */
export function environmentsIn(only: readonly string[] | undefined): ReadonlySet<string> | null {
  return only === undefined ? null : new Set(itemsOf(only).map((item) => readItem(item).environment))
}

function itemsOf(only: readonly string[]): readonly string[] {
  return only
    .flatMap((list) => list.split(','))
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

interface Wanted {
  readonly environment: string
  readonly database: string | null
}

/**
 * What `--env` chose of the environments `names`: `prod`, or `prod/acme` for one database of many. The part before the
 * slash is folded, the part behind it is exact. An empty `--env` is a problem: it comes from a variable that is not
 * set, and is not all.
 */
export function readSelection(
  only: readonly string[] | undefined,
  names: readonly string[],
  fleets: Fleets,
  problems: Problem[],
): IsSelected {
  if (only === undefined || names.length === 0) return () => true
  const wanted = itemsOf(only).map(readItem)
  if (wanted.length === 0) {
    problems.push({
      code: 'config/empty-option',
      message: '--env was given without a name.',
      hint: `Name one or several of ${enumerate(names)}, or leave --env out for all.`,
    })
  }
  const known = new Set(names)
  const strangers = wanted.filter(({ environment }) => !known.has(environment))
  problems.push(
    ...unknownNames(
      '--env',
      strangers.map(({ environment }) => environment),
      names,
      (name) => databaseCalled(name, fleets),
    ),
    ...unknownDatabases(
      wanted.filter(({ environment }) => known.has(environment)),
      fleets,
    ),
  )
  const whole = new Set(wanted.filter(({ database }) => database === null).map(({ environment }) => environment))
  const single = new Set(wanted.map(({ environment, database }) => `${environment}/${database ?? ''}`))
  return (environment, database) =>
    whole.has(environment) || (database !== null && single.has(`${environment}/${database}`))
}

function readItem(item: string): Wanted {
  const slash = item.indexOf('/')
  if (slash < 0) return { environment: foldName(item), database: null }
  return { environment: foldName(item.slice(0, slash)), database: item.slice(slash + 1).trim() }
}

/** Who writes `acme` may mean `prod/acme`. */
function databaseCalled(name: string, fleets: Fleets): string | undefined {
  for (const [environment, databases] of fleets) {
    if (databases?.has(name) === true) return `${environment}/${name}`
  }
  return undefined
}

function unknownDatabases(wanted: readonly Wanted[], fleets: Fleets): readonly Problem[] {
  const missing = wanted.flatMap(({ environment, database }) => {
    const databases = fleets.get(environment)
    const isKnown = database === null || databases === undefined || databases?.has(database) === true
    return isKnown ? [] : [{ environment, database, databases }]
  })
  const rest = (more: number): string => `--env names ${more} more databases that are not here.`
  return firstProblems(missing, (one) => unknownDatabase(one.environment, one.database, one.databases), rest)
}

function unknownDatabase(environment: string, database: string, databases: ReadonlySet<string> | null): Problem {
  const code = 'config/unknown-environment'
  // A name of another form could be anything.
  const shown = isDatabaseName(database) ? `${environment}/${database}` : `something behind ${environment}/`
  if (databases === null) {
    const message = `--env names ${shown}, but ${environment} is one database.`
    return { code, message, hint: `Write --env ${environment}.` }
  }
  const nearest = isDatabaseName(database) ? nearestName(database, databases) : undefined
  const suggestion = nearest === undefined ? '' : `Did you mean ${environment}/${nearest}? `
  return {
    code,
    message: `--env names ${shown}, which is no database of ${environment} here.`,
    hint: `${suggestion}${environment} has ${enumerate([...databases])}.`,
  }
}
