import { MigrationManagerError } from '../../core/errors.ts'
import type { Migration } from '../../core/migration.ts'
import type { Step } from '../../core/plan.ts'
import { locate } from '../../sql/location.ts'
import type { Run } from './apply.ts'
import type { ServerError, ServerFailure } from './errors.ts'
import type { Message, Part } from './message.ts'
import type { ReadPart } from './part.ts'
import type { Progress } from './progress.ts'

/** What the server said to a migration's statement, with the place in the file. The migration was rolled back. */
export function describeMigrationFailure(
  { context }: Run,
  part: Part,
  failed: { readonly cause: ServerFailure; readonly message: Message; readonly progress: Progress },
): MigrationManagerError {
  const { server } = failed.cause
  const { migration } = part
  const position = server.position === null ? null : failed.message.findPosition(server.position)
  const offset = position?.offset ?? part.statements[failed.progress.statement]?.start
  return new MigrationManagerError('migration/failed', server.message, {
    engineCode: server.code,
    environment: context.environment,
    hint: hintFor(server) ?? server.hint ?? undefined,
    ...(offset === undefined ? {} : placeIn(migration, offset)),
  })
}

function placeIn(
  migration: Migration,
  offset: number,
): { at: { file: string; line: number; column: number }; sourceLine: string } {
  const { line, column, sourceLine } = locate(migration.up, offset)
  return { at: { file: migration.file, line, column }, sourceLine }
}

/** What a person can do about errors that have little to do with the statement itself, by SQLSTATE. */
function hintFor(server: ServerError): string | null {
  switch (server.code) {
    case '57014':
      return 'The statement ran into its time limit. Raise timeouts.statementSeconds in migration-manager.config.json, or do the work in smaller migrations.'
    case '55P03':
      return 'Others held a lock that this statement needs. Run sync again when it is quieter; pg_stat_activity shows who is at work.'
    case '55P04':
      return 'A new enum value cannot be used in the transaction that adds it: put its first use into the next migration.'
    case '42501':
      return 'Let the owner of the object run this migration, or grant the right first.'
    case '25001':
      return 'The statement cannot come after the first one of a transaction, and the history row is always the first.'
    default:
      return null
  }
}

export function unrunnableError({ context }: Run, { migration, problem }: ReadPart): MigrationManagerError {
  return new MigrationManagerError(problem?.code ?? 'sql/refused', problem?.message ?? '', {
    environment: context.environment,
    hint: problem?.hint,
    ...placeIn(migration, problem?.offset ?? 0),
  })
}

/** The file ended the transaction in which it ran: part of it may be committed, and only a person can tell what. */
export function escapedError({ context }: Run, migration: Migration): MigrationManagerError {
  return new MigrationManagerError(
    'migration/escaped',
    `${migration.name} ended the transaction that it ran in: part of it may be in ${context.environment} for good.`,
    {
      environment: context.environment,
      hint: `Look at what ${migration.file} has left in ${context.environment}, and mend it by hand. Its row in ${context.tables.history} says started: set it right, or delete it, before the next sync.`,
    },
  )
}

export function interruptedError({ context }: Run): MigrationManagerError {
  return new MigrationManagerError('run/interrupted', `The run was interrupted in ${context.environment}.`, {
    environment: context.environment,
    hint: 'What was under way was rolled back. Run sync again to go on.',
  })
}

export function lostError({ context }: Run): MigrationManagerError {
  return new MigrationManagerError(
    'connection/lost',
    `The connection to ${context.environment} was lost again and again.`,
    {
      environment: context.environment,
      hint: 'What was under way was rolled back. Look at the network and the server, then run sync again.',
    },
  )
}

export function unknownError({ context }: Run, step: Step | undefined): MigrationManagerError {
  const what = step?.migration.name ?? 'the last migration'
  return new MigrationManagerError(
    'outcome/unknown',
    `The connection to ${context.environment} was lost while ${what} ran, and could not be had again in time.`,
    {
      environment: context.environment,
      hint: 'It is applied as a whole or not at all. Run status or sync again when the database can be reached: the history will decide.',
    },
  )
}
