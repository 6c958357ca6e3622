import { fleetIn } from '../../core/fleet.ts'
import { count } from './page.ts'
import type { Page } from './page.ts'

/** Of what is said of the databases of one fleet in the same words, so many are shown. */
const MOST_ALIKE = 3

/** What is said instead of a table when a shard is empty. */
export const EMPTY_SHARD = 'No database falls to this shard.'

/** One remark: which database it is about, if any, and what it has in common with those that say the same. */
export interface Remark {
  readonly environment: string | undefined
  readonly kind: string
  readonly text: string
}

/** The texts of remarks, in their order; of those that are alike and of one fleet a few, and how many more there are. */
export function tellFew(remarks: readonly Remark[], page: Page): readonly string[] {
  const groups = new Map<string, Remark[]>()
  for (const [index, remark] of remarks.entries()) {
    const fleet = page.all || remark.environment === undefined ? null : fleetIn(remark.environment)
    const key = JSON.stringify(fleet === null ? index : [fleet, remark.kind])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [remark])
    else group.push(remark)
  }
  return [...groups.values()].flatMap((group) => {
    const shown = group.slice(0, MOST_ALIKE).map(({ text }) => text)
    const hidden = group.length - shown.length
    if (hidden === 0) return shown
    const fleet = fleetIn(group[0]?.environment ?? '')
    return [
      ...shown,
      page.paint('dim', `… and the same in ${count(hidden, 'more database')} of ${fleet} (--all shows them)`),
    ]
  })
}
