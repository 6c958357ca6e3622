import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { allowFindings, isBlocking } from '../../../src/core/finding.ts'
import type { Finding } from '../../../src/core/finding.ts'
import { digestHistory } from '../../../src/core/history.ts'
import type { AppliedMigration } from '../../../src/core/history.ts'
import { compareVersions } from '../../../src/core/migration.ts'
import { isBlocked } from '../../../src/core/plan.ts'
import { rowOf } from './samples.ts'
import { facts, filesOf, historyOf, modelOrder, namesOf, peace, plan } from './worlds.ts'

/** A history in which every started row has a step, or none, and every row has an author, a time and a run of its own. */
function steppedHistoryOf(all: Parameters<typeof historyOf>[0], steps: readonly (number | null)[]): AppliedMigration[] {
  return historyOf(all).map((row, index) => ({ ...row, step: steps[index] ?? null }))
}

const steps = fc.array(fc.option(fc.nat(40)), { minLength: 12, maxLength: 12 })

test('what was cut off at a known step is planned from that step on, unless its file was edited', () => {
  fc.assert(
    fc.property(facts, steps, (all, at) => {
      const history = steppedHistoryOf(all, at)
      const files = filesOf(all)
      const expected = files
        .filter(({ name, checksum }) => {
          const row = history.find((one) => one.name === name)
          if (row === undefined) return true
          return row.status === 'started' && row.step !== null && row.checksum === checksum
        })
        .map(({ name }) => [name, history.find((row) => row.name === name)?.step ?? null])
      expect(plan(files, history).steps.map(({ migration, resumeAt }) => [migration.name, resumeAt])).toEqual(expected)
    }),
  )
})

test('what was cut off blocks exactly when its step is not known or its file is gone, and is never out of order', () => {
  fc.assert(
    fc.property(facts, steps, (all, at) => {
      const history = steppedHistoryOf(all, at)
      const files = filesOf(all)
      const { findings } = plan(files, history)
      const isThere = new Set(files.map(({ name }) => name))
      const told = findings.filter(({ code }) => code === 'history/unfinished')
      expect(told.map(({ migration, severity }) => [migration, severity])).toEqual(
        history
          .filter(({ status }) => status === 'started')
          .map(({ name, step }) => [name, step === null || !isThere.has(name) ? 'block' : 'warn']),
      )
      const late = findings.filter(({ code }) => code === 'history/out-of-order').map(({ migration }) => migration)
      expect(late.filter((name) => history.some((row) => row.name === name))).toEqual([])
    }),
  )
})

test('a plan has each migration once, and its versions only rise', () => {
  fc.assert(
    fc.property(facts, steps, (all, at) => {
      const versions = plan(filesOf(all), steppedHistoryOf(all, at)).steps.map(({ migration }) => migration.version)
      const rises = versions.slice(1).map((version, index) => compareVersions(versions[index] ?? '', version) < 0)
      expect(rises).toEqual(rises.map(() => true))
    }),
  )
})

test('a migration that another run applies leaves the plan, and takes no other with it', () => {
  fc.assert(
    fc.property(facts, fc.nat(20), (all, index) => {
      const [files, history] = [filesOf(all), historyOf(all)]
      const before = namesOf(plan(files, history))
      const applied = before[index % Math.max(1, before.length)]
      fc.pre(applied !== undefined)
      expect(namesOf(plan(files, [...history, rowOf(applied)]))).toEqual(before.filter((name) => name !== applied))
    }),
  )
})

test('a file more is a step more, and a file less is a step less, unless the history names it', () => {
  fc.assert(
    fc.property(facts, fc.nat(20), (all, index) => {
      const [files, history] = [filesOf(all), historyOf(all)]
      const gone = files[index % Math.max(1, files.length)]
      fc.pre(gone !== undefined)
      const rest = namesOf(
        plan(
          files.filter((file) => file !== gone),
          history,
        ),
      )
      expect(rest).toEqual(namesOf(plan(files, history)).filter((name) => name !== gone.name))
    }),
  )
})

test('a migration that is applied later than all that are pending puts each of them out of order', () => {
  fc.assert(
    fc.property(peace, (all) => {
      const files = filesOf(all)
      const names = namesOf(plan(files, historyOf(all)))
      const late = plan(files, [...historyOf(all), rowOf('9999-latest')]).findings
      expect(late.filter(({ code }) => code === 'history/out-of-order').map(({ migration }) => migration)).toEqual(
        names,
      )
    }),
  )
})

