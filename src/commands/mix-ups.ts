import { ownerOf } from '../core/environment.ts'
import type { Environment } from '../core/environment.ts'
import { MigrationManagerError, ProblemsError } from '../core/errors.ts'
import type { ErrorCode } from '../core/errors.ts'
import { groupBy } from '../core/grouping.ts'
import type { Sight } from './survey.ts'

/** Of many databases with the same fault, so many are named. */
const MOST_NAMED = 5

type ReadSight = Extract<Sight, { isReachable: true }>

interface MixUp {
  readonly code: ErrorCode
  readonly environment: string
  readonly message: string
  readonly hint: string
}

/**
 * Refuses what would make every later word about these environments wrong: that two of them are one database, or, unless
 * `mayRename`, that one was initialised as another environment. Throws `target/same-database` or
 * `target/other-environment`; a `ProblemsError` where there are several.
 */
export function refuseMixUps(sights: readonly Sight[], options: { readonly mayRename: boolean }): void {
  const read = sights.filter((sight) => sight.isReachable)
  const twins = findTwins(read)
  // A database in two places has the wrong name in one of them: that follows.
  const [first, ...others] = twins.length > 0 || options.mayRename ? twins : findStrangers(read)
  if (first === undefined) return
  if (others.length > 0) throw new ProblemsError([first, ...others])
  throw new MigrationManagerError(first.code, first.message, { environment: first.environment, hint: first.hint })
}

/** Two names for one database; of the databases of two fleets one pair is named. */
function findTwins(sights: readonly ReadSight[]): readonly MixUp[] {
  const known = new Map<string, Environment>()
  const pairs: { readonly one: Environment; readonly other: Environment }[] = []
  for (const { environment, reading } of sights) {
    const twin = reading.databaseId === '' ? undefined : known.get(reading.databaseId)
    if (twin === undefined) known.set(reading.databaseId, environment)
    else pairs.push({ one: twin, other: environment })
  }
  return groupBy(pairs, ({ one, other }) => JSON.stringify([ownerOf(one), ownerOf(other)])).map((group): MixUp => {
    const [{ one, other }] = group
    const more = group.length - 1
    const rest = more === 0 ? '' : ` So are ${more} more of ${ownerOf(one)} and ${ownerOf(other)}.`
    return {
      code: 'target/same-database',
      environment: other.name,
      message: `${one.name} and ${other.name} are the same database.${rest}`,
      hint: `Give each its own: look at ${one.origin} and ${other.origin}.`,
    }
  })
}

/** Databases that were initialised as another environment, those of a fleet together. */
function findStrangers(sights: readonly ReadSight[]): readonly MixUp[] {
  const strangers = sights.filter(
    ({ environment, reading }) => reading.initialisedAs !== null && reading.initialisedAs !== ownerOf(environment),
  )
  const owners = new Set(sights.map(({ environment }) => ownerOf(environment)))
  return groupBy(strangers, ({ environment, reading }) =>
    JSON.stringify([ownerOf(environment), reading.initialisedAs]),
  ).map((group) => {
    const [{ environment, reading }] = group
    const registered = reading.initialisedAs ?? ''
    if (environment.fleet === undefined) return describeStranger(environment, registered)
    const own = sights.filter((sight) => ownerOf(sight.environment) === environment.fleet)
    return describeListed(
      group.map((sight) => sight.environment),
      environment.fleet,
      own.length,
      registered,
      owners.has(registered),
    )
  })
}

function describeStranger(environment: Environment, registered: string): MixUp {
  const { name, origin } = environment
  return {
    code: 'target/other-environment',
    environment: name,
    message: `The database of ${name} was initialised as ${registered}.`,
    hint: `Is the connection string in ${origin} the right one? If this database is ${name} from now on (a copy, or a new name), say so: migration-manager init --env ${name} --allow target/other-environment`,
  }
}

/** A list that holds another environment's databases is mostly the wrong list, and seldom a new name for all of them. */
function describeListed(
  strangers: readonly Environment[],
  fleet: string,
  size: number,
  registered: string,
  isKnown: boolean,
): MixUp {
  const names = strangers.map(({ name }) => name)
  const shown = names.slice(0, MOST_NAMED)
  const rest = names.length > shown.length ? ` and ${names.length - shown.length} more` : ''
  const places = strangers.slice(0, MOST_NAMED).map(({ origin }) => origin)
  const anew = `If ${names.length === 1 ? 'it is' : 'they are'} ${fleet}'s from now on, say so: migration-manager init --env ${names.length === size ? fleet : shown.join(',')} --allow target/other-environment`
  return {
    code: 'target/other-environment',
    environment: shown[0] ?? fleet,
    message:
      names.length === 1
        ? `The database ${shown.join()} was initialised as ${registered}.`
        : `${names.length} of the ${size} databases of ${fleet} were initialised as ${registered}: ${shown.join(', ')}${rest}.`,
    hint: `${names.length === 1 ? 'Does it' : 'Do they'} stand in the wrong list? Take out what is not ${fleet}'s: ${places.join('; ')}.${isKnown ? '' : ` ${anew}`}`,
  }
}
