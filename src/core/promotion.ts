import type { Finding } from './finding.ts'
import type { Column } from './matrix.ts'
import type { Plan } from './plan.ts'

/**
 * Finds migrations that an environment would get although the one before it in the promotion order does not hold them,
 * and will not get them in this run either. Only environments that share a folder are in one order.
 * `columns` are in promotion order, and those before a planned one are among them.
 */
export function findNotPromoted(columns: readonly Column[], plans: readonly Plan[]): readonly Finding[] {
  const planOf = new Map(plans.map((plan) => [plan.environment, plan]))
  return columns.flatMap(({ environment }, index) => {
    const plan = planOf.get(environment.name)
    const before = columns
      .slice(0, index)
      .findLast((column) => column.environment.migrationsDir === environment.migrationsDir)
    if (plan === undefined || before === undefined || before.history === null) return []
    const predecessor = before.environment.name
    const held = new Set(before.history.filter((row) => row.status === 'applied').map((row) => row.name))
    for (const step of planOf.get(predecessor)?.steps ?? []) held.add(step.migration.name)
    return plan.steps
      .filter(({ migration }) => !held.has(migration.name))
      .map(({ migration }): Finding => ({
        code: 'history/not-promoted',
        severity: 'block',
        environment: environment.name,
        migration: migration.name,
        message: `${environment.name} would get ${migration.name} before ${predecessor} has it.`,
        hint: `Sync ${predecessor} first, or both: --env ${predecessor},${environment.name}. To overtake on purpose, add --allow history/not-promoted.`,
      }))
  })
}
