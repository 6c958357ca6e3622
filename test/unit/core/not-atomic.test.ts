import { expect, test } from 'vitest'
import { describeNotAtomic } from '../../../src/core/not-atomic.ts'
import type { Step } from '../../../src/core/plan.ts'
import { migrationsOf } from './samples.ts'

function stepsOf(kind: Step['kind'], ...names: readonly string[]): readonly Step[] {
  return names.map((name) => {
    const [migration] = migrationsOf(name)
    if (migration === undefined) throw new Error(name)
    return { kind, migration, resumeAt: null }
  })
}

function describe(kind: Step['kind'], name: string, plans: Readonly<Record<string, readonly string[]>>): string {
  const [step] = stepsOf(kind, name)
  if (step === undefined) throw new Error(name)
  const all = Object.entries(plans).map(([environment, names]) => ({ environment, steps: stepsOf(kind, ...names) }))
  const { message, hint } = describeNotAtomic(step, all)
  return `${message} ${hint}`
}

test('an atomic sync is advised to sync the step before, in no other environment than those that lack it', () => {
  expect(describe('apply', '003-i', { dev: ['002-b', '003-i'], staging: ['003-i'], prod: [] })).toBe(
    '003-i cannot run in a transaction, so it cannot be part of an atomic sync. ' +
      'Sync it first without --atomic: migration-manager sync --to 003 --env dev,staging',
  )
})

test('an atomic rollback was advised to sync, which applies migrations', () => {
  expect(describe('revert', '003-i', { prod: ['003-i', '002-b'], dev: ['003-i', '002-b'] })).toBe(
    '003-i cannot run in a transaction, so it cannot be part of an atomic rollback. ' +
      'Take it back first without --atomic: migration-manager rollback --only 003 --env prod,dev',
  )
})

test('of an atomic rollback, what lies below others is not taken back alone', () => {
  expect(describe('revert', '003-i', { prod: ['003-i'], dev: ['004-d', '003-i'] })).toMatch(
    /Run the same rollback without --atomic/u,
  )
})
