import postgres from 'postgres'
import { expect, test } from 'vitest'
import { findLostTables } from '../../src/core/lost-tables.ts'
import type { Finding } from '../../src/core/finding.ts'
import { lockKey } from '../../src/drivers/postgres/lock.ts'
import { parseFacts, readMessage } from '../../src/drivers/postgres/reading.ts'
import { createTables, tablesOf } from '../../src/drivers/postgres/tables.ts'
import type { Tables } from '../../src/drivers/postgres/tables.ts'
import { createDatabase } from '../support/server.ts'

const ROUNDS = 300

function create(tables: Tables): string {
  return `DO $$ BEGIN ${createTables(tables)} END $$;`
}

/** What a run leaves of its first migration. */
function record({ history, log }: Tables): string {
  return `INSERT INTO ${history} (migration_name, checksum, status, applied_at, applied_by) VALUES ('1-a', 'x', 'applied', now(), 'x');
INSERT INTO ${log} (id, at, event, migration_name, outcome, role, detail, previous_hash, hash) VALUES (1, now(), 'apply', '1-a', 'applied', 'x', '{}', '', '');`
}

test.each([
  { what: 'its first migration', before: create, change: record },
  { what: 'the tables and its first migration', before: () => '', change: (t: Tables) => create(t) + record(t) },
])(
  'a reading between whose statements another run commits $what does not take anything for lost',
  async ({ before, change }) => {
    await using database = await createDatabase('race')
    const options = { max: 1, fetch_types: false, onnotice: () => {} }
    const writer = postgres(database.url, options)
    const readers = [postgres(database.url, options), postgres(database.url, options)]
    const found: Finding[] = []
    const seen = { absent: 0, there: 0 }

    for (let round = 0; round < ROUNDS; round++) {
      const tables = tablesOf(`s${round}`)
      const message = readMessage(tables, lockKey('public'))
      await writer.unsafe(`CREATE SCHEMA ${tables.schema}; ${before(tables)}`).simple()
      await Promise.all([
        writer.unsafe(`BEGIN; ${change(tables)} COMMIT`).simple(),
        ...readers.map(async (reader) => {
          for (let reading = 0; reading < 3; reading++) {
            const answers = await reader.unsafe(message).simple().values()
            const facts = parseFacts(answers.flat().filter((row) => typeof row?.[0] === 'string'))
            seen[facts.history.length > 0 ? 'there' : 'absent']++
            found.push(...findLostTables('dev', { ...facts, hasRows: facts.history.length > 0 }))
          }
        }),
      ])
    }
    await Promise.all([writer, ...readers].map((sql) => sql.end()))

    expect(found).toEqual([])
    // Otherwise nothing was told of what is between.
    expect(Math.min(seen.absent, seen.there)).toBeGreaterThan(ROUNDS / 10)
  },
  120_000,
)
