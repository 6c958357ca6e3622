import type { Check } from '../core/check.ts'
import type { Reading } from '../core/driver.ts'
import type { Environment } from '../core/environment.ts'
import type { Finding, Severity } from '../core/finding.ts'
import type { Migration } from '../core/migration.ts'
import { locate } from '../sql/location.ts'
import type { ScriptProblem } from '../sql/problem.ts'
import { readScript } from '../sql/script.ts'
import { findStepProblems, runsInSteps } from '../sql/steps.ts'

/**
 * What in the pending files cannot be run as a PostgreSQL migration, with its place: a COMMIT in the middle, a psql
 * command, an unclosed quote; and what must run step by step. Files of another engine have rules of their own.
 */
export const checkPostgresContent: Check = async (plan, environment, reading) =>
  environment.engine === 'postgres'
    ? plan.steps.flatMap(({ migration }) => [
        ...findContentProblems(migration),
        ...findPoolerProblem(migration, environment, reading),
      ])
    : []

/** What cannot be part of an atomic sync: all of it must fit into one transaction that is held open. */
export const checkAtomicContent: Check = async (plan, environment) =>
  plan.steps
    .filter(({ migration }) => environment.engine === 'postgres' && runsInSteps(migration.up))
    .map(({ migration }) => ({
      code: 'sql/not-atomic',
      severity: 'block',
      migration: migration.name,
      message: `${migration.name} cannot run in a transaction, so it cannot be part of an atomic sync.`,
      hint: `Sync it first without --atomic: migration-manager sync --to ${migration.version}`,
    }))

/** The findings about one file's text, in the order of the text. */
export function findContentProblems(migration: Migration): readonly Finding[] {
  const script = readScript(migration.up)
  const problems = [...script.problems, ...findStepProblems(migration.up, script)]
  if (problems.length > 0) {
    return problems.toSorted((a, b) => a.offset - b.offset).map((problem) => findingAt(migration, 'block', problem))
  }
  const [first] = script.nonTransactional
  if (first !== undefined) {
    return [
      findingAt(migration, 'info', {
        code: 'sql/non-transactional',
        message: `${first.what} cannot run in a transaction: this migration is carried out step by step.`,
        hint: 'If it stops half-way, run sync again: it goes on at the step where it stopped.',
        offset: first.statement.start,
      }),
    ]
  }
  if (script.statements.length > 0) return []
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

function findingAt(migration: Migration, severity: Severity, problem: ScriptProblem): Finding {
  const { line, column, sourceLine } = locate(migration.up, problem.offset)
  return {
    code: problem.code,
    severity,
    migration: migration.name,
    message: problem.message,
    hint: problem.hint,
    at: { file: migration.file, line, column },
    sourceLine,
  }
}

/** A statement outside of a transaction needs a lock that lasts, which a transaction pooler cannot give. */
function findPoolerProblem(migration: Migration, environment: Environment, reading: Reading): readonly Finding[] {
  if (reading.keepsSession || !runsInSteps(migration.up)) return []
  return [
    {
      code: 'target/pooler-mode',
      severity: 'block',
      environment: environment.name,
      migration: migration.name,
      message: `${migration.name} must run outside of a transaction, and ${environment.name} is reached through a pooler that keeps no session.`,
      hint: `Put the direct connection or the session pooler into ${environment.origin} (on Supabase port 5432 instead of 6543).`,
    },
  ]
}
