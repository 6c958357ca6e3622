import type { Check } from '../core/check.ts'
import type { Finding } from '../core/finding.ts'
import type { Migration } from '../core/migration.ts'
import { locate } from '../sql/location.ts'
import { readScript } from '../sql/script.ts'

/**
 * What in the pending files cannot be run as a PostgreSQL migration, with its place: a COMMIT in the middle, a psql
 * command, an unclosed quote. Every environment of another engine has rules of its own.
 */
export const checkPostgresContent: Check = async (plan, environment) =>
  environment.engine === 'postgres' ? plan.steps.flatMap(({ migration }) => findContentProblems(migration)) : []

/** The findings about one file's text, in the order of the text. */
export function findContentProblems(migration: Migration): readonly Finding[] {
  const script = readScript(migration.up)
  const problems = [
    ...script.problems,
    ...script.nonTransactional.map(({ statement, what }) => ({
      code: 'sql/non-transactional' as const,
      message: `${what} cannot run inside a transaction.`,
      hint: 'This version runs every migration in a transaction of its own; take the statement out of the file.',
      offset: statement.start,
    })),
  ]
  const findings = problems
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ code, message, hint, offset }): Finding => {
      const { line, column, sourceLine } = locate(migration.up, offset)
      return {
        code,
        severity: 'block',
        migration: migration.name,
        message,
        hint,
        at: { file: migration.file, line, column },
        sourceLine,
      }
    })
  if (findings.length > 0 || script.statements.length > 0) return findings
  return [
    {
      code: 'sql/empty',
      severity: 'warn',
      migration: migration.name,
      message: `${migration.file} holds no statement; it will be recorded as applied.`,
      hint: 'Once applied it cannot be filled in any more: write the SQL now, or remove the file.',
    },
  ]
}
