import { randomUUID } from 'node:crypto'
import { afterAll } from 'vitest'
import { d1Driver } from '../../src/drivers/d1/index.ts'
import { parseD1Url } from '../../src/drivers/d1/url.ts'
import type { D1Endpoint } from '../../src/drivers/d1/url.ts'
import { startDatabases } from '../support/d1/database.ts'
import { startShim } from '../support/d1/shim.ts'
import { contentsOf, effectsOf, isWaiting, PREPARE, tamperWith, textOf, untilEffective } from './d1.ts'
import { describeDriver } from './driver.ts'
import { createGate } from './gate.ts'
import type { ContractDatabase } from './suite.ts'

/*
 * The driver's own HTTP client against a server that speaks Cloudflare's API over a real D1.
 */

const databases = startDatabases(120)
afterAll(() => databases[Symbol.asyncDispose]())

describeDriver('d1 (HTTP)', d1Driver, async (): Promise<ContractDatabase<D1Endpoint>> => {
  const database = await databases.next()
  await database.batch(PREPARE)
  const shim = await startShim(database, randomUUID())
  const gate = createGate<'works' | 'request-lost' | 'answer-lost'>()
  shim.fateOf = ({ text }) => (isWaiting(text) ? { kind: 'held', until: gate.wait() } : { kind: 'works' })
  const variables: Record<string, string> = {
    CLOUDFLARE_ACCOUNT_ID: shim.accountId,
    CLOUDFLARE_API_TOKEN: shim.token,
    CLOUDFLARE_API_BASE_URL: shim.url,
  }
  const url = parseD1Url(`d1://${shim.databaseId}`, { projectDir: '/nowhere', variable: (name) => variables[name] })
  if (!url.ok) throw new Error(url.message)
  return {
    endpoint: url.endpoint,
    textOf,
    effects: () => effectsOf(database),
    contents: () => contentsOf(database),
    tamper: (name, checksum) => tamperWith(database, name, checksum),
    whenWaiting: () => gate.whenWaiting(),
    async release() {
      gate.open('works')
    },
    async terminate() {
      gate.decide('request-lost')
    },
    async commitUnheard(name) {
      gate.open('answer-lost')
      await untilEffective(database, name)
    },
    setReachable(isReachable) {
      shim.isReachable = isReachable
    },
    [Symbol.asyncDispose]: () => shim[Symbol.asyncDispose](),
  }
})
