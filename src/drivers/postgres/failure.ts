import { MigrationManagerError } from '../../core/errors.ts'
import { stepOf } from '../../core/history.ts'
import type { Migration } from '../../core/migration.ts'
import { describePoolerMode } from '../../core/pooler-mode.ts'
import { describeEditedRollback } from '../../core/rollback.ts'
import type { SqlSource } from '../../core/sql-source.ts'
import { quoted } from '../../core/shell.ts'
import { locateIn } from '../../sql/location.ts'
import type { ScriptProblem } from '../../sql/problem.ts'
import type { VerifyQuery } from '../../sql/verify.ts'
import type { ServerError, ServerFailure } from './session-failure.ts'
import type { Culprit } from './culprit.ts'
import type { Part } from './message.ts'
import type { Progress } from './progress.ts'
import { GUARD } from './message-context.ts'
import { quoteLiteral } from './quote.ts'
import type { Run } from './run.ts'

/** What the server said to a migration's statement, with the place in the file. The migration was rolled back. */
export function describeMigrationFailure(
  run: Run,
  part: Part,
  failed: { readonly cause: ServerFailure; readonly progress: Progress; readonly culprit: Culprit },
): MigrationManagerError {
  const { cause } = failed
  const query = part.queries[failed.progress.query]
  if (query !== undefined) return unverifiedError(run, part.migration, query, cause.server)
  return describeStatementFailure(run, part.source, cause, failed.culprit.offset)
}

/** A verify query that did not answer true, or could not be answered; `note` says what became of the migration. */
export function unverifiedError(
  { context }: Run,
  { name }: Migration,
  { text, source, offset }: VerifyQuery,
  server: Pick<ServerError, 'code' | 'message'>,
  note: string = 'The migration was rolled back.',
): MigrationManagerError {
  const isFalse = server.code === GUARD.unverified
  return new MigrationManagerError(
    isFalse ? 'verify/false' : 'verify/failed',
    isFalse
      ? `${name} did not bear out its verify query in ${context.environment}.`
      : `A verify query of ${name} could not be answered: ${server.message}`,
    {
      ...(isFalse ? {} : { engineCode: server.code }),
      environment: context.environment,
      hint: isFalse
        ? `${note} The query: ${text}`
        : `${note} A verify query is one SELECT with one boolean; it may not write.`,
      ...locateIn(source, offset),
    },
  )
}

/** What the server said, at an offset of the file where there is one; `note` says what became of the rest. */
export function describeStatementFailure(
  { context }: Run,
  source: SqlSource,
  { server, blocker }: ServerFailure,
  offset: number | undefined,
  note?: string,
): MigrationManagerError {
  const hints = [hintFor(server, blocker) ?? server.hint, note].filter((hint) => hint !== null && hint !== undefined)
  return new MigrationManagerError('migration/failed', server.message, {
    engineCode: server.code,
    environment: context.environment,
    hint: hints.length === 0 ? undefined : hints.join(' '),
    ...(offset === undefined ? {} : locateIn(source, offset)),
  })
}

/** What a person can do about errors that have little to do with the statement itself, by SQLSTATE. */
function hintFor(server: ServerError, blocker: string | null): string | null {
  switch (server.code) {
    case '57014':
      return hintForCancelled(server.message)
    case '55P03':
      return blocker === null
        ? 'Others held a lock that this statement needs. Run it again when it is quieter; pg_stat_activity shows who is at work.'
        : `${blocker} held a lock that this statement needs. Run it again when that is done.`
    case '55P04':
      return 'A new enum value cannot be used in the transaction that adds it: put its first use into the next migration.'
    case '42501':
      return 'Let the owner of the object run this migration, or grant the right first.'
    case '2D000':
      return 'A procedure or block that commits cannot run inside a transaction: put a line -- migration: no-transaction into the file.'
    case '25001':
      return 'The statement cannot come after the first one of a transaction, and the history row is always the first.'
    default:
      return null
  }
}

/**
 * One SQLSTATE stands for whatever cancels a statement. Only the server's words tell what it was, and in the language
 * that it was set up for (lc_messages, which is not ours to set).
 */
function hintForCancelled(message: string): string {
  const cure = 'raise timeouts.statementSeconds in migration-manager.config.json, or do the work in smaller migrations.'
  switch (message) {
    case 'canceling statement due to statement timeout':
      return `The statement ran into its time limit: ${cure}`
    case 'canceling statement due to user request':
      return 'Somebody has cancelled the statement (pg_cancel_backend, or a tool that watches the server). Run it again when they agree.'
    default:
      return `Somebody has cancelled the statement, or it ran into its time limit; then ${cure}`
  }
}

