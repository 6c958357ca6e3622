import { expect, test } from 'vitest'
import { escapedError, undecidableError } from '../../../src/drivers/postgres/failure.ts'
import { sourceOf } from '../../../src/core/plan.ts'
import { migrationsOf } from '../core/samples.ts'
import { CONTEXT } from './samples.ts'

const RUN = { context: CONTEXT }

test('what a person must say of a migration is a command that runs nothing out of its name', () => {
  const [migration] = migrationsOf('001-x&touch pwn')
  if (migration === undefined) throw new Error('no file')
  const source = sourceOf({ kind: 'apply', migration, resumeAt: null })

  expect(escapedError(RUN, migration).hint).toContain("repair finish '001-x&touch pwn' --env dev")
  const hint = undecidableError(RUN, { migration, source, isRevert: false }, 0, 0).hint
  expect(hint).toContain("repair finish '001-x&touch pwn' --env dev")
  expect(hint).toContain("WHERE migration_name = '001-x&touch pwn',")
})
