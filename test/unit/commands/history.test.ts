import { expect, test } from 'vitest'
import { readHistory } from '../../../src/commands/history.ts'
import type { HistoryReport } from '../../../src/commands/history.ts'
import { unreadRow } from '../../../src/core/history.ts'
import type { AppliedMigration } from '../../../src/core/history.ts'
import { DEFAULT_LIMITS } from '../../../src/core/policy.ts'
import { createMemoryDatabase, memoryDriver } from '../../../src/drivers/memory.ts'

const EVERYTHING = { onlyFailed: false, diff: false, needsAll: true }

function row(name: string, runId: string): AppliedMigration {
  return { ...unreadRow({ name, checksum: 'sha256:x' }, 'applied'), runId }
}

/** What is said of a log without a row, whose history was `before` at the login and is `after` when the log was read. */
async function checkEmptyLog(
  before: readonly AppliedMigration[],
  after: readonly AppliedMigration[],
): Promise<HistoryReport['environments'][number]['logBreak'] | undefined> {
  const database = createMemoryDatabase('one')
  database.history = before
  const report = await readHistory(
    {
      cwd: '/',
      environments: [
        {
          name: 'dev',
          engine: 'memory',
          endpoint: database,
          secrets: [],
          protected: false,
          order: 0,
          origin: 'DATABASE_URL',
          migrationsDir: 'database',
        },
      ],
      selected: null,
      historySchema: 'public',
      limits: DEFAULT_LIMITS,
      runId: '00000000-0000-4000-8000-000000000000',
      actor: { osUser: null, gitCommit: null, ciRun: null, ciJob: null, isTreeDirty: async () => null },
      driverOf: () => ({
        engine: 'memory',
        connect: async (target, emit, signal) => ({
          ...(await memoryDriver.connect(
            { ...target, environment: { ...target.environment, endpoint: database } },
            emit,
            signal,
          )),
          async log() {
            database.history = after
            return []
          },
        }),
      }),
    },
    EVERYTHING,
    () => {},
    new AbortController().signal,
  )
  return report.environments[0]?.logBreak
}

test('a log that tells nothing of what is applied, before and after it was read, is cut off', async () => {
  const rows = [row('001-a', 'run 1')]
  expect(await checkEmptyLog(rows, rows)).toEqual({ id: 1, reason: 'cut-off', migration: '001-a' })
})

test.each([
  ['taken back', []],
  ['taken back and applied again', [row('001-a', 'run 2')]],
  ['taken back, and another one applied', [row('002-b', 'run 2')]],
  ['begun to be taken back', [{ ...row('001-a', 'run 1'), status: 'started' as const, step: -1 }]],
])('a log is whole where what was applied at the login is %s meanwhile', async (_, after) => {
  expect(await checkEmptyLog([row('001-a', 'run 1')], after)).toBeNull()
})
