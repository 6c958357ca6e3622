import type { TestProject } from 'vitest/node'
import type { RunningServer } from '../../src/drivers/embedded/server.ts'
import { createTestCluster } from './cluster.ts'
import type { TestCluster } from './cluster.ts'
import { findFreePort } from './free-port.ts'

/** Where the test run's PostgreSQL server is. It is thrown away afterwards. */
export interface TestServer {
  /** The folder of the socket, for `host` in connection options. Logging in as `postgres` there needs no password. */
  readonly socketDir: string
  /** The socket file itself. */
  readonly socketPath: string
  readonly host: '127.0.0.1'
  /** Serves the socket and TCP. TCP asks for the password (scram-sha-256). */
  readonly port: number
  readonly user: 'postgres'
  readonly password: string
}

declare module 'vitest' {
  export interface ProvidedContext {
    server: TestServer
  }
}

let server: RunningServer | undefined
let cluster: TestCluster | undefined

/** Starts one PostgreSQL server for all tests of the project "server". */
export async function setup(project: TestProject): Promise<void> {
  cluster = await createTestCluster({ name: 'test' })
  try {
    const port = await findFreePort()
    server = await cluster.start(port, {
      max_connections: '300',
      shared_buffers: '64MB',
      max_wal_size: '1GB',
      // Nobody needs this data after a power cut.
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
    })
    project.provide('server', {
      socketDir: cluster.folder,
      socketPath: server.socketPath,
      host: '127.0.0.1',
      port,
      user: 'postgres',
      password: cluster.password,
    })
  } catch (error) {
    await teardown()
    throw error
  }
}

export async function teardown(): Promise<void> {
  await server?.stop()
  cluster?.remove()
}
