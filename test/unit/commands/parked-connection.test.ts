import { expect, test } from 'vitest'
import { parkConnection } from '../../../src/commands/parked-connection.ts'
import type { Connection, Reading } from '../../../src/core/driver.ts'
import { digestHistory } from '../../../src/core/history.ts'
import { createMemoryDatabase, memoryDriver } from '../../../src/drivers/memory.ts'
import type { MemoryDatabase } from '../../../src/drivers/memory.ts'
import { connectTo } from '../../contract/suite.ts'
import { migrationsOf } from '../core/samples.ts'
import { countOpen } from './counted.ts'

/** A connection to whatever `at` is then, and how many of them are open. */
function createOpener(at: () => MemoryDatabase): { readonly connect: () => Promise<Connection>; open: number } {
  const opener = {
    open: 0,
    connect: async (): Promise<Connection> => countOpen(opener, await connectTo(memoryDriver, at())),
  }
  return opener
}

/** A connection, and what was read over it. */
async function sightOf(
  database: MemoryDatabase,
): Promise<{ readonly connection: Connection; readonly reading: Reading }> {
  const connection = await connectTo(memoryDriver, database)
  return { connection, reading: await connection.read() }
}

const atOnce = <T>(work: () => Promise<T>): Promise<T> => work()

test('a parked connection opens another one for what is asked of it, and closes it', async () => {
  const database = createMemoryDatabase('one')
  const opener = createOpener(() => database)
  const closed = await sightOf(database)
  const parked = parkConnection('dev', closed, opener.connect, atOnce, new AbortController().signal)

  const [migration] = migrationsOf('001-a')
  if (migration === undefined) throw new Error('no migration')
  const result = await parked.withLock((locked) => {
    expect(opener.open).toBe(1)
    return locked.run([{ kind: 'apply', migration, resumeAt: null }], digestHistory([]))
  })

  expect(result).toMatchObject({ kind: 'done', done: [{ name: '001-a' }] })
  expect(opener.open).toBe(0)
  expect(database.effects).toEqual(['001-a'])
})

test('a database that has become another one is not written to', async () => {
  let current = createMemoryDatabase('one')
  const opener = createOpener(() => current)
  const closed = await sightOf(current)
  const parked = parkConnection('dev', closed, opener.connect, atOnce, new AbortController().signal)
  current = createMemoryDatabase('two')

  await expect(parked.prepare({ rename: false })).rejects.toMatchObject({ code: 'target/other-database' })
  expect(current.initialisedAs).toBeNull()
  expect(opener.open).toBe(0)
})

test('a login that an interruption cuts off is told as the interruption, not as the fault of the server', async () => {
  const database = createMemoryDatabase('one')
  const closed = await sightOf(database)
  const interruption = new AbortController()
  const parked = parkConnection(
    'prod/a',
    closed,
    () => {
      interruption.abort()
      return Promise.reject(new Error('the socket was closed'))
    },
    atOnce,
    interruption.signal,
  )
  await expect(parked.read()).rejects.toMatchObject({ code: 'run/interrupted', environment: 'prod/a' })
})

test('a parked connection knows the histories of other tools where its engine does, and only there', async () => {
  const database = createMemoryDatabase('one')
  const opener = createOpener(() => database)
  const { connection, reading } = await sightOf(database)
  const claim = { name: '0001_a.sql', appliedAt: null, migration: null, doubts: [], isTellable: true }
  const able = { ...connection, claims: async () => [claim] }
  const connect = async (): Promise<Connection> => ({ ...(await opener.connect()), claims: able.claims })
  const { signal } = new AbortController()

  const parked = parkConnection('dev', { connection: able, reading }, connect, atOnce, signal)
  const without = parkConnection('dev', { connection, reading }, opener.connect, atOnce, signal)

  expect(await parked.claims?.('wrangler', [])).toEqual([claim])
  expect(opener.open).toBe(0)
  expect(without).not.toHaveProperty('claims')
})
