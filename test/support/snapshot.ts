import { randomUUID } from 'node:crypto'
import type { Connection } from '../../src/core/driver.ts'
import { DEFAULT_LIMITS } from '../../src/core/policy.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { postgresDriver } from '../../src/drivers/postgres/index.ts'
import { parsePostgresUrl } from '../../src/drivers/postgres/url.ts'
import type { TestDatabase } from './server.ts'

/** Connects to a test's database with the driver itself. */
export async function connectTo(database: TestDatabase): Promise<Connection> {
  const parsed = parsePostgresUrl(database.url, { projectDir: '/' })
  if (!parsed.ok) throw new Error(parsed.message)
  const environment = {
    name: 'dev',
    engine: 'postgres',
    endpoint: parsed.endpoint,
    secrets: [],
    protected: false,
    order: 0,
    origin: 'the test',
    migrationsDir: 'database',
  }
  const actor = { osUser: null, gitCommit: null, ciRun: null, ciJob: null, isTreeDirty: async () => null }
  const target = { environment, historySchema: 'public', limits: DEFAULT_LIMITS, runId: randomUUID(), actor }
  return postgresDriver.connect(target, () => {}, new AbortController().signal)
}

/** The schema of a test's database, in order, and without roles: those belong to the server, which other tests use as well. */
export async function takeSnapshot(database: TestDatabase): Promise<Snapshot> {
  await using connection = await connectTo(database)
  const objects = (await connection.snapshot()).filter(({ kind }) => kind !== 'role')
  return objects.toSorted((a, b) => (`${a.kind} ${a.name}` < `${b.kind} ${b.name}` ? -1 : 1))
}
