import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EXIT, exitOfError, exitOfFindings, exitOfOutcomes } from '../../../src/cli/exit.ts'
import { MigrationManagerError, ProblemsError } from '../../../src/core/errors.ts'
import type { ErrorCode } from '../../../src/core/errors.ts'
import { isBlocking } from '../../../src/core/finding.ts'
import type { Outcome, OutcomeStatus } from '../../../src/core/outcome.ts'
import type { Step } from '../../../src/core/plan.ts'
import { migrationsOf } from '../core/samples.ts'

const CODES: readonly ErrorCode[] = [
  'lock/held',
  'outcome/unknown',
  'migration/escaped',
  'migration/undecided',
  'run/interrupted',
  'migration/failed',
  'migration/bad-name',
  'target/same-database',
  'connection/refused',
  'config/no-environment',
  'usage/unknown-option',
  'internal/unexpected',
]

const STATUSES: readonly OutcomeStatus[] = [
  'up-to-date',
  'planned',
  'applied',
  'blocked',
  'failed',
  'needs-person',
  'unknown',
  'locked',
  'skipped',
]

const errors = fc.constantFrom(...CODES).map((code) => new MigrationManagerError(code, 'it failed'))

const STEP: Step = { kind: 'apply', migration: migrationsOf('1-a')[0] ?? expect.unreachable(), resumeAt: null }

const outcome: fc.Arbitrary<Outcome> = fc.record({
  environment: fc.constantFrom('dev', 'prod'),
  status: fc.constantFrom(...STATUSES),
  done: fc.constant([]),
  failed: fc.option(errors.map((error) => ({ name: '1-a', error }))),
  left: fc.constantFrom([], [STEP]),
  findings: fc.constant([]),
})

const KNOWN: ReadonlySet<number> = new Set(Object.values(EXIT))

describe('the exit code of outcomes', () => {
  test('is the one of the gravest, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.array(outcome, { maxLength: 5 }), (outcomes) => {
        const each = outcomes.map((one) => exitOfOutcomes([one]))
        expect(exitOfOutcomes(outcomes)).toBe(Math.max(EXIT.done, ...each))
        expect(exitOfOutcomes(outcomes.toReversed())).toBe(exitOfOutcomes(outcomes))
        expect(KNOWN).toContain(exitOfOutcomes(outcomes))
      }),
    )
  })

  test('is 0 exactly when nothing was stopped or left, and never that of a wrong command line', () => {
    const stopped: ReadonlySet<OutcomeStatus> = new Set(['blocked', 'failed', 'needs-person', 'unknown', 'locked'])
    fc.assert(
      fc.property(fc.array(outcome, { maxLength: 5 }), (outcomes) => {
        const code = exitOfOutcomes(outcomes)
        const isLeft = outcomes.some(({ status, left }) => status === 'skipped' && left.length > 0)
        expect(code === EXIT.done).toBe(!isLeft && !outcomes.some(({ status }) => stopped.has(status)))
        expect(code).not.toBe(EXIT.usage)
      }),
    )
  })
})

test('several problems exit as the gravest of them', () => {
  const problem = fc.constantFrom(...CODES).map((code) => ({ code, message: 'it is wrong' }))
  fc.assert(
    fc.property(problem, fc.array(problem, { maxLength: 4 }), (first, others) => {
      const each = [first, ...others].map(({ code }) => exitOfError(new MigrationManagerError(code, 'it is wrong')))
      expect(exitOfError(new ProblemsError([first, ...others]))).toBe(Math.max(...each))
    }),
  )
})

test('findings exit with 0 exactly when none blocks, and with 8 as soon as one that blocks is of an unsafe target', () => {
  const finding = fc.record({
    code: fc.constantFrom(...CODES, 'history/changed' as const, 'target/pooler-mode' as const),
    severity: fc.constantFrom('info' as const, 'warn' as const, 'block' as const),
    message: fc.constant('so it is'),
  })
  fc.assert(
    fc.property(fc.array(finding, { maxLength: 5 }), (findings) => {
      const blocking = findings.filter(isBlocking).map(({ code }) => code)
      const isUnsafe = blocking.some((code) => code === 'target/same-database' || code === 'target/pooler-mode')
      expect(exitOfFindings(findings)).toBe(isUnsafe ? EXIT.unsafe : blocking.length > 0 ? EXIT.blocked : EXIT.done)
    }),
  )
})
