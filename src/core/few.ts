import { fleetIn } from './fleet.ts'
import { groupBy } from './grouping.ts'

/** Of the databases of one fleet that are alike, so many are shown. */
const MOST_ALIKE = 3

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
 * told of a few databases and counted in the others. `describe` says of an item which database it is about, if any, and
 * what it has in common with those that are alike.
 */
export function chooseFew<Item>(
  items: readonly Item[],
  describe: (item: Item) => { readonly environment: string | undefined; readonly kind: string },
): readonly Few<Item>[] {
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
