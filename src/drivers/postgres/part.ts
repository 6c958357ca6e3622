import { sourceOf } from '../../core/plan.ts'
import type { Step } from '../../core/plan.ts'
import type { SqlSource } from '../../core/sql-source.ts'
import type { Migration } from '../../core/migration.ts'
import type { ScriptProblem } from '../../sql/problem.ts'
import { readScript } from '../../sql/script.ts'
import { findStepProblems, splitUnits } from '../../sql/steps.ts'
import type { Unit } from '../../sql/steps.ts'
import { findVerifyQueries } from '../../sql/verify.ts'
import type { VerifyQuery } from '../../sql/verify.ts'
import type { Part } from './message.ts'

/** A step as it is carried out: in one transaction, step by step, or not at all. */
export type ReadPart =
  | (Part & { readonly kind: 'transaction' })
  | {
      readonly kind: 'steps'
      readonly migration: Migration
      readonly source: SqlSource
      readonly isRevert: boolean
      readonly units: readonly Unit[]
      readonly queries: readonly VerifyQuery[]
    }
  | {
      readonly kind: 'unrunnable'
      readonly migration: Migration
      readonly source: SqlSource
      readonly problem: ScriptProblem
    }

/** Reads a step's text for how it must be run. */
export function readPart(step: Step): ReadPart {
  const { migration } = step
  const source = sourceOf(step)
  const isRevert = step.kind === 'revert'
  const script = readScript(source.sql)
  const [problem] = [...script.problems, ...findStepProblems(source.sql, script)]
  if (problem !== undefined) return { kind: 'unrunnable', migration, source, problem }
  const queries = isRevert ? [] : findVerifyQueries(source.sql, source.file)
  return script.runsInSteps
    ? { kind: 'steps', migration, source, isRevert, units: splitUnits(source.sql, script), queries }
    : { kind: 'transaction', migration, source, isRevert, statements: script.statements, queries }
}
