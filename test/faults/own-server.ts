import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { findBinaries } from '../../src/drivers/embedded/binaries.ts'
import { createCluster } from '../../src/drivers/embedded/cluster.ts'
import { chooseServerUser, prepareLauncher } from '../../src/drivers/embedded/server-user.ts'
import { spawnServer } from '../../src/drivers/embedded/server.ts'
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
  // Not the temporary folder of the environment: a socket's path has at most 107 bytes.
  const folder = mkdtempSync('/tmp/mm-own-')
  try {
    const binaries = findBinaries(process.cwd())
    const user = chooseServerUser([])
    for (const owned of [folder, dataFolder ?? folder]) chownSync(owned, user.uid, user.gid)
    const launcher = prepareLauncher(user, binaries.postgres, folder)
    const dataDir = join(dataFolder ?? folder, 'data')
    const password = randomBytes(12).toString('hex')
    await createCluster({ binaries, launcher, dataDir, password })
    const port = await findFreePort()
    const start = async (): ReturnType<typeof spawnServer> => {
      const logFd = openSync(join(folder, 'server.log'), 'a', 0o600)
      try {
        return await spawnServer({
          binaries,
          launcher,
          dataDir,
          socketDir: folder,
          logFd,
          timeoutMs: 30_000,
          // fsync matters when the machine crashes, synchronous_commit when the server does.
          settings: { listen_addresses: '127.0.0.1', port: `${port}`, fsync: 'off', max_wal_size: '16MB' },
        })
      } finally {
        closeSync(logFd)
      }
    }
    let server = await start()
    return {
      address: { socketPath: server.socketPath, port, user: 'postgres', password },
      async restart(how) {
        if (how === 'fast') await server.stop()
        else process.kill(server.pid, 'SIGQUIT')
        await server.ended
        server = await start()
      },
      async [Symbol.asyncDispose]() {
        await server.stop()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true })
    throw cause
  }
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
