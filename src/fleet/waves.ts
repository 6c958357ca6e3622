/** The first waves of a rollout; the last one is the rest. One database is looked at before ten, and ten before all. */
const FIRST_WAVES = [1, 10]

/** Cuts the databases of a fleet into waves, in their order: one, ten, the rest. None of them is empty. */
export function planWaves<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  const waves: (readonly Item[])[] = []
  let from = 0
  for (const size of [...FIRST_WAVES, items.length]) {
    if (from < items.length) waves.push(items.slice(from, from + size))
    from += size
  }
  return waves
}
