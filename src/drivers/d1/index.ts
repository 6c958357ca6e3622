import type { Driver } from '../../core/driver.ts'
import type { OpenClient } from './connection.ts'
import { pause as realPause } from '../pause.ts'
import type { Pause } from '../pause.ts'
import { identityOf } from './url.ts'
import type { D1Endpoint } from './url.ts'

/** Cloudflare D1, at Cloudflare over its HTTP API and in wrangler's local state; each way is loaded when it is needed. */
export const d1Driver: Driver<D1Endpoint> = createD1Driver(async ({ environment, limits }, signal) => {
  const { endpoint } = environment
  if (endpoint.kind === 'local') {
    const { createLocalClient } = await import('./local.ts')
    return createLocalClient(endpoint, { withinMs: limits.connectMs, signal })
  }
  const { createHttpClient } = await import('./http.ts')
  return createHttpClient(endpoint, { environment: environment.name, origin: environment.origin })
})

/** The driver over another way to a database, and with another way to wait. */
export function createD1Driver(openClient: OpenClient, pause: Pause = realPause): Driver<D1Endpoint> {
  return {
    engine: 'd1',
    // Of a local database each has a process of its own, on one machine.
    serverOf: ({ endpoint }) =>
      endpoint.kind === 'local' ? 'd1-local' : `${endpoint.apiBase}/accounts/${endpoint.accountId}`,
    databaseOf: ({ endpoint }) => identityOf(endpoint),
    async connect(target, emit, signal) {
      const { connectD1 } = await import('./connection.ts')
      return connectD1({ openClient, pause }, target, emit, signal)
    },
  }
}
