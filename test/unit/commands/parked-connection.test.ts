import { expect, test } from 'vitest'
import { parkConnection } from '../../../src/commands/parked-connection.ts'
import type { Connection } from '../../../src/core/driver.ts'
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

const atOnce = <T>(work: () => Promise<T>): Promise<T> => work()

test('a parked connection opens another one for what is asked of it, and closes it', async () => {
  const database = createMemoryDatabase('one')
  const opener = createOpener(() => database)
  const reading = await (await connectTo(memoryDriver, database)).read()
  const parked = parkConnection('dev', reading, opener.connect, atOnce, new AbortController().signal)

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
  const reading = await (await connectTo(memoryDriver, current)).read()
  const parked = parkConnection('dev', reading, opener.connect, atOnce, new AbortController().signal)
  current = createMemoryDatabase('two')

  await expect(parked.prepare({ rename: false })).rejects.toMatchObject({ code: 'target/other-database' })
  expect(current.initialisedAs).toBeNull()
  expect(opener.open).toBe(0)
})

test('a login that an interruption cuts off is told as the interruption, not as the fault of the server', async () => {
  const database = createMemoryDatabase('one')
  const reading = await (await connectTo(memoryDriver, database)).read()
  const interruption = new AbortController()
  const parked = parkConnection(
    'prod/a',
    reading,
    () => {
      interruption.abort()
      return Promise.reject(new Error('the socket was closed'))
    },
    atOnce,
    interruption.signal,
  )
  await expect(parked.read()).rejects.toMatchObject({ code: 'run/interrupted', environment: 'prod/a' })
})
