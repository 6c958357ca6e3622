import { ownerOf } from '../core/environment.ts'
import type { Environment } from '../core/environment.ts'
import { MigrationManagerError, ProblemsError } from '../core/errors.ts'
import type { Problem } from '../core/errors.ts'
import { groupBy } from '../core/grouping.ts'
import type { Project } from '../core/project.ts'

/** Two environments that are one database. */
export interface Twins {
  readonly one: Environment
  readonly other: Environment
}

/** Those of these environments that are one database, by what `identityOf` says of each; undefined is like no other. */
export function pairTwins<Item>(
  items: readonly Item[],
  environmentOf: (item: Item) => Environment,
  identityOf: (item: Item) => string | undefined,
): readonly Twins[] {
  const known = new Map<string, Environment>()
  const twins: Twins[] = []
  for (const item of items) {
    const identity = identityOf(item)
    if (identity === undefined) continue
    const one = known.get(identity)
    if (one === undefined) known.set(identity, environmentOf(item))
    else twins.push({ one, other: environmentOf(item) })
  }
  return twins
}

/**
 * Refuses a run on environments that are, by their connection strings alone, the same database as another one that is
 * configured: that one is not read, and only this tells that what is meant for one of them would be written to both.
 * That several ways lead to one database is found when it is read. Connects to nothing. Throws `target/same-database`.
 */
export function refuseTwins(project: Project, environments: readonly Environment[]): void {
  const isLookedAt = new Set(environments)
  const twins = pairTwins(
    project.environments,
    (environment) => environment,
    (environment) => {
      const database = project.driverOf(environment.engine).databaseOf?.(environment)
      return database === undefined ? undefined : JSON.stringify([environment.engine, database])
    },
  )
  throwProblems(describeTwins(twins.filter(({ one, other }) => isLookedAt.has(one) || isLookedAt.has(other))))
}

/** What is wrong with two names for one database; of the databases of two fleets one pair is named. */
export function describeTwins(twins: readonly Twins[]): readonly Problem[] {
  return groupBy(twins, ({ one, other }) => JSON.stringify([ownerOf(one), ownerOf(other)])).map((group): Problem => {
    const [{ one, other }] = group
    const more = group.length - 1
    const rest = more === 0 ? '' : ` So are ${more} more of ${ownerOf(one)} and ${ownerOf(other)}.`
    return {
      code: 'target/same-database',
      environment: other.name,
      message: `${one.name} and ${other.name} are the same database.${rest}`,
      hint: `Give each its own: look at ${one.origin} and ${other.origin}.${othersOut({ one, other })}`,
    }
  })
}

/** A second way to one database, past its pooler say, is no environment; two databases of one list both are its own. */
function othersOut({ one, other }: Twins): string {
  return ownerOf(one) === ownerOf(other)
    ? ''
    : ' If one of them is not for migrations, list in MIGRATION_ENVIRONMENTS the environments that take part.'
}

/** Throws what is wrong, if anything is; several things together. */
export function throwProblems(problems: readonly Problem[]): void {
  const [first, ...others] = problems
  if (first === undefined) return
  if (others.length > 0) throw new ProblemsError([first, ...others])
  throw new MigrationManagerError(first.code, first.message, { environment: first.environment, hint: first.hint })
}
