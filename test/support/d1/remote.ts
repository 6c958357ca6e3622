import { randomUUID } from 'node:crypto'
import type { RealDatabase, RealDatabases } from './database.ts'
import { startShim } from './shim.ts'
import type { Shim } from './shim.ts'

/** A remote database as the command line sees it: Cloudflare's API, and a real D1 behind it. */
export interface RemoteDatabase extends AsyncDisposable {
  readonly shim: Shim
  readonly database: RealDatabase
  /** The connection string. */
  readonly url: string
  /** The variables that go with it. */
  readonly env: Readonly<Record<string, string>>
  /** Past the shim. */
  query(sql: string, ...params: readonly unknown[]): Promise<readonly Record<string, unknown>[]>
  /** The names in its history, in order; `untouched` when there is none. */
  applied(): Promise<readonly unknown[] | 'untouched'>
}

export async function createRemote(databases: RealDatabases): Promise<RemoteDatabase> {
  const database = await databases.next()
  const shim = await startShim(database, randomUUID())
  return {
    shim,
    database,
    url: `d1://${shim.databaseId}`,
    env: {
      CLOUDFLARE_ACCOUNT_ID: shim.accountId,
      CLOUDFLARE_API_TOKEN: shim.token,
      CLOUDFLARE_API_BASE_URL: shim.url,
    },
    query: (sql, ...params) => database.query(sql, ...params),
    async applied() {
      const tables = await database.query("SELECT name FROM sqlite_master WHERE name = 'schema_migrations'")
      if (tables.length === 0) return 'untouched'
      const rows = await database.query(
        "SELECT migration_name AS name FROM schema_migrations WHERE status = 'applied' ORDER BY migration_name",
      )
      return rows.map(({ name }) => name)
    },
    [Symbol.asyncDispose]: () => shim[Symbol.asyncDispose](),
  }
}
