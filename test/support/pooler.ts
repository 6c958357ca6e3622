import { spawn, spawnSync } from 'node:child_process'
import { chownSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { chooseServerUser } from '../../src/drivers/embedded/server-user.ts'
import { findFreePort } from './free-port.ts'
import type { TestServer } from './server.setup.ts'

/** A PgBouncer of a test's own before the test run's server, on a port of 127.0.0.1. */
export interface Pooler extends AsyncDisposable {
  readonly port: number
  /** The same database through the pooler. */
  urlOf(database: { readonly url: string }): string
}

export interface PoolerOptions {
  readonly mode: 'session' | 'transaction' | 'statement'
  /** Further lines of the section [pgbouncer] of pgbouncer.ini. */
  readonly settings?: Readonly<Record<string, string | number>>
}

/** The most backends that a pooler has for one database, if its settings say nothing else. */
export const POOL_SIZE: number = 10

/** Debian keeps the program where only root's PATH has it. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin`

/** The version line of the PgBouncer on this machine, or null when there is none. */
export function findPgBouncer(): string | null {
  const found = spawnSync('pgbouncer', ['--version'], { env: { PATH }, encoding: 'utf8' })
  return found.status === 0 ? (found.stdout.split('\n')[0] ?? '') : null
}

/** Starts PgBouncer; it asks clients for the password of `postgres` and logs in to the server with it (scram-sha-256). */
export async function startPooler(server: TestServer, { mode, settings = {} }: PoolerOptions): Promise<Pooler> {
  const folder = mkdtempSync('/tmp/mm-pooler-')
  const port = await findFreePort()
  const ini = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: join(folder, 'users.txt'),
    pool_mode: mode,
    max_client_conn: 200,
    default_pool_size: POOL_SIZE,
    ...settings,
  }
  const lines = Object.entries(ini).map(([name, value]) => `${name} = ${value}`)
  writeFileSync(join(folder, 'users.txt'), `"${server.user}" "${server.password}"\n`)
  writeFileSync(
    join(folder, 'pgbouncer.ini'),
    `[databases]\n* = host=${server.host} port=${server.port}\n[pgbouncer]\n${lines.join('\n')}\n`,
  )
  // PgBouncer refuses to run as root.
  const user = chooseServerUser([])
  for (const name of ['', 'users.txt', 'pgbouncer.ini']) chownSync(join(folder, name), user.uid, user.gid)
  const logFd = openSync(join(folder, 'pooler.log'), 'a')
  // A test run that is killed must leave no pooler behind (setpriv exists on Linux only).
  const command = ['pgbouncer', join(folder, 'pgbouncer.ini')] as const
  const [program, ...args] =
    process.platform === 'linux' ? (['setpriv', '--pdeathsig', 'TERM', ...command] as const) : command
  const child = spawn(program, args, {
    cwd: '/',
    env: { PATH },
    stdio: ['ignore', logFd, logFd],
    ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
  })
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  const deadline = Date.now() + 10_000
  while (!(await isListening(port))) {
    if (child.exitCode === null && Date.now() < deadline) {
      await pause(10)
      continue
    }
    const said = readFileSync(join(folder, 'pooler.log'), 'utf8')
    await stop()
    throw new Error(`PgBouncer did not start:\n${said}`)
  }
  return {
    port,
    urlOf({ url }) {
      const address = new URL(url)
      address.port = `${port}`
      return address.href
    },
    [Symbol.asyncDispose]: stop,
  }
}

/** Whether it answers; the probe's own place among the clients is free again when this says yes (`max_client_conn: 1`). */
function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => socket.end())
    socket.resume()
    socket.once('error', () => resolve(false))
    // A no-op after an error; else PgBouncer has closed its end too, and forgotten the client.
    socket.once('close', () => resolve(true))
  })
}
