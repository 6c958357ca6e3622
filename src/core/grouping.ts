/** Items with the same key together, none of the groups empty; groups and items in the order in which they come. */
export function groupBy<Item>(
  items: readonly Item[],
  keyOf: (item: Item, index: number) => string,
): readonly (readonly [Item, ...Item[]])[] {
  const groups = new Map<string, [Item, ...Item[]]>()
  for (const [index, item] of items.entries()) {
    const key = keyOf(item, index)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return [...groups.values()]
}
