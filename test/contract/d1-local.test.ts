import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LostAnswer } from '../../src/drivers/d1/client.ts'
import type { D1Client } from '../../src/drivers/d1/client.ts'
import { createD1Driver } from '../../src/drivers/d1/index.ts'
import { createLocalClient } from '../../src/drivers/d1/local.ts'
import type { D1Endpoint, LocalEndpoint } from '../../src/drivers/d1/url.ts'
import type { RealDatabase } from '../support/d1/database.ts'
import { contentsOf, effectsOf, isWaiting, PREPARE, tamperWith, textOf, untilEffective } from './d1.ts'
import { describeDriver } from './driver.ts'
import { createGate } from './gate.ts'
import type { Gate } from './gate.ts'
import type { ContractDatabase } from './suite.ts'

/*
 * The driver on wrangler's local state. What a network does to a request cannot happen here by itself, so a gate before
 * the client does it.
 */

type Decision = 'works' | 'request-lost' | 'answer-lost'

/** What stands between the driver and a database, by the database's id. */
const ways = new Map<string, { readonly gate: Gate<Decision>; isReachable: boolean }>()

const driver = createD1Driver(async ({ environment, limits }, signal) => {
  if (environment.endpoint.kind !== 'local') throw new Error('not a local database')
  const client = await createLocalClient(environment.endpoint, { withinMs: limits.connectMs, signal })
  const way = ways.get(environment.endpoint.databaseId)
  return {
    ...client,
    async batch(queries, options) {
      const isHeld = isWaiting(queries.map(({ sql }) => sql).join('\n'))
      if (way === undefined || (!isHeld && !way.isReachable)) throw new LostAnswer('not reachable')
      const decision = isHeld ? await unlessAborted(way.gate.wait(), options.signal) : 'works'
      if (decision === 'request-lost') throw new LostAnswer('the request was lost')
      const rows = await client.batch(queries, options)
      if (decision === 'answer-lost') throw new LostAnswer('the answer was lost')
      return rows
    },
  } satisfies D1Client
})

describeDriver('d1 (local)', driver, async (): Promise<ContractDatabase<D1Endpoint>> => {
  const dir = mkdtempSync(join(tmpdir(), 'mm-d1-'))
  const databaseId = randomUUID()
  const endpoint: LocalEndpoint = { kind: 'local', persistDir: dir, databaseId, projectDir: process.cwd() }
  const client = await createLocalClient(endpoint, { withinMs: 20_000 })
  const database: Pick<RealDatabase, 'query'> = {
    async query(sql, ...params) {
      const [rows = []] = await client.batch([{ sql, params: params.map(String) }], { withinMs: 10_000 })
      return rows
    },
  }
  await client.batch(PREPARE, { withinMs: 10_000 })
  const way = { gate: createGate<Decision>(), isReachable: true }
  ways.set(databaseId, way)
  return {
    endpoint,
    textOf,
    effects: () => effectsOf(database),
    contents: () => contentsOf(database),
    tamper: (name, checksum) => tamperWith(database, name, checksum),
    whenWaiting: () => way.gate.whenWaiting(),
    async release() {
      way.gate.open('works')
    },
    async terminate() {
      way.gate.decide('request-lost')
    },
    async commitUnheard(name) {
      way.gate.open('answer-lost')
      await untilEffective(database, name)
    },
    setReachable(isReachable) {
      way.isReachable = isReachable
    },
    async [Symbol.asyncDispose]() {
      await client.close()
      rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    },
  }
})

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T | 'request-lost'> {
  return new Promise((resolve) => {
    void promise.then(resolve)
    if (signal?.aborted === true) resolve('request-lost')
    signal?.addEventListener('abort', () => resolve('request-lost'), { once: true })
  })
}
