import { expect, test } from 'vitest'
import type { AppliedMigration } from '../../../src/core/history.ts'
import { keepNamesThatRan } from '../../../src/core/out-of-order.ts'
import { planSync } from '../../../src/core/plan.ts'
import { environmentOf, migrationsOf, rowOf } from './samples.ts'

/** The advice about `2-late` in prod, where `3-c` has run already, beside another environment. */
function adviceBeside(history: readonly AppliedMigration[] | null, dir: string = 'database'): string {
  const own = [rowOf('1-a'), rowOf('3-c')]
  const { findings } = planSync('prod', migrationsOf('1-a', '2-late', '3-c'), own, { allow: new Set() })
  const columns = [
    { environment: environmentOf('staging', 0, dir), history },
    { environment: environmentOf('prod', 1), history: own },
  ]
  const [finding, ...others] = keepNamesThatRan(findings, columns)
  expect(others).toEqual([])
  expect(finding).toMatchObject({ code: 'history/out-of-order', severity: 'block', migration: '2-late' })
  return finding?.hint ?? ''
}

test('a late file was to be renamed that another environment had run under its name', () => {
  const hint = adviceBeside([rowOf('1-a'), rowOf('2-late')])

  expect(hint).toMatch(/^staging holds it under this name, so it must keep it\. .*--allow history\/out-of-order\.$/u)
  expect(hint).not.toMatch(/rename/iu)
})

test.each([
  ['no other environment holds', [rowOf('1-a')], 'database'],
  ['an environment could not be asked about', null, 'database'],
  ['an environment of another folder holds a namesake of', [rowOf('2-late')], 'other'],
])('a late file that %s may be renamed if it has run nowhere', (_what, history, dir) => {
  expect(adviceBeside(history, dir)).toMatch(
    /^If it has run nowhere yet, rename database\/2-late\.sql to the next free number\. .*--allow/u,
  )
})
