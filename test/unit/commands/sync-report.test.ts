import { expect, test } from 'vitest'
import { conclude } from '../../../src/commands/sync-report.ts'
import type { Finding } from '../../../src/core/finding.ts'
import type { Outcome } from '../../../src/core/outcome.ts'
import { exitOfOutcomes } from '../../../src/cli/exit.ts'
import { migrationsOf } from '../core/samples.ts'

function outcomeOf(environment: string, status: Outcome['status']): Outcome {
  const [migration] = migrationsOf('001-a')
  if (migration === undefined) throw new Error('no migration')
  const left = status === 'skipped' ? [{ kind: 'apply' as const, migration, resumeAt: null }] : []
  return { environment, status, done: [], failed: null, left, findings: [] }
}

const SURVEY = {
  folders: [],
  sights: [],
  matrix: { environments: [], rows: [], findings: [], inSync: true },
  migrationsOf: () => [],
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

test('what a plan made anew finds once more is told once', () => {
  const finding = (message: string): Finding => ({
    code: 'history/out-of-order',
    severity: 'warn',
    environment: 'dev',
    message,
  })
  const outcome = { ...outcomeOf('dev', 'applied'), findings: [finding('003-c is late.'), finding('004-d is late.')] }

  const report = conclude(
    { targets: [], selected: [], findings: [], survey: SURVEY },
    [outcome],
    [finding('003-c is late.')],
  )

  expect(report.findings.map(({ message }) => message)).toEqual(['003-c is late.', '004-d is late.'])
})

test('a run whose interruption left databases that were never begun did not apply all, and does not end with 0', () => {
  const outcomes = [outcomeOf('prod/a', 'applied'), outcomeOf('prod/b', 'skipped')]
  const report = conclude({ targets: [], selected: [], findings: [], survey: SURVEY }, outcomes, [])
  expect(report.status).toBe('skipped')
  expect(exitOfOutcomes(report.outcomes)).toBe(1)
})

test('a database that was blocked late does not hide one that needs a person', () => {
  const stale: Finding = { code: 'plan/stale', severity: 'block', environment: 'prod/a', message: 'It keeps changing.' }
  const outcomes = [{ ...outcomeOf('prod/a', 'blocked'), findings: [stale] }, outcomeOf('prod/b', 'needs-person')]

  const report = conclude({ targets: [], selected: [], findings: [], survey: SURVEY }, outcomes, [])

  expect(report.status).toBe('needs-person')
  expect(exitOfOutcomes(report.outcomes)).toBe(6)
})
