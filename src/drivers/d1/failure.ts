import { MigrationManagerError } from '../../core/errors.ts'
import type { Environment } from '../../core/environment.ts'
import type { Migration } from '../../core/migration.ts'
import type { SqlSource } from '../../core/sql-source.ts'
import { locateIn } from '../../sql/location.ts'
import type { ScriptProblem } from '../../sql/problem.ts'
import type { VerifyQuery } from '../../sql/verify.ts'
import type { D1Endpoint } from './url.ts'

/** What SQLite said, without what workerd puts around it. */
export interface SqliteError {
  readonly message: string
  /** `SQLITE_CONSTRAINT_FOREIGNKEY`, or the plain code. */
  readonly code: string | undefined
  /** Where in its statement, in bytes of UTF-8; null where SQLite does not say. */
  readonly offset: number | null
}

/** Takes apart what D1 says: `near "x": syntax error at offset 7: SQLITE_ERROR`. */
export function readSqliteError(said: string): SqliteError {
  const [, extended] = /\(extended: (SQLITE_\w+)\)/.exec(said) ?? []
  const [, plain] = /: (SQLITE_\w+)(?: \(extended: \w+\))?$/.exec(said) ?? []
  const [, offset] = / at offset (\d+)/.exec(said) ?? []
  return {
    message: said
      .replace(/^D1_ERROR: /, '')
      .replace(/: SQLITE_\w+(?: \(extended: \w+\))?$/, '')
      .replace(/ at offset \d+$/, ''),
    code: extended ?? plain,
    offset: offset === undefined ? null : Number(offset),
  }
}

/** What the database said to a migration's statement, with the place in the file. Nothing of it was applied. */
export function statementError(
  environment: string,
  source: SqlSource,
  error: SqliteError,
  offset: number | null,
): MigrationManagerError {
  return new MigrationManagerError('migration/failed', error.message, {
    engineCode: error.code,
    environment,
    hint: hintFor(error),
    ...(offset === null ? {} : locateIn(source, offset)),
  })
}

/** What a person can do about errors that have little to do with the statement itself. */
function hintFor({ message, code }: SqliteError): string | undefined {
  if (/FOREIGN KEY constraint failed/.test(message)) {
    return 'D1 always enforces foreign keys. PRAGMA defer_foreign_keys = ON; at the top of the file puts the check off to its end.'
  }
  if (code === 'SQLITE_AUTH' || /not authorized/.test(message)) {
    return 'D1 does not authorise this; docs/d1.md lists what it leaves out.'
  }
  if (/non-constant default/.test(message)) {
    return 'SQLite adds a column only with a constant default: add it without one, fill it with UPDATE, and rebuild the table if it must have one.'
  }
  return undefined
}

/** The statements ran, but the migration's row was not there in the end: the file must have touched the history. */
export function unrecordedError(environment: string, { name, file }: Migration): MigrationManagerError {
  return new MigrationManagerError(
    'migration/failed',
    `${name} changes its own row in the history, so nothing of it was applied.`,
    { environment, hint: `Take out of ${file} what writes to schema_migrations or to the tables beside it.` },
  )
}

/** A verify query that did not answer true (`error` is null), or could not be answered. */
export function unverifiedError(
  environment: string,
  { name }: Migration,
  { text, source, offset }: VerifyQuery,
  error: { readonly code: string; readonly message: string } | null,
): MigrationManagerError {
  return new MigrationManagerError(
    error === null ? 'verify/false' : 'verify/failed',
    error === null
      ? `${name} did not bear out its verify query in ${environment}.`
      : `A verify query of ${name} could not be answered: ${error.message}`,
    {
      engineCode: error?.code,
      environment,
      hint:
        error === null
          ? `Nothing of the migration was applied. The query: ${text}`
          : 'Nothing of the migration was applied. A verify query is one SELECT with one boolean (0 or 1).',
      ...locateIn(source, offset),
    },
  )
}

export function unrunnableError(environment: string, source: SqlSource, problem: ScriptProblem): MigrationManagerError {
  return new MigrationManagerError(problem.code, problem.message, {
    environment,
    hint: problem.hint,
    ...locateIn(source, problem.offset),
  })
}

export function lostError({ name, endpoint }: Environment<D1Endpoint>, reason: string): MigrationManagerError {
  const look = endpoint.kind === 'remote' ? 'Look at the network and at cloudflarestatus.com, then run' : 'Run'
  return new MigrationManagerError('connection/lost', `${name} does not answer: ${reason}.`, {
    environment: name,
    hint: `What was under way was not applied. ${look} the same command again.`,
  })
}

/** The answer was lost, and nobody could be asked in time what came of it. */
export function unknownError(environment: string, what: string, reason: string): MigrationManagerError {
  return new MigrationManagerError(
    'outcome/unknown',
    `The answer of ${environment} to ${what} was lost (${reason}), and the database could not be reached again in time.`,
    {
      environment,
      hint: 'It is done as a whole or not at all. Run status, or the same command again, when the database can be reached: the history will decide.',
    },
  )
}
