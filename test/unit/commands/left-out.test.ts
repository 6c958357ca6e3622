import { expect, test } from 'vitest'
import { findLeftOut } from '../../../src/commands/left-out.ts'
import type { Reach } from '../../../src/commands/left-out.ts'
import { DEFAULT_LIMITS } from '../../../src/core/policy.ts'
import { environmentOf } from '../core/samples.ts'

/** What is said where staging, between dev and prod, is left out. */
function findingsOf(selected: readonly string[] | null, reach: Reach): readonly string[] {
  const finding = { code: 'config/empty-variable', severity: 'warn', message: 'staging is left out.' } as const
  return findLeftOut(
    {
      cwd: '/',
      environments: [environmentOf('dev', 0), environmentOf('prod', 2)],
      selected,
      leftOut: [{ order: 1, isWanted: selected === null, finding }],
      historySchema: 'public',
      limits: DEFAULT_LIMITS,
      runId: '00000000-0000-4000-8000-000000000000',
      actor: { osUser: null, gitCommit: null, ciRun: null, ciJob: null, isTreeDirty: async () => null },
      driverOf: () => {
        throw new Error('nobody connects')
      },
    },
    reach,
  ).map(({ message }) => message)
}

test.each<[readonly string[] | null, Reach, number]>([
  [null, 'selected', 1],
  [null, 'before', 1],
  [['prod'], 'before', 1],
  [['dev'], 'before', 0],
  [['prod'], 'selected', 0],
  [['dev'], 'behind', 1],
  [['prod'], 'behind', 0],
])('of %j, and those %s, it is said %i times', (selected, reach, times) => {
  expect(findingsOf(selected, reach)).toHaveLength(times)
})
