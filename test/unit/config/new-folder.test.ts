import { describe, expect, test } from 'vitest'
import { folderForNew } from '../../../src/config/new-folder.ts'
import { ProblemsError } from '../../../src/core/errors.ts'
import type { Problem } from '../../../src/core/errors.ts'
import { type Given, sourcesOf } from './samples.ts'

const DEV = 'postgres://app:pw@localhost/app'
const OWN = { LOCAL_DATABASE_URL: 'd1-local:DB', LOCAL_MIGRATIONS_DIR: 'd1' }
const TWO = { ...OWN, EDGE_DATABASE_URL: 'd1-local:EDGE', EDGE_MIGRATIONS_DIR: 'edge' }

function folderOf(given: Given): string | readonly Problem[] {
  try {
    return folderForNew(sourcesOf(given))
  } catch (error) {
    if (error instanceof ProblemsError) return error.problems
    throw error
  }
}

describe('a new migration goes', () => {
  test.each<[string, Given, string]>([
    ['into database where nothing is configured', {}, 'database'],
    ['into MIGRATIONS_DIR where nothing else is', { env: { MIGRATIONS_DIR: 'db' } }, 'db'],
    ['into the folder that all share', { env: { DATABASE_URL: DEV, PROD_DATABASE_URL: DEV } }, 'database'],
    ['into the only folder that an environment uses', { env: OWN }, 'd1'],
    ['into the shared one where somebody uses it', { env: { ...OWN, DATABASE_URL: DEV } }, 'database'],
    ['into the shared one, however it is written', { env: { ...OWN, LOCAL_MIGRATIONS_DIR: './database' } }, 'database'],
    ['where --dir says', { env: OWN, dir: 'other' }, 'other'],
    [
      'into the folder of the environment that --env names',
      { env: { ...TWO, DATABASE_URL: DEV }, only: ['edge'] },
      'edge',
    ],
    [
      'into the folder of the environment of a database',
      { env: { ...TWO, DATABASE_URL: DEV }, only: ['edge/acme'] },
      'edge',
    ],
    [
      'into the one folder of several environments',
      { env: { ...OWN, DATABASE_URL: DEV, PROD_DATABASE_URL: DEV }, only: ['dev,prod'] },
      'database',
    ],
    [
      'where it belongs though a connection string is broken',
      { env: { ...OWN, LOCAL_DATABASE_URL: 'mysql://x' } },
      'd1',
    ],
  ])('%s', (_what, given, folder) => {
    expect(folderOf(given)).toBe(folder)
  })
})

describe('nobody knows where a new migration belongs', () => {
  test('where each environment has a folder of its own: the choices are named', () => {
    expect(folderOf({ env: TWO })).toMatchObject([
      { code: 'config/ambiguous-folder', hint: 'Say for whom it is: --env edge (edge), --env local (d1).' },
    ])
  })

  test('where --env names environments of two folders', () => {
    expect(folderOf({ env: { ...OWN, DATABASE_URL: DEV }, only: ['dev', 'local'] })).toMatchObject([
      { code: 'config/ambiguous-folder' },
    ])
  })

  test.each<[string, Given, string]>([
    ['an environment that is none', { env: OWN, only: ['loacl'] }, 'config/unknown-environment'],
    ['an environment, and there is none', { only: ['local'] }, 'config/no-environment'],
    ['nothing', { env: OWN, only: [''] }, 'config/empty-option'],
  ])('where --env names %s', (_what, given, code) => {
    expect(folderOf(given)).toMatchObject([{ code }])
  })
})
