import type { Driver } from '../../core/driver.ts'
import { identityOf } from './url.ts'
import type { PostgresEndpoint } from './url.ts'

/** PostgreSQL 14 and newer, Supabase among them; the client library is loaded with the first connection. */
export const postgresDriver: Driver<PostgresEndpoint> = {
  engine: 'postgres',
  serverOf({ endpoint }) {
    return endpoint.kind === 'server' ? `${endpoint.host}:${endpoint.port}` : endpoint.projectDir
  },
  databaseOf: ({ endpoint }) => identityOf(endpoint),
  async connect(target, emit, signal) {
    const { connectPostgres } = await import('./connection.ts')
    return connectPostgres(target, emit, signal)
  },
}
