import { expect, test } from 'vitest'
import { conclude } from '../../../src/commands/sync-report.ts'
import type { Outcome } from '../../../src/core/outcome.ts'
import { exitOfOutcomes } from '../../../src/cli/exit.ts'
import { migrationsOf } from '../core/samples.ts'

function outcomeOf(environment: string, status: Outcome['status']): Outcome {
  const [migration] = migrationsOf('001-a')
  if (migration === undefined) throw new Error('no migration')
  const left = status === 'skipped' ? [{ kind: 'apply' as const, migration, resumeAt: null }] : []
  return { environment, status, done: [], failed: null, left, findings: [] }
}

test('a run whose interruption left databases that were never begun did not apply all, and does not end with 0', () => {
  const outcomes = [outcomeOf('prod/a', 'applied'), outcomeOf('prod/b', 'skipped')]
  const survey = {
    folders: [],
    sights: [],
    matrix: { environments: [], rows: [], findings: [], inSync: true },
    migrationsOf: () => [],
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
  const report = conclude({ targets: [], selected: [], findings: [], survey }, outcomes, [])
  expect(report.status).toBe('skipped')
  expect(exitOfOutcomes(report.outcomes)).toBe(1)
})
