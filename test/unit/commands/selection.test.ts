import { expect, test } from 'vitest'
import { allEnvironments, environmentsFrom, environmentsToRead } from '../../../src/commands/selection.ts'
import type { Environment } from '../../../src/core/environment.ts'
import { DEFAULT_LIMITS } from '../../../src/core/policy.ts'
import type { Project } from '../../../src/core/project.ts'
import { environmentOf } from '../core/samples.ts'

/** dev, staging and prod, of which staging has no connection string. */
function projectWith(...selected: readonly string[]): Project {
  return {
    cwd: '/',
    environments: [environmentOf('dev', 0), environmentOf('prod', 2)],
    selected,
    unconfigured: [{ order: 1, problem: { code: 'config/missing-url', message: 'STAGING_DATABASE_URL is not set.' } }],
    historySchema: 'public',
    limits: DEFAULT_LIMITS,
    runId: '00000000-0000-4000-8000-000000000000',
    actor: { osUser: null, gitCommit: null, ciRun: null, ciJob: null, isTreeDirty: async () => null },
    driverOf: () => {
      throw new Error('nobody connects')
    },
  }
}

function namesOf(environments: readonly Environment[]): readonly string[] {
  return environments.map(({ name }) => name)
}

test('one that cannot be read stops what has to read it, and nothing else', () => {
  expect(namesOf(environmentsToRead(projectWith('dev')))).toEqual(['dev'])
  expect(namesOf(environmentsFrom(projectWith('prod')))).toEqual(['prod'])
  const missing = expect.objectContaining({
    code: 'config/missing-url',
    message: expect.stringContaining('STAGING_DATABASE_URL is not set. It '),
  })
  expect(() => environmentsToRead(projectWith('prod'))).toThrow(missing)
  expect(() => environmentsFrom(projectWith('dev'))).toThrow(missing)
  expect(() => allEnvironments(projectWith('dev'))).toThrow(missing)
})
