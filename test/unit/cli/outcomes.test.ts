import { expect, test } from 'vitest'
import { APPLYING, renderOutcomes } from '../../../src/cli/output/outcomes.ts'
import type { Outcome, OutcomeStatus } from '../../../src/core/outcome.ts'
import type { Page } from '../../../src/cli/output/page.ts'
import { migrationsOf } from '../core/samples.ts'

const PAGE: Page = { paint: (_, text) => text, width: 100, all: false, redact: (text) => text }

function summaryOf(status: OutcomeStatus, doneNames: readonly string[]): string {
  const left = migrationsOf('003-c').map((migration) => ({ kind: 'apply' as const, migration, resumeAt: null }))
  const done = doneNames.map((name) => ({ name, durationMs: 2 }))
  const outcome: Outcome = { environment: 'dev', status, done, failed: null, left, findings: [] }
  return renderOutcomes([outcome], APPLYING, PAGE)
}

test('what was applied before a run was blocked or locked out is told', () => {
  expect(summaryOf('blocked', [])).toBe('dev  nothing written, 1 migration left')
  expect(summaryOf('blocked', ['001-a', '002-b'])).toBe('dev  2 migrations applied in 4 ms, 1 migration left')
  expect(summaryOf('locked', [])).toBe('dev  nothing written, another run is at work')
  expect(summaryOf('locked', ['001-a'])).toBe('dev  1 migration applied in 2 ms, another run is at work')
})
