import { expect, test } from 'vitest'
import { survey } from '../../../src/commands/survey.ts'
import { MigrationManagerError } from '../../../src/core/errors.ts'
import type { Connection, Driver } from '../../../src/core/driver.ts'
import type { Environment } from '../../../src/core/environment.ts'
import type { Folder } from '../../../src/core/matrix.ts'
import { DEFAULT_LIMITS } from '../../../src/core/policy.ts'
import type { Project } from '../../../src/core/project.ts'
import { createMemoryDatabase, memoryDriver } from '../../../src/drivers/memory.ts'
import { createDeferred } from '../../support/deferred.ts'
import { countOpen } from './counted.ts'

const ENVIRONMENT: Environment = {
  name: 'dev',
  engine: 'memory',
  endpoint: createMemoryDatabase('one'),
  secrets: [],
  protected: false,
  order: 0,
  origin: 'DATABASE_URL',
  migrationsDir: 'database',
}

const NEVER = new AbortController().signal

function projectWith(connect: Driver['connect']): Project {
  return {
    cwd: '/',
    environments: [ENVIRONMENT],
    selected: null,
    historySchema: 'public',
    limits: DEFAULT_LIMITS,
    runId: '00000000-0000-4000-8000-000000000000',
    actor: { osUser: null, gitCommit: null, ciRun: null, ciJob: null, isTreeDirty: async () => null },
    driverOf: () => ({ engine: 'memory', connect }),
  }
}

/** A driver whose connections are counted while they are open. */
function createCounted(): { readonly connect: Driver['connect']; open: number } {
  const counted = {
    open: 0,
    connect: async (...[target, emit, signal]: Parameters<Driver['connect']>): Promise<Connection> => {
      const endpoint = createMemoryDatabase('one')
      const connection = await memoryDriver.connect(
        { ...target, environment: { ...target.environment, endpoint } },
        emit,
        signal,
      )
      return countOpen(counted, connection)
    },
  }
  return counted
}

test('the databases are connected to before the files are read', async () => {
  const counted = createCounted()
  const files = createDeferred<readonly Folder[]>()

  const surveying = survey(projectWith(counted.connect), [ENVIRONMENT], files.promise, () => {}, NEVER)
  await expect.poll(() => counted.open).toBe(1)
  files.resolve([])
  await using seen = await surveying

  expect(seen.sights).toMatchObject([{ isReachable: true }])
})

test('files that cannot be read are what is wrong, and leave no connection open', async () => {
  const counted = createCounted()
  const files = createDeferred<readonly Folder[]>()
  const bad = new MigrationManagerError('migration/no-folder', 'The folder database is not there.')

  const surveying = survey(projectWith(counted.connect), [ENVIRONMENT], files.promise, () => {}, NEVER)
  await expect.poll(() => counted.open).toBe(1)
  files.reject(bad)

  await expect(surveying).rejects.toBe(bad)
  expect(counted.open).toBe(0)
})

test('a login that is under way is given up when the files cannot be read', async () => {
  const bad = new MigrationManagerError('migration/no-folder', 'The folder database is not there.')
  const connect: Driver['connect'] = (_target, _emit, signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('given up')), { once: true }))

  await expect(survey(projectWith(connect), [ENVIRONMENT], Promise.reject(bad), () => {}, NEVER)).rejects.toBe(bad)
})

test('a driver that fails at once, and in an unforeseen way, is heard of when the files are read', async () => {
  const files = createDeferred<readonly Folder[]>()
  const fault = new Error('a fault of ours')

  const surveying = survey(
    projectWith(() => Promise.reject(fault)),
    [ENVIRONMENT],
    files.promise,
    () => {},
    NEVER,
  )
  await new Promise((resolve) => setImmediate(resolve))
  files.resolve([])

  await expect(surveying).rejects.toBe(fault)
})

test('files that cannot be read are what is wrong, also where there is no environment to connect to', async () => {
  const bad = new MigrationManagerError('migration/no-folder', 'The folder database is not there.')
  const project = projectWith(() => Promise.reject(new Error('nobody connects')))

  await expect(survey(project, [], Promise.reject(bad), () => {}, NEVER)).rejects.toBe(bad)
})