test('a plan without a blocking finding has only steps behind everything that is applied', () => {
  fc.assert(
    fc.property(fc.oneof(facts, peace), (all) => {
      const history = historyOf(all)
      const made = plan(filesOf(all), history)
      fc.pre(!isBlocked(made))
      for (const name of namesOf(made)) {
        expect(history.every((row) => modelOrder(row.name, name) < 0)).toBe(true)
      }
    }),
  )
})

const code = fc.constantFrom(
  'history/changed',
  'history/not-promoted',
  'plan/skips-pending',
  'sql/unterminated',
  'sql/copy-data',
  'sql/empty',
  'target/pooler-mode',
  'target/other-database',
  'policy/anything',
  'sqlx/not-sql',
  'lint/sql/',
) as fc.Arbitrary<Finding['code']>
const findings = fc.array(
  fc.record({ code, severity: fc.constantFrom('info', 'warn', 'block'), message: fc.string({ maxLength: 5 }) }),
)

test('no --allow opens what the server would refuse or a database that is not to be written to', () => {
  const closed = /^(?:sql(?!\/empty$)|target|policy)\//
  fc.assert(
    fc.property(findings, fc.array(code), (all, allowed) => {
      const kept = allowFindings(all, new Set(allowed))
      const closedOf = (some: readonly Finding[]): readonly Finding[] => some.filter((one) => closed.test(one.code))
      expect(closedOf(kept)).toEqual(closedOf(all))
      expect(kept.filter(isBlocking).every((one) => closed.test(one.code) || !allowed.includes(one.code))).toBe(true)
    }),
  )
})

test('what is allowed twice, or in two parts, is the same as what is allowed at once', () => {
  fc.assert(
    fc.property(findings, fc.array(code), fc.array(code), (all, some, others) => {
      const atOnce = allowFindings(all, new Set([...some, ...others]))
      expect(allowFindings(allowFindings(all, new Set(some)), new Set(others))).toEqual(atOnce)
      expect(allowFindings(atOnce, new Set([...some, ...others]))).toEqual(atOnce)
    }),
  )
})

test('the digest of a history goes by what was applied: not by who, when, how long, or in what order it is read', () => {
  const margin = fc.record({
    appliedAt: fc.option(fc.date({ noInvalidDate: true })),
    durationMs: fc.option(fc.nat()),
    appliedBy: fc.string(),
    runId: fc.option(fc.uuid()),
    step: fc.option(fc.nat(9)),
  })
  fc.assert(
    fc.property(facts, margin, fc.func(fc.integer()), (all, change, key) => {
      const history = historyOf(all)
      const told = history.map((row) => ({ ...row, ...change })).toSorted((a, b) => key(a.name) - key(b.name))
      expect(digestHistory(told)).toBe(digestHistory(history))
    }),
  )
})

test('the digest of a history is another as soon as one name, content or state in it is', () => {
  const change = fc.constantFrom<((row: AppliedMigration) => AppliedMigration)[]>(
    (row) => ({ ...row, name: `${row.name}x` }),
    (row) => ({ ...row, checksum: `${row.checksum}0` }),
    (row) => ({ ...row, status: row.status === 'applied' ? 'started' : 'applied' }),
  )
  fc.assert(
    fc.property(facts, fc.nat(20), change, (all, index, alter) => {
      const history = historyOf(all)
      fc.pre(history.length > 0)
      const at = index % history.length
      const altered = history.map((row, place) => (place === at ? alter(row) : row))
      expect(digestHistory(altered)).not.toBe(digestHistory(history))
      expect(digestHistory(history.toSpliced(at, 1))).not.toBe(digestHistory(history))
    }),
  )
})

test('versions are in one order, however they are written and wherever a sort begins', () => {
  const version = fc
    .tuple(fc.bigInt({ min: 0n, max: 10n ** 22n }), fc.nat(4))
    .map(([n, zeros]) => '0'.repeat(zeros) + n)
  fc.assert(
    fc.property(fc.array(version, { maxLength: 12 }), fc.func(fc.integer()), (all, key) => {
      const shuffled = all.toSorted((a, b) => key(a) - key(b)).toSorted(compareVersions)
      expect(shuffled.map(BigInt)).toEqual(all.toSorted(compareVersions).map(BigInt))
      for (const one of all) expect(compareVersions(one, `00${one}`)).toBe(0)
      for (const [index, one] of shuffled.entries()) {
        for (const later of shuffled.slice(index)) expect(compareVersions(one, later)).toBeLessThanOrEqual(0)
      }
    }),
  )
})
