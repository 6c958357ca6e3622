import type { Environment } from '../core/environment.ts'
import { ownerOf } from '../core/environment.ts'
import type { Finding } from '../core/finding.ts'
import type { TargetPlan } from './plan.ts'
import { groupByOwner } from './selection.ts'

/** Asks whether a protected environment may be written to; `what` says what is about to be done. */
export type Confirm = (environment: Environment, what: string) => Promise<'yes' | 'declined' | 'cannot-ask'>

/**
 * All questions come before the first write, so that a "no" leaves every environment as it was. A fleet is asked for
 * once.
 */
export async function confirmAll(targets: readonly TargetPlan[], confirm: Confirm): Promise<readonly Finding[]> {
  const busy = targets.filter(({ sight, plan }) => sight.environment.protected && plan.steps.length > 0)
  return confirmEach(busy, ({ sight }) => sight.environment, describeWork, confirm)
}

/** Asks once for each environment of the items, until one is not confirmed: its refusal is returned. */
export async function confirmEach<Item>(
  items: readonly Item[],
  environmentOf: (item: Item) => Environment,
  describe: (group: readonly [Item, ...Item[]], owner: string) => string,
  confirm: Confirm,
): Promise<readonly Finding[]> {
  for (const group of groupByOwner(items, environmentOf)) {
    const environment = environmentOf(group[0])
    const owner = { ...environment, name: ownerOf(environment) }
    const answer = await confirm(owner, describe(group, owner.name))
    if (answer !== 'yes') return [refusal(owner, answer)]
  }
  return []
}

/** What is about to be done to one environment, for a question. */
function describeWork(group: readonly [TargetPlan, ...TargetPlan[]], owner: string): string {
  const most = Math.max(...group.map(({ plan }) => plan.steps.length))
  const count = most === 1 ? '1 migration' : `${most} migrations`
  const isFleet = group[0].sight.environment.fleet !== undefined
  const where = isFleet ? `${group.length === 1 ? '1 database' : `${group.length} databases`} of ${owner}` : owner
  const isEqual = group.every(({ plan }) => plan.steps.length === most)
  const what = isEqual ? count : `up to ${count}`
  const isRevert = group[0].plan.steps.some(({ kind }) => kind === 'revert')
  return isRevert ? `take ${what} back in ${where}` : `apply ${what} to ${where}`
}

/**
 * The finding that stands for a confirmation that was not given. `alone` says why one is needed where no other environment
 * is worked on, so that this one cannot be left out.
 */
export function refusal(environment: Environment, answer: 'declined' | 'cannot-ask', alone?: string): Finding {
  // A database that belonged to a protected environment is asked for under its new name, which may be open.
  const why = alone ?? `${environment.name} ${environment.protected ? 'is protected' : 'must be confirmed'}`
  return {
    code: answer === 'declined' ? 'policy/declined' : 'policy/confirmation-needed',
    severity: 'block',
    environment: environment.name,
    message:
      answer === 'declined' ? `${environment.name} was not confirmed.` : `${why}, and nobody is here to confirm.`,
    hint:
      answer === 'declined'
        ? 'Nothing was written anywhere. Run again to be asked again.'
        : `Nothing was written anywhere. Say --yes to confirm in advance${alone === undefined ? ', or leave it out with --env' : ''}.`,
  }
}
