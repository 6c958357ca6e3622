import { expect, test } from 'vitest'
import { refuseTwins } from '../../../src/commands/same-database.ts'
import type { Environment } from '../../../src/core/environment.ts'
import { MigrationManagerError } from '../../../src/core/errors.ts'
import { DEFAULT_LIMITS } from '../../../src/core/policy.ts'
import { environmentOf } from '../core/samples.ts'

/** The code and message when those of `environments` are looked at that are named; null where nothing is. */
function refusalOf(environments: readonly Environment[], ...looked: readonly string[]): string | null {
  const error = errorOf(environments, ...looked)
  return error === null ? null : `${error.code} ${error.message}`
}

function errorOf(environments: readonly Environment[], ...looked: readonly string[]): MigrationManagerError | null {
  const project = {
    cwd: '/',
    environments,
    selected: null,
    historySchema: 'public',
    limits: DEFAULT_LIMITS,
    runId: '00000000-0000-4000-8000-000000000000',
    actor: { osUser: null, gitCommit: null, ciRun: null, ciJob: null, isTreeDirty: async () => null },
    driverOf: (engine: string) => ({
      engine,
      databaseOf: ({ endpoint }: Environment) => String(endpoint),
      connect: () => Promise.reject(new Error('nobody connects')),
    }),
  }
  try {
    const isLookedAt = new Set(looked)
    refuseTwins(
      project,
      environments.filter(({ name }) => isLookedAt.has(name)),
    )
    return null
  } catch (error) {
    if (error instanceof MigrationManagerError) return error
    throw error
  }
}

function at(endpoint: string, name: string, fleet?: string): Environment {
  return { ...environmentOf(name), endpoint, ...(fleet === undefined ? {} : { fleet }) }
}

test('two environments that are one database are refused where one of them is looked at', () => {
  const environments = [at('a', 'dev'), at('b', 'staging'), at('a', 'prod')]
  const refusal = 'target/same-database dev and prod are the same database.'
  expect(refusalOf(environments, 'dev')).toBe(refusal)
  expect(refusalOf(environments, 'prod')).toBe(refusal)
  expect(refusalOf(environments, 'dev', 'staging', 'prod')).toBe(refusal)
  expect(refusalOf(environments, 'staging')).toBeNull()
})

test('of two lists one pair is named', () => {
  const environments = [
    at('a', 'dev/a', 'dev'),
    at('b', 'dev/b', 'dev'),
    at('a', 'prod/a', 'prod'),
    at('b', 'prod/b', 'prod'),
  ]
  expect(refusalOf(environments, 'dev/a', 'dev/b')).toBe(
    'target/same-database dev/a and prod/a are the same database. So are 1 more of dev and prod.',
  )
})

test('another engine has other databases', () => {
  expect(refusalOf([at('a', 'dev'), { ...at('a', 'prod'), engine: 'other' }], 'dev')).toBeNull()
})

test('the hint says how one of the two is left out, but not of two in one list', () => {
  const hint = 'list in MIGRATION_ENVIRONMENTS the environments that take part.'
  expect(errorOf([at('a', 'dev'), at('a', 'direct')], 'dev')?.hint).toContain(hint)
  expect(errorOf([at('a', 'prod/a', 'prod'), at('a', 'prod/b', 'prod')], 'prod/a')?.hint).not.toContain(hint)
})
