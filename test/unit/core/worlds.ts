import * as fc from 'fast-check'
import type { AppliedMigration } from '../../../src/core/history.ts'
import type { Migration } from '../../../src/core/migration.ts'
import { planSync } from '../../../src/core/plan.ts'
import type { Plan } from '../../../src/core/plan.ts'
import { migrationsOf, rowOf } from './samples.ts'

/** One migration of a world: whether its file is there, and what a history says of it (null: nothing). */
export interface Fact {
  readonly name: string
  readonly isFile: boolean
  readonly row: 'as-file' | 'edited' | 'started' | null
}

export const STATES = ['as-file', 'edited', 'started', null] as const

/** Up to twelve migrations of different versions, with leading zeros and both separators, in any order. */
export const facts: fc.Arbitrary<readonly Fact[]> = fc
  .uniqueArray(fc.integer({ min: 0, max: 1200 }), { maxLength: 12 })
  .chain((versions) =>
    fc.tuple(
      ...versions.map((version) =>
        fc
          .tuple(fc.integer({ min: 1, max: 5 }), fc.constantFrom('-', '_'), fc.constantFrom('a', 'Z', 'é', '数', '🎉'))
          .chain(([width, separator, word]) =>
            fc.record({
              name: fc.constant(`${String(version).padStart(width, '0')}${separator}${word}`),
              isFile: fc.boolean(),
              row: fc.constantFrom(...STATES),
            }),
          ),
      ),
    ),
  )

/** A world without disagreement: every file is there, and each is applied as it is, or pending. */
export const peace = facts.map((all) =>
  all.map((fact): Fact => ({ ...fact, isFile: true, row: fact.row && 'as-file' })),
)

export function filesOf(all: readonly Fact[]): readonly Migration[] {
  return migrationsOf(...all.filter(({ isFile }) => isFile).map(({ name }) => name))
}

export function historyOf(all: readonly Fact[]): readonly AppliedMigration[] {
  return all.flatMap(({ name, row }) => {
    if (row === null) return []
    if (row === 'edited') return [rowOf(name, { checksum: 'sha256:edited' })]
    return [rowOf(name, row === 'started' ? { status: 'started', appliedAt: null } : {})]
  })
}

export function plan(files: readonly Migration[], history: readonly AppliedMigration[], selection: object = {}): Plan {
  return planSync('prod', files, history, { allow: new Set(), ...selection })
}

export function namesOf({ steps }: Plan): readonly string[] {
  return steps.map(({ migration }) => migration.name)
}

/** The history after a plan was run on it. */
export function run({ steps }: Plan, history: readonly AppliedMigration[]): readonly AppliedMigration[] {
  return [...history, ...steps.map(({ migration: { name, checksum } }) => rowOf(name, { checksum }))]
}

/** The reference model of a name's place: its digits as a number, then its code units. */
export function modelOrder(a: string, b: string): number {
  const [left, right] = [a, b].map((name) => BigInt(/^\d+/.exec(name)?.[0] ?? -1))
  if (left === undefined || right === undefined) throw new Error('two names have two places')
  if (left !== right) return left < right ? -1 : 1
  return a === b ? 0 : a < b ? -1 : 1
}
