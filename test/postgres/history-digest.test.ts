import { expect, test } from 'vitest'
import { digestHistory } from '../../src/core/history.ts'
import type { AppliedMigration } from '../../src/core/history.ts'
import { createTables, historyDigest, tablesOf } from '../../src/drivers/postgres/tables.ts'
import { createDatabase } from '../support/server.ts'

const NAMES = {
  'no rows': [],
  'one row': ['001-a'],
  'rows in another order than their names': ['010-b', '2-c', '001-a'],
  'names that a locale would sort otherwise': ['001-a', '001-B', '001-_', '001-b', '001 c', '001-é', '001-e\u0301'],
  'names that UTF-16 sorts otherwise than UTF-8': ['001-🎉', '001-Ａ', '001-\uFFFD', '001-数据'],
  'names with quotes, colons and backslashes': ["001-it's", '001-a:b', '001-a\\nb', '001-"x"'],
} satisfies Record<string, readonly string[]>

test.each(Object.entries(NAMES))('the database computes the same digest as the core: %s', async (_, names) => {
  await using database = await createDatabase('digest')
  const tables = tablesOf('history of "ours"')
  await database.query(`DO $do$BEGIN ${createTables(tables)} END$do$`)
  const history = names.map(rowOf)
  for (const { name, checksum, status } of history) {
    await database.query(`INSERT INTO ${tables.history} (migration_name, checksum, status, applied_at, applied_by)
      VALUES (E'${name.replaceAll('\\', '\\\\').replaceAll("'", "''")}', '${checksum}', '${status}', ${status === 'applied' ? 'now()' : 'NULL'}, 'me')`)
  }

  expect(await database.query(`SELECT ${historyDigest(tables)} AS digest`)).toEqual([
    { digest: digestHistory(history) },
  ])
})

function rowOf(name: string, index: number): AppliedMigration {
  return {
    name,
    checksum: `sha256:${index}`,
    status: index % 2 === 0 ? 'applied' : 'started',
    step: null,
    appliedAt: null,
    durationMs: null,
    appliedBy: 'me',
    runId: null,
  }
}
