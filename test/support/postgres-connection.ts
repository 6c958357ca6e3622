import type { Connection } from '../../src/core/driver.ts'
import { postgresDriver } from '../../src/drivers/postgres/index.ts'
import { parsePostgresUrl } from '../../src/drivers/postgres/url.ts'
import type { ServerEndpoint } from '../../src/drivers/postgres/url.ts'
import { connectTo } from '../contract/suite.ts'
import type { ConnectOptions } from '../contract/suite.ts'

/** Connects with the driver to a database of the test run's server, or through a proxy on `port`. */
export function connectPostgres(
  { url }: { readonly url: string },
  options?: ConnectOptions,
  port?: number,
): Promise<Connection> {
  const address = new URL(url)
  if (port !== undefined) address.port = `${port}`
  return connectTo(postgresDriver, endpointOf(address.href), options)
}

/** Where a connection string leads, which is to a server. */
export function endpointOf(url: string): ServerEndpoint {
  const parsed = parsePostgresUrl(url, { projectDir: '/nowhere' })
  if (!parsed.ok) throw new Error(parsed.message)
  if (parsed.endpoint.kind !== 'server') throw new Error('not a server')
  return parsed.endpoint
}

/** What the backends of the database wait for. */
export async function whatWaits(database: {
  query(sql: string): Promise<readonly Record<string, unknown>[]>
}): Promise<readonly unknown[]> {
  const found = await database.query(
    "SELECT wait_event FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
  )
  return found.map(({ wait_event: event }) => event)
}
