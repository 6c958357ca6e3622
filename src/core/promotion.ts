import type { Finding } from './finding.ts'
import type { Column } from './matrix.ts'
import type { Plan } from './plan.ts'

/**
 * Finds migrations that an environment would get although the one before it in the promotion order does not hold them
 * with this content,
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
    const held = new Map(
      before.history.filter((row) => row.status === 'applied').map((row) => [row.name, row.checksum]),
    )
    for (const { migration } of planOf.get(predecessor)?.steps ?? []) held.set(migration.name, migration.checksum)
    return plan.steps
      .filter(({ migration }) => held.get(migration.name) !== migration.checksum)
      .map(({ migration }): Finding => ({
        code: 'history/not-promoted',
        severity: 'block',
        environment: environment.name,
        migration: migration.name,
        message: held.has(migration.name)
          ? `${environment.name} would get ${migration.name} with another content than ${predecessor} ran.`
          : `${environment.name} would get ${migration.name} before ${predecessor} has it.`,
        hint: held.has(migration.name)
          ? `Put ${migration.file} back as ${predecessor} ran it, and write the change as a new migration. To go on all the same, add --allow history/not-promoted.`
          : `Sync ${predecessor} first, or both: --env ${predecessor},${environment.name}. To overtake on purpose, add --allow history/not-promoted.`,
      }))
  })
}
