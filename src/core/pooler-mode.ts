import type { Environment } from './environment.ts'
import type { Migration } from './migration.ts'

/** What to say of a migration that must run outside of a transaction, where no session could hold the lock meanwhile. */
export function describePoolerMode(
  { name }: Pick<Migration, 'name'>,
  environment: Pick<Environment, 'name' | 'origin'>,
): { readonly code: 'target/pooler-mode'; readonly message: string; readonly hint: string } {
  return {
    code: 'target/pooler-mode',
    message: `${name} must run outside of a transaction, and ${environment.name} is reached through a pooler that keeps no session.`,
    hint: `Put the direct connection or the session pooler into ${environment.origin} (on Supabase port 5432 instead of 6543).`,
  }
}
