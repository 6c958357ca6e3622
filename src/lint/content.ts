import type { Check } from '../core/check.ts'
import type { Reading } from '../core/driver.ts'
import type { Environment } from '../core/environment.ts'
import type { Finding, Severity } from '../core/finding.ts'
import type { Migration } from '../core/migration.ts'
import { describeNotAtomic } from '../core/not-atomic.ts'
import { describePoolerMode } from '../core/pooler-mode.ts'
import { sourceOf } from '../core/plan.ts'
import type { Step } from '../core/plan.ts'
import { describeEditedRollback } from '../core/rollback.ts'
import { locatorOf } from '../sql/location.ts'
import type { PlaceInFile } from '../sql/location.ts'
import { findSyntaxFault } from '../sql/meaning.ts'
import type { ScriptProblem } from '../sql/problem.ts'
import { readScript } from '../sql/script.ts'
import { findStepProblems, splitUnits } from '../sql/steps.ts'

/**
 * What in the text of the steps cannot be run on PostgreSQL, with its place: a COMMIT in the middle, a psql command, an
 * unclosed quote; and what must run step by step.
 */
export const checkPostgresContent: Check = async (plan, environment, reading) => {
  const found = await Promise.all(
    plan.steps.map(async (step) => [
      ...findContentProblems(step),
      ...(step.kind === 'revert' ? await findRollbackProblems(step, environment) : []),
      ...findPoolerProblem(step, environment, reading),
    ]),
  )
  return found.flat()
}

/** What cannot be part of an atomic run: all of it must fit into one transaction that is held open. */
export const checkPostgresAtomic: Check = async (plan, _environment, _reading, plans) =>
  plan.steps
    .filter((step) => readScript(sourceOf(step).sql).runsInSteps)
    .map((step) => ({ ...describeNotAtomic(step, plans), severity: 'block', migration: step.migration.name }))

/** The findings about one step's text, in the order of the text. */
export function findContentProblems(step: Step): readonly Finding[] {
  const { migration } = step
  const { sql } = sourceOf(step)
  const script = readScript(sql)
  const problems = [...script.problems, ...findStepProblems(sql, script)]
  if (problems.length > 0) {
    const find = locatorOf(sourceOf(step))
    return problems.toSorted((a, b) => a.offset - b.offset).map((problem) => findingAt(step, 'block', problem, find))
  }
  if (script.statements.length === 0) return step.kind === 'revert' ? [] : [emptyFinding(migration)]
  if (script.runsInSteps) {
    const [first] = script.nonTransactional
    const why =
      first !== undefined
        ? `${first.what} cannot run in a transaction`
        : script.noTransaction
          ? 'The file says no-transaction'
          : 'A new enum value cannot be used in the transaction that adds it'
    return [
      findingAt(step, 'info', {
        code: 'sql/non-transactional',
        message: `${why}: this ${step.kind === 'apply' ? 'migration' : 'rollback'} is carried out step by step.`,
        hint: `If it stops half-way, run ${step.kind === 'apply' ? 'sync' : 'rollback'} again: it goes on at the step where it stopped.`,
        offset: first?.statement.start ?? script.statements[0]?.start ?? 0,
      }),
    ]
  }
  return []
}

/** A file without a statement: mostly a template that nobody has filled in yet, and could not once it is applied. */
export function emptyFinding({ name, file }: Migration): Finding {
  return {
    code: 'sql/empty',
    severity: 'block',
    migration: name,
    message: `${file} holds no statement, and could not be filled in any more once it is recorded as applied.`,
    hint: 'Write the SQL into it, or remove it. If it is to do nothing, write SELECT 1; into it; if it has run elsewhere as it is, add --allow sql/empty.',
  }
}

/** A rollback block is a comment, and a comment may be prose: it must be SQL, and nothing of it is run before that is known. */
async function findRollbackProblems(step: Step, environment: Environment): Promise<readonly Finding[]> {
  const { migration } = step
  const { sql } = sourceOf(step)
  const fault = await findSyntaxFault(sql)
  if (fault !== null) {
    return [
      findingAt(step, 'block', {
        code: 'sql/rollback-not-sql',
        message: `The rollback of ${migration.name} is not SQL: ${fault.message}.`,
        hint: `Write ${migration.file.replace(/\.sql$/, '.down.sql')} with the SQL that takes it back; it comes before the block in the file.`,
        offset: fault.offset,
      }),
    ]
  }
  return findEditedRollback(step, environment)
}

/** A rollback that stopped in its middle goes on by the number of its steps, so the file must have them still. */
function findEditedRollback(step: Step, { name }: Environment): readonly Finding[] {
  const { migration, resumeAt } = step
  if (resumeAt === null) return []
  const { sql, file } = sourceOf(step)
  const script = readScript(sql)
  if (script.problems.length > 0) return []
  const steps = script.runsInSteps ? splitUnits(sql, script).length : 0
  if (script.runsInSteps && steps >= resumeAt) return []
  const described = describeEditedRollback(migration.name, file, name, resumeAt)
  return [{ ...described, severity: 'block', environment: name, migration: migration.name }]
}

/** A problem of a step's text as a finding, with its place in the file. */
export function findingAt(
  step: Step,
  severity: Severity,
  { code, message, hint, offset }: ScriptProblem,
  find: (offset: number) => PlaceInFile = locatorOf(sourceOf(step)),
): Finding {
  return { code, severity, migration: step.migration.name, message, hint, ...find(offset) }
}

/** A statement outside of a transaction needs a lock that lasts, which a transaction pooler cannot give. */
function findPoolerProblem(step: Step, environment: Environment, reading: Reading): readonly Finding[] {
  const { migration } = step
  if (reading.keepsSession || !readScript(sourceOf(step).sql).runsInSteps) return []
  return [
    {
      ...describePoolerMode(migration, environment),
      severity: 'block',
      environment: environment.name,
      migration: migration.name,
    },
  ]
}
