import type { Plan, Step } from './plan.ts'

/**
 * What to say of a step that cannot be part of an atomic run because it does not run in a transaction. `plans` are those
 * of the run; the command that is advised changes only environments that the run would have changed.
 */
export function describeNotAtomic(
  { kind, migration }: Step,
  plans: readonly Pick<Plan, 'environment' | 'steps'>[],
): { readonly code: 'sql/not-atomic'; readonly message: string; readonly hint: string } {
  const { name, version, file } = migration
  const isIt = (step: Step | undefined): boolean => step?.migration.file === file
  const concerned = plans.filter(({ steps }) => steps.some(isIt))
  const environments = concerned.map(({ environment }) => environment).join(',')
  const verb = kind === 'apply' ? 'sync' : 'rollback'
  return {
    code: 'sql/not-atomic',
    message: `${name} cannot run in a transaction, so it cannot be part of an atomic ${verb}.`,
    hint:
      kind === 'apply'
        ? `Sync it first without --atomic: migration-manager sync --to ${version} --env ${environments}`
        : concerned.every(({ steps }) => isIt(steps[0]))
          ? `Take it back first without --atomic: migration-manager rollback --only ${version} --env ${environments}`
          : 'Run the same rollback without --atomic: what came after it must be taken back before.',
  }
}
