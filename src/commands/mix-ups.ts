import { ownerOf } from '../core/environment.ts'
import type { Environment } from '../core/environment.ts'
import type { Problem } from '../core/errors.ts'
import { groupBy } from '../core/grouping.ts'
import { describeTwins, pairTwins, throwProblems } from './same-database.ts'
import type { Sight } from './survey.ts'

/** Of many databases with the same fault, so many are named. */
const MOST_NAMED = 5

type ReadSight = Extract<Sight, { isReachable: true }>

/**
 * Refuses what would make every later word about these environments wrong: that two of them are one database, or, unless
 * `mayRename`, that one was initialised as another environment. Throws `target/same-database` or
 * `target/other-environment`; a `ProblemsError` where there are several.
 */
export function refuseMixUps(sights: readonly Sight[], options: { readonly mayRename: boolean }): void {
  const read = sights.filter((sight) => sight.isReachable)
  const twins = pairTwins(
    read,
    ({ environment }) => environment,
    ({ reading }) => reading.databaseId || undefined,
  )
  // A database in two places has the wrong name in one of them: that follows.
  throwProblems(twins.length > 0 || options.mayRename ? describeTwins(twins) : findStrangers(read))
}

/** Databases that were initialised as another environment, those of a fleet together. */
function findStrangers(sights: readonly ReadSight[]): readonly Problem[] {
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

function describeStranger(environment: Environment, registered: string): Problem {
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
): Problem {
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
