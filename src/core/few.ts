import { fleetIn } from './fleet.ts'

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
  const groups = new Map<string, { readonly fleet: string | null; readonly databases: Map<string, Item[]> }>()
  for (const [index, item] of items.entries()) {
    const { environment = '', kind } = describe(item)
    const fleet = fleetIn(environment)
    const key = JSON.stringify(fleet === null ? index : [fleet, kind])
    const group = groups.get(key) ?? { fleet, databases: new Map<string, Item[]>() }
    groups.set(key, group)
    group.databases.set(environment, [...(group.databases.get(environment) ?? []), item])
  }
  return [...groups.values()].map(({ fleet, databases }) => ({
    shown: [...databases.values()].slice(0, MOST_ALIKE).flat(),
    hidden: Math.max(0, databases.size - MOST_ALIKE),
    fleet,
  }))
}
