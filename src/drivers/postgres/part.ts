import type { Migration } from '../../core/migration.ts'
import type { ScriptProblem } from '../../sql/problem.ts'
import { readScript } from '../../sql/script.ts'
import { findStepProblems, needsSteps, splitUnits } from '../../sql/steps.ts'
import type { Unit } from '../../sql/steps.ts'
import type { Part } from './message.ts'

/** A migration as it is carried out: in one transaction, step by step, or not at all. */
export type ReadPart =
  | (Part & { readonly kind: 'transaction' })
  | { readonly kind: 'steps'; readonly migration: Migration; readonly units: readonly Unit[] }
  | { readonly kind: 'unrunnable'; readonly migration: Migration; readonly problem: ScriptProblem }

/** Reads a migration's text for how it must be run. */
export function readPart(migration: Migration): ReadPart {
  const script = readScript(migration.up)
  const [problem] = [...script.problems, ...findStepProblems(migration.up, script)]
  if (problem !== undefined) return { kind: 'unrunnable', migration, problem }
  return needsSteps(migration.up, script)
    ? { kind: 'steps', migration, units: splitUnits(migration.up, script) }
    : { kind: 'transaction', migration, statements: script.statements }
}
