import { expect, test, vi } from 'vitest'
import type { RunEvent } from '../../src/core/event.ts'
import { digestHistory } from '../../src/core/history.ts'
import { FRESH, historyOf, makeMigration, run } from '../contract/suite.ts'
import { createDeferred } from '../support/deferred.ts'
import { connectPostgres } from '../support/postgres-connection.ts'
import { createCountingProxy } from '../support/proxy.ts'
import { createDatabase } from '../support/server.ts'

const WAITS = makeMigration('001-waits', 'ALTER TABLE t ADD COLUMN a int;')
/** Never long enough for anybody to be asked who holds the lock. */
const FAILS = makeMigration('002-fails', 'LOCK TABLE u IN ACCESS EXCLUSIVE MODE NOWAIT;')
/** How many have been told who holds the lock. In a transaction the server would show what it has shown before. */
const ANSWERED = `SELECT pg_stat_clear_snapshot();
SELECT count(*)::int AS answered FROM pg_stat_activity
WHERE datname = current_database() AND state = 'idle' AND query LIKE '%pg_blocking_pids(%'`
/** The login by password takes the others. */
const LAST_FLIGHT = 4
const HINT = 'Others held a lock that this statement needs.'

test('who has let go of a lock is not blamed for the next one', async () => {
  await using database = await createDatabase('blocker')
  await database.query('CREATE TABLE t (id int); CREATE TABLE u (id int)')
  const named = createDeferred<void>()
  await using connection = await connectPostgres(database, {
    limits: { lockRetries: 0 },
    emit: (event) => void (isWait(event) && named.resolve()),
  })
  await database.query('BEGIN; LOCK TABLE t IN ACCESS SHARE MODE')

  const running = run(connection, [WAITS], FRESH)
  await named.promise
  await database.query('COMMIT; BEGIN; LOCK TABLE u IN ACCESS SHARE MODE')
  expect(await running).toMatchObject({ kind: 'done' })
  const failed = await run(connection, [FAILS], digestHistory(await historyOf(connection)))

  expect(failed).toMatchObject({
    kind: 'failed',
    failed: { error: { engineCode: '55P03', hint: expect.stringContaining(HINT) } },
  })
})

test('nor is it in the same message', async () => {
  await using database = await createDatabase('blocker')
  await database.query('CREATE TABLE t (id int); CREATE TABLE u (id int)')
  const named = createDeferred<void>()
  await using connection = await connectPostgres(database, {
    limits: { lockRetries: 0 },
    emit: (event) => void (isWait(event) && named.resolve()),
  })
  await database.query('BEGIN; LOCK TABLE t IN ACCESS SHARE MODE')

  const running = run(connection, [WAITS, FAILS], FRESH)
  await named.promise
  await database.query('COMMIT; BEGIN; LOCK TABLE u IN ACCESS SHARE MODE')

  expect(await running).toMatchObject({
    kind: 'failed',
    failed: { name: '002-fails', error: { engineCode: '55P03', hint: expect.stringContaining(HINT) } },
  })
})

test('who is named only when the migration is through is not announced', async () => {
  await using database = await createDatabase('blocker')
  await database.query('CREATE TABLE t (id int)')
  let isSlow = true
  await using proxy = await createCountingProxy({
    serverPort: database.server.port,
    isHeld: (connection, [first]) => isSlow && connection !== first && connection.flights >= LAST_FLIGHT,
  })
  const events: RunEvent[] = []
  await using connection = await connectPostgres(database, { emit: (event) => void events.push(event) }, proxy.port)
  await database.query('BEGIN; LOCK TABLE t IN ACCESS SHARE MODE')

  const running = run(connection, [WAITS], FRESH)
  await vi.waitFor(async () => expect(await database.query(ANSWERED)).toEqual([{ answered: 1 }]), 10_000)
  await database.query('COMMIT')
  expect(await running).toMatchObject({ kind: 'done' })
  isSlow = false
  // What is held is looked at whenever a client speaks.
  await connection.read()
  await vi.waitFor(() => expect(proxy.connections[1]).toMatchObject({ isClosed: true }), 10_000)

  expect(events.filter(isWait)).toEqual([])
})

function isWait(event: RunEvent): boolean {
  return event.type === 'waiting' && event.what.startsWith('waiting for a lock that pid ')
}
