import { chooseFew } from '../../core/few.ts'
import type { Likeness } from '../../core/few.ts'
import { count } from './page.ts'
import type { Page } from './page.ts'

/** What is said instead of a table when a shard is empty. */
export const EMPTY_SHARD = 'No database falls to this shard.'

/** One remark, and what makes others like it. */
export interface Remark extends Likeness {
  readonly text: string
}

/** The texts of remarks, in their order; of databases of a fleet that are alike a few, and how many more there are. */
export function tellFew(remarks: readonly Remark[], page: Page): readonly string[] {
  if (page.all) return remarks.map(({ text }) => text)
  return chooseFew(remarks, (remark) => remark).flatMap(({ shown, hidden, fleet }) => [
    ...shown.map(({ text }) => text),
    ...(hidden === 0
      ? []
      : [page.paint('dim', `… and the same in ${count(hidden, 'more database')} of ${fleet} (--all shows them)`)]),
  ])
}
