import { expect, test } from 'vitest'
import { expectHistories } from '../../src/core/expected-history.ts'
import { digestHistory } from '../../src/core/history.ts'
import type { AppliedMigration } from '../../src/core/history.ts'
import { postgresDriver } from '../../src/drivers/postgres/index.ts'
import { parsePostgresUrl } from '../../src/drivers/postgres/url.ts'
import type { PostgresEndpoint } from '../../src/drivers/postgres/url.ts'
import { createTables, historyDigest, tablesOf } from '../../src/drivers/postgres/tables.ts'
import { connectTo, makeMigration, run } from '../contract/suite.ts'
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

test('rows are not sent when their digest is one of those expected, and are as soon as one differs', async () => {
  await using database = await createDatabase('digest')
  const endpoint = endpointOf(database.url)
  const migrations = Array.from({ length: 110 }, (_, index) => makeMigration(`${index + 100}-a`, '-- nothing'))
  const expected = expectHistories(migrations)
  if (expected === null) throw new Error('nothing is expected')
  const timesRead = async (): Promise<readonly number[]> => {
    await using connection = await connectTo(postgresDriver, endpoint, { expected: Promise.resolve(expected) })
    const first = await connection.read()
    const second = await connection.read()
    return [first, second].map(({ history }) => history.filter(({ appliedAt }) => appliedAt !== null).length)
  }
  await using connection = await connectTo(postgresDriver, endpoint)
  await run(connection, migrations.slice(0, 109), digestHistory([]))

  // Only a row that was sent has a time. The second reading is asked for by somebody who must know each row.
  expect(await timesRead()).toEqual([0, 109])
  await database.query("UPDATE schema_migrations SET checksum = 'sha256:edited' WHERE migration_name = '105-a'")
  expect(await timesRead()).toEqual([109, 109])
})

function endpointOf(url: string): PostgresEndpoint {
  const parsed = parsePostgresUrl(url, { projectDir: process.cwd(), variable: () => undefined })
  if (!parsed.ok) throw new Error(parsed.message)
  return parsed.endpoint
}

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