export function unrunnableError({ context }: Run, source: SqlSource, problem: ScriptProblem): MigrationManagerError {
  return new MigrationManagerError(problem.code, problem.message, {
    environment: context.environment,
    hint: problem.hint,
    ...locateIn(source, problem.offset),
  })
}

/** A statement must run outside of a transaction, and there is no session that could hold the lock meanwhile. */
export function poolerError({ context, link }: Run, migration: Migration): MigrationManagerError {
  const { environment } = context
  const { origin } = link.options.place
  const { code, message, hint } = describePoolerMode(migration, { name: environment, origin })
  return new MigrationManagerError(code, message, { environment, hint })
}

/** A rollback that goes on in its middle, and what is done of it is not what the file says. */
export function editedRollbackError(
  { context }: Run,
  { migration, source }: Pick<Part, 'migration' | 'source'>,
  done: number,
): MigrationManagerError {
  const { environment } = context
  const { code, message, hint } = describeEditedRollback(migration.name, source.file, environment, done)
  return new MigrationManagerError(code, message, { environment, hint })
}

/** A step was begun, perhaps, and nothing tells whether it was carried out. */
export function undecidableError(
  { context }: Pick<Run, 'context'>,
  { migration, source, isRevert }: Pick<Part, 'migration' | 'source' | 'isRevert'>,
  unit: number,
  offset: number,
): MigrationManagerError {
  const table = context.tables.history
  const where = `migration_name = ${quoteLiteral(migration.name)}`
  const next = stepOf({ kind: isRevert ? 'revert' : 'apply', done: unit + 1 })
  const look = isRevert ? '' : ' A line -- verify: SELECT … in the file lets the tool look by itself.'
  return new MigrationManagerError(
    'migration/undecided',
    `${migration.name} was cut off in ${context.environment}, and whether this statement was carried out cannot be told.`,
    {
      environment: context.environment,
      hint: `Look whether its effect is there; if it is not, run the statement by hand. If it was the last one: migration-manager repair ${isRevert ? 'abandon' : 'finish'} ${quoted(migration.name)} --env ${context.environment} --reason "…". If more come behind it: UPDATE ${table} SET step = ${next} WHERE ${where}, then ${isRevert ? 'rollback' : 'sync'}.${look}`,
      ...locateIn(source, offset),
    },
  )
}

/** The file ended the transaction in which it ran: part of it may be committed, and only a person can tell what. */
export function escapedError({ context }: Pick<Run, 'context'>, migration: Migration): MigrationManagerError {
  return new MigrationManagerError(
    'migration/escaped',
    `${migration.name} ended the transaction that it ran in: part of it may be in ${context.environment} for good.`,
    {
      environment: context.environment,
      hint: `Look at what ${migration.file} has left in ${context.environment}, and mend it by hand. Then say what is so now: migration-manager repair finish ${quoted(migration.name)} --env ${context.environment} --reason "…" if all of it is there, repair abandon if none of it is.`,
    },
  )
}

export function interruptedError({ context }: Run, note?: string): MigrationManagerError {
  return new MigrationManagerError('run/interrupted', `The run was interrupted in ${context.environment}.`, {
    environment: context.environment,
    hint: note ?? 'What was under way was rolled back. Run the same command again to go on.',
  })
}

/** `note` says what is so where not all of it was rolled back. */
export function lostError({ context }: Run, note?: string): MigrationManagerError {
  return new MigrationManagerError('connection/lost', `The connection to ${context.environment} was lost.`, {
    environment: context.environment,
    hint: `${note ?? 'What was under way was rolled back.'} Look at the network and the server, then run the same command again.`,
  })
}

/** Nothing of the migration was sent yet. */
export function unreachableError({ context }: Run, next: string): MigrationManagerError {
  return new MigrationManagerError(
    'connection/lost',
    `The connection to ${context.environment} was lost before ${next} ran, and could not be had again in time.`,
    {
      environment: context.environment,
      hint: 'Nothing of it was sent. Run the same command again when the database can be reached.',
    },
  )
}

/** `note` says what can be so where it is not all or nothing. */
export function unknownError({ context }: Run, what: string, note?: string): MigrationManagerError {
  return new MigrationManagerError(
    'outcome/unknown',
    `The connection to ${context.environment} was lost while ${what} ran, and could not be had again in time.`,
    {
      environment: context.environment,
      hint: `${note ?? 'It took effect as a whole or not at all.'} Run status, or the same command again, when the database can be reached: the history will decide.`,
    },
  )
}
