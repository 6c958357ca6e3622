import { createTestCluster } from '../support/cluster.ts'
import { findFreePort } from '../support/free-port.ts'
import type { RunningServer } from '../../src/drivers/embedded/server.ts'
import type { ServerAddress } from './arena.ts'

/** A PostgreSQL server that one test has for itself, and may do anything to. */
export interface OwnServer extends AsyncDisposable {
  readonly address: ServerAddress
  /**
   * Stops the server and starts it again at the same place. `fast` rolls back what is open and takes leave of its
   * clients; `immediate` drops everything where it stands, as a crash does.
   */
  restart(how: 'fast' | 'immediate'): Promise<void>
}

/** Starts a server. Its data goes into `dataFolder` if one is given; what is committed survives a crash of the server. */
export async function startOwnServer(dataFolder?: string): Promise<OwnServer> {
  const cluster = await createTestCluster({ name: 'own', ...(dataFolder === undefined ? {} : { dataFolder }) })
  try {
    const port = await findFreePort()
    // fsync matters when the machine crashes, synchronous_commit when the server does.
    const start = (): Promise<RunningServer> => cluster.start(port, { fsync: 'off', max_wal_size: '16MB' })
    let server = await start()
    return {
      address: { socketPath: server.socketPath, port, user: 'postgres', password: cluster.password },
      async restart(how) {
        if (how === 'fast') await server.stop()
        else process.kill(server.pid, 'SIGQUIT')
        await server.ended
        server = await start()
      },
      async [Symbol.asyncDispose]() {
        await server.stop()
        cluster.remove()
      },
    }
  } catch (cause) {
    cluster.remove()
    throw cause
  }
}
