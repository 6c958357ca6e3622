import { expect, test } from 'vitest'
import type { Connection, Locked } from '../../../src/core/driver.ts'
import { MigrationManagerError } from '../../../src/core/errors.ts'
import type { AppliedMigration } from '../../../src/core/history.ts'
import type { RunResult } from '../../../src/core/outcome.ts'
import { planSync } from '../../../src/core/plan.ts'
import type { Plan, Step } from '../../../src/core/plan.ts'
import { syncTarget } from '../../../src/runner/sync-target.ts'
import { migrationsOf, rowOf } from '../core/samples.ts'

const FILES = migrationsOf('001-a', '002-b', '003-c', '004-d')
const APPLIED = FILES.map(({ name, checksum }) => rowOf(name, { checksum }))
const SELECTION = { to: undefined, only: undefined, allow: new Set<string>() }

function planFrom(history: readonly AppliedMigration[]): Plan {
  return planSync('dev', FILES, history, SELECTION)
}

/**
 * A database on which others are at work: each run of steps is answered in turn, with the history that it leaves, or
 * with what is thrown by who asks for the history.
 */
function createBusy(
  answers: readonly {
    readonly result: RunResult
    readonly history: readonly AppliedMigration[] | MigrationManagerError
  }[],
): { readonly connection: Connection; readonly runs: string[][] } {
  const runs: string[][] = []
  const locked: Locked = {
    history: async () => {
      const history = answers[runs.length - 1]?.history ?? []
      if (history instanceof MigrationManagerError) throw history
      return history
    },
    amend: async () => true,
    run: async (steps: readonly Step[]) => {
      runs.push(steps.map(({ migration }) => migration.name))
      const answer = answers[runs.length - 1]
      if (answer === undefined) throw new Error('more runs than answers')
      return answer.result
    },
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const connection = { withLock: (work: (each: Locked) => Promise<unknown>) => work(locked) } as unknown as Connection
  return { connection, runs }
}

function stale(...names: readonly string[]): RunResult {
  return { kind: 'stale', done: names.map((name) => ({ name, durationMs: 1 })) }
}

test('what another run applies in the middle of ours is left out of the rest, and ours goes on', async () => {
  const { connection, runs } = createBusy([
    { result: stale('001-a'), history: APPLIED.slice(0, 2) },
    { result: stale('003-c'), history: APPLIED },
  ])

  const outcome = await syncTarget(connection, planFrom([]), planFrom, () => {})

  expect(runs).toEqual([
    ['001-a', '002-b', '003-c', '004-d'],
    ['003-c', '004-d'],
  ])
  expect(outcome).toMatchObject({
    status: 'applied',
    failed: null,
    left: [],
    done: [{ name: '001-a' }, { name: '003-c' }],
  })
})

test('another run that applies everything first leaves nothing to do', async () => {
  const { connection } = createBusy([{ result: stale(), history: APPLIED }])

  expect(await syncTarget(connection, planFrom([]), planFrom, () => {})).toMatchObject({
    status: 'up-to-date',
    done: [],
  })
})

test('what fails after a new plan is told with all that was done before it', async () => {
  const error = new MigrationManagerError('migration/failed', 'It failed.')
  const { connection } = createBusy([
    { result: stale('001-a'), history: APPLIED.slice(0, 2) },
    {
      result: { kind: 'failed', done: [{ name: '003-c', durationMs: 1 }], failed: { name: '004-d', error } },
      history: [],
    },
  ])

  expect(await syncTarget(connection, planFrom([]), planFrom, () => {})).toMatchObject({
    status: 'failed',
    done: [{ name: '001-a' }, { name: '003-c' }],
    failed: { name: '004-d' },
  })
})

test('a history that changes twice without anything of ours is refused', async () => {
  const { connection, runs } = createBusy([
    { result: stale(), history: [] },
    { result: stale(), history: [] },
  ])

  expect(await syncTarget(connection, planFrom([]), planFrom, () => {})).toMatchObject({
    status: 'blocked',
    findings: [{ code: 'plan/stale' }],
  })
  expect(runs).toHaveLength(2)
})

test('what was applied is told, also when the connection is lost before a new plan is made', async () => {
  const { connection } = createBusy([
    { result: stale('001-a', '002-b'), history: new MigrationManagerError('connection/lost', 'It was lost.') },
  ])

  expect(await syncTarget(connection, planFrom([]), planFrom, () => {})).toMatchObject({
    status: 'failed',
    done: [{ name: '001-a' }, { name: '002-b' }],
    failed: { name: '003-c', error: { code: 'connection/lost' } },
    left: [{ migration: { name: '004-d' } }],
  })
})

test('what was applied is told, also when another run holds the lock from then on', async () => {
  const { connection } = createBusy([
    { result: stale('001-a'), history: new MigrationManagerError('lock/held', 'Another run is at work.') },
  ])

  expect(await syncTarget(connection, planFrom([]), planFrom, () => {})).toMatchObject({
    status: 'locked',
    done: [{ name: '001-a' }],
    failed: { name: '002-b' },
  })
})

test('what this run has done is not done again when somebody takes it back meanwhile', async () => {
  const { connection, runs } = createBusy([{ result: stale('001-a', '002-b'), history: [] }])

  expect(await syncTarget(connection, planFrom([]), planFrom, () => {})).toMatchObject({
    status: 'blocked',
    done: [{ name: '001-a' }, { name: '002-b' }],
    findings: [{ code: 'plan/stale' }],
  })
  expect(runs).toHaveLength(1)
})
