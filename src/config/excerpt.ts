import type { Problem } from '../core/errors.ts'

/** A person mends so many, or finds a name among so many; more of them only push the first out of sight. */
const MOST = 10

/** Names with commas between them; of more than 10 the first, and how many more there are. */
export function enumerate(names: readonly string[]): string {
  const more = names.length - MOST
  return more > 0 ? `${names.slice(0, MOST).join(', ')} … and ${more} more` : names.join(', ')
}

/** A problem for each of the first 10 items; where there are more, `rest` says so in a last one. */
export function firstProblems<T>(
  items: readonly T[],
  explain: (item: T) => Problem,
  rest: (more: number) => string,
): readonly Problem[] {
  const told = items.slice(0, MOST).map(explain)
  const last = told.at(-1)
  const more = items.length - told.length
  return last === undefined || more === 0 ? told : [...told, { code: last.code, message: rest(more) }]
}
