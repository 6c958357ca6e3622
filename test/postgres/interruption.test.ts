import { connect as dial, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { openSession } from '../../src/drivers/postgres/session.ts'
import { rehearseReversals } from '../../src/runner/reversal.ts'
import { FRESH, historyOf, makeMigration, run } from '../contract/suite.ts'
import { createDeferred } from '../support/deferred.ts'
import { connectPostgres, endpointOf, whatWaits } from '../support/postgres-connection.ts'
import { createDatabase } from '../support/server.ts'

/** Waits until the test's own session gives the lock back. */
const GATE = 'SELECT pg_advisory_xact_lock(4711)'

test('verify hears an interruption, and says so in place of a query that failed', async () => {
  await using database = await createDatabase('interruption')
  await database.query('SELECT pg_advisory_lock(4711)')
  const interruption = new AbortController()
  await using connection = await connectPostgres(database, { signal: interruption.signal })

  const verifying = connection.verify([makeMigration('001-a', `-- verify: ${GATE} IS NOT NULL\nSELECT 1;`)])
  await vi.waitFor(async () => expect(await whatWaits(database)).toEqual(['advisory']), 10_000)
  interruption.abort()

  await expect(verifying).rejects.toMatchObject({ code: 'run/interrupted', hint: expect.any(String) })
})

test('the verify queries of a migration of steps hear it too: its steps are done, and it is not applied', async () => {
  await using database = await createDatabase('interruption')
  await database.query('CREATE TABLE t (id int); SELECT pg_advisory_lock(4711)')
  const interruption = new AbortController()
  await using connection = await connectPostgres(database, { signal: interruption.signal })
  const text = `-- verify: ${GATE} IS NOT NULL\nCREATE INDEX CONCURRENTLY t_id ON t (id);`

  const running = run(connection, [makeMigration('001-a', text)], FRESH)
  await vi.waitFor(async () => expect(await whatWaits(database)).toEqual(['advisory']), 10_000)
  interruption.abort()

  expect(await running).toMatchObject({
    kind: 'failed',
    failed: {
      isResumable: true,
      error: { code: 'run/interrupted', hint: expect.stringContaining('All of its steps') },
    },
  })
  expect(await historyOf(connection)).toMatchObject([{ name: '001-a', status: 'started', step: 1 }])
})

test('an interrupted rehearsal is not the fault of the migration that was under way', async () => {
  await using database = await createDatabase('interruption')
  await database.query('SELECT pg_advisory_lock(4711)')
  const interruption = new AbortController()
  await using connection = await connectPostgres(database, { signal: interruption.signal })

  const rehearsing = rehearseReversals(connection, [makeMigration('001-a', `${GATE};`)], new Set(), () => {})
  await vi.waitFor(async () => expect(await whatWaits(database)).toEqual(['advisory']), 10_000)
  interruption.abort()

  await expect(rehearsing).rejects.toMatchObject({ code: 'run/interrupted' })
})

test('a server that answers while it is asked whether it is at work keeps its connection', async () => {
  await using database = await createDatabase('interruption')
  const asked = createDeferred<void>()
  const atWork = createDeferred<boolean>()
  const { session } = await openSession(endpointOf(database.url), 'SELECT 1', {
    connectMs: 10_000,
    signal: new AbortController().signal,
    isAtWork() {
      asked.resolve()
      return atWork.promise
    },
  })
  await database.query('SELECT pg_advisory_lock(4711)')

  const answer = session.ask(`${GATE};SELECT 'answered'`, 100)
  await asked.promise
  await database.query('SELECT pg_advisory_unlock(4711)')
  expect(await answer).toEqual([['answered']])
  atWork.resolve(false)
  await atWork.promise

  expect(await session.ask("SELECT 'and again'", 10_000)).toEqual([['and again']])
  session.close()
})

/** Stands before the server, keeps the first message of a run, and breaks the connection after that one as well. */
async function createHoldingProxy(
  serverPort: number,
): Promise<
  AsyncDisposable & { readonly port: number; readonly whenHeld: Promise<void>; breakClient(): void; deliver(): void }
> {
  const held = createDeferred<void>()
  let late: { readonly client: Socket; readonly server: Socket; bytes: Buffer } | null = null
  let hasBrokenAgain = false
  const sockets = new Set<Socket>()
  const listener = createServer((client) => {
    const server = dial({ port: serverPort, host: '127.0.0.1' })
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    client.on('close', () => {
      if (late?.client !== client) server.destroy()
    })
    server.on('close', () => client.destroy())
    server.on('data', (data) => client.write(data))
    client.on('data', (data) => {
      if (late === null && data.includes('pg_try_advisory_lock(')) {
        late = { client, server, bytes: data }
        held.resolve()
      } else if (late?.client === client) {
        late.bytes = Buffer.concat([late.bytes, data])
      } else if (!hasBrokenAgain && data.includes('pg_terminate_backend')) {
        hasBrokenAgain = true
        client.destroy()
      } else {
        server.write(data)
      }
    })
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    port: address.port,
    whenHeld: held.promise,
    breakClient: () => late?.client.destroy(),
    deliver() {
      if (late?.server.destroyed === false) late.server.write(late.bytes)
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => listener.close(resolve))
    },
  }
}

test('a message that was held up is not carried out after all, though the first new connection broke as well', async () => {
  await using database = await createDatabase('interruption')
  await using proxy = await createHoldingProxy(database.server.port)
  const interruption = new AbortController()
  await using connection = await connectPostgres(database, { signal: interruption.signal }, proxy.port)

  const running = run(connection, [makeMigration('001-a', 'CREATE TABLE a (x int);')], FRESH)
  await proxy.whenHeld
  interruption.abort()
  proxy.breakClient()
  const result = await running
  proxy.deliver()

  expect(result).toMatchObject({ kind: 'failed', done: [], failed: { error: { code: 'run/interrupted' } } })
  // Whatever was on its way has arrived when its backend has ended.
  await vi.waitFor(async () => {
    const [row] = await database.query(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'migration-manager'",
    )
    expect(row).toEqual({ n: 1 })
  }, 10_000)
  expect(await historyOf(connection)).toEqual([])
})
