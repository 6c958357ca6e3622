import { MigrationManagerError } from '../../core/errors.ts'
import type { QueryFailure } from './client.ts'
import { readSqliteError } from './failure.ts'

/** An error of the database that is not the fault of a migration's own statement. */
export function describeFailure(cause: QueryFailure, { name }: { readonly name: string }): MigrationManagerError {
  const { message, code } = readSqliteError(cause.message)
  return new MigrationManagerError('target/server-error', `${name}: ${message}.`, {
    environment: name,
    engineCode: code,
    hint: 'Run status; if it says the same, look at the database with npx wrangler d1 execute.',
  })
}
