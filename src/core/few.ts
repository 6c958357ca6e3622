import type { Problem } from './errors.ts'
import type { Finding } from './finding.ts'
import { fleetIn } from './fleet.ts'
import { groupBy } from './grouping.ts'

/** Of the databases of one fleet that are alike, so many are shown. */
const MOST_ALIKE = 3

/** What is said of a database: which one it is about, if any, and what it has in common with what is alike of others. */
export interface Likeness {
  readonly environment: string | undefined
  readonly kind: string
}

/** Findings are alike that say the same of the same place in the same migration. */
export function likenessOfFinding({ environment, severity, code, migration, at }: Finding): Likeness {
  return { environment, kind: `${severity} ${code} ${migration ?? ''} ${at?.line ?? ''}` }
}

/** Errors are alike that have the same codes. */
export function likenessOfError({ environment, code, engineCode }: Problem): Likeness {
  return { environment, kind: `${code} ${engineCode ?? ''}` }
}

/** The database that an error is about, where it is one of a fleet: what a server says of one of many does not name it. */
export function databaseOf({ environment }: Problem): string | undefined {
  return environment === undefined || fleetIn(environment) === null ? undefined : environment
}

/** Items of one fleet that are alike, or one item that is like no other. */
export interface Few<Item> {
  /** All items of the first few databases. */
  readonly shown: readonly Item[]
  /** How many databases are left out. */
  readonly hidden: number
  /** The fleet's name; null for an item of its own. */
  readonly fleet: string | null
}

/**
 * Puts together what is alike in the databases of one fleet, in the order in which it comes: a thousand times the same is
 * told of a few databases and counted in the others. `describe` says what makes an item like others.
 */
export function chooseFew<Item>(items: readonly Item[], describe: (item: Item) => Likeness): readonly Few<Item>[] {
  const described = items.map((item, index) => {
    const { environment = '', kind } = describe(item)
    const fleet = fleetIn(environment)
    return { item, environment, fleet, key: JSON.stringify(fleet === null ? index : [fleet, kind]) }
  })
  return groupBy(described, ({ key }) => key).map((group) => {
    const databases = groupBy(group, ({ environment }) => environment)
    return {
      shown: databases.slice(0, MOST_ALIKE).flatMap((own) => own.map(({ item }) => item)),
      hidden: Math.max(0, databases.length - MOST_ALIKE),
      fleet: group[0].fleet,
    }
  })
}
