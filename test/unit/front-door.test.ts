import { expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands/index.ts'
import {
  adopt,
  checkReversible,
  createMigration,
  init,
  readHistory,
  repair,
  rollback,
  status,
  sync,
  verify,
} from '../../src/index.ts'

/** What a program calls for each verb of the command line. */
const CALLS = {
  adopt,
  check: checkReversible,
  history: readHistory,
  init,
  new: createMigration,
  plan: sync,
  repair,
  rollback,
  status,
  sync,
  verify,
}

test('the library does what every verb of the command line does', () => {
  const names = COMMANDS.map(({ name }) => name).filter((name) => name !== 'completion')

  expect(Object.keys(CALLS)).toEqual(names.toSorted())
  expect(Object.values(CALLS).map((call) => typeof call)).toEqual(names.map(() => 'function'))
})
