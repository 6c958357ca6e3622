import type { Check } from '../core/check.ts'
import type { Dependent } from '../core/driver.ts'
import type { Finding } from '../core/finding.ts'
import { sourceOf } from '../core/plan.ts'
import type { Step } from '../core/plan.ts'
import { locatorOf } from '../sql/location.ts'
import type { ScriptProblem } from '../sql/problem.ts'
import { followForeignKeys } from '../sql/sqlite/foreign-keys.ts'
import { LONG_BATCH, pragmaName } from '../sql/sqlite/restrictions.ts'
import { readSqliteScript } from '../sql/sqlite/script.ts'
import { leadingWords } from '../sql/sqlite/statements.ts'
import type { SqliteScript } from '../sql/sqlite/statements.ts'
import { emptyFinding, findingAt } from './content.ts'

/**
 * What in the text of the steps cannot be run on D1, with its place: transaction control, statements that are too long
 * or not authorised, and a DROP TABLE that would take the rows of other tables with it.
 */
export const checkD1Content: Check = async (plan, _environment, reading) => {
  const findings: Finding[] = []
  let dependents: readonly Dependent[] = reading.dependents ?? []
  for (const step of plan.steps) {
    const { sql } = sourceOf(step)
    const script = readSqliteScript(sql)
    const followed = followForeignKeys(sql, script, dependents)
    ;({ dependents } = followed)
    const find = locatorOf(sourceOf(step))
    const problems = [...script.problems, ...followed.problems].toSorted((a, b) => a.offset - b.offset)
    findings.push(...problems.map((problem) => findingAt(step, 'block', forStep(step, problem), find)))
    if (problems.length === 0) findings.push(...findNotable(step, sql, script))
  }
  return findings
}

/** Nothing can be held open on D1. */
export const checkD1Atomic: Check = async ({ steps }, { name }) =>
  steps.length === 0
    ? []
    : [
        {
          code: 'target/not-atomic',
          severity: 'block',
          environment: name,
          message: `${name} is a D1 database, which cannot hold a transaction open for the others.`,
          hint: `Leave out --atomic, or leave ${name} out with --env.`,
        },
      ]

/** What runs, but not as it may be meant. */
function findNotable(step: Step, sql: string, script: SqliteScript): readonly Finding[] {
  const { statements } = script
  if (statements.length === 0) return step.kind === 'revert' ? [noSql(step)] : [emptyFinding(step.migration)]
  const pragma = statements.find(
    ({ tokens }) =>
      leadingWords(sql, tokens, 1)[0] === 'PRAGMA' &&
      pragmaName(sql, tokens) === 'foreign_keys' &&
      // Without a value it only asks.
      tokens.length > 2,
  )
  return [
    ...(pragma === undefined
      ? []
      : [
          findingAt(step, 'warn', {
            code: 'sql/no-effect',
            message: 'PRAGMA foreign_keys has no effect on D1: foreign keys are always enforced.',
            hint: 'Remove it; PRAGMA defer_foreign_keys = ON puts the check off to the end of the file.',
            offset: pragma.start,
          }),
        ]),
    ...(statements.length <= LONG_BATCH
      ? []
      : [
          findingAt(step, 'info', {
            code: 'sql/long-batch',
            message: `${step.migration.name} has ${statements.length} statements, which D1 must carry out as one batch within 30 s.`,
            hint: 'If it does not, nothing of it is applied. Then split the file into several migrations.',
            offset: 0,
          }),
        ]),
  ]
}

/** A rollback block is a comment, and a comment may be prose. */
function forStep({ kind, migration }: Step, problem: ScriptProblem): ScriptProblem {
  if (kind === 'apply' || problem.code !== 'sql/not-sql') return problem
  return {
    ...problem,
    code: 'sql/rollback-not-sql',
    message: `The rollback of ${migration.name} is not SQL: ${problem.message}`,
    hint: `Write ${migration.file.replace(/\.sql$/, '.down.sql')} with the SQL that takes it back; it comes before the block in the file.`,
  }
}

function noSql(step: Step): Finding {
  const problem = { code: 'sql/not-sql', message: 'it holds no statement.', hint: '', offset: 0 } as const
  return findingAt(step, 'block', forStep(step, problem))
}
