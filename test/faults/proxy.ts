import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { CANCELLED, createSplitter, describeMessage, readBackendPid } from './protocol.ts'
import type { Direction } from './protocol.ts'

/**
 * What becomes of the message that is struck, and of its connection.
 * - `before`: it does not arrive, both ends are closed. `after`: it arrives, then both ends are closed.
 * - `half`: its first half arrives, then both ends are closed. `reset`: it does not arrive, both ends get a TCP reset.
 * - `silence`: neither it nor anything after it arrives, and nobody is told.
 * - `gone`: as `after`, and no new connection comes through any more.
 * - `cancelled`: in its place comes the error of a statement that was cancelled; for the last answer to a query.
 */
export type Fault = 'before' | 'after' | 'half' | 'reset' | 'silence' | 'gone' | 'cancelled'

/** Those that can happen to every message. */
export const FAULTS: readonly Fault[] = ['before', 'after', 'half', 'reset', 'silence', 'gone']

export interface Strike {
  /**
   * The message, counted from 1 over all connections and both directions, in the order in which they reach the proxy;
   * or which time that a message comes whose words in the trace hold `message`.
   */
  readonly at: number | { readonly message: string; readonly time: number }
  /** What is done to it; or something that happens elsewhere while it waits, after which it goes on its way. */
  readonly fault: Fault | ((backendPid: number) => Promise<void>)
}

/** Stands between the command line and a server of this machine, takes the traffic apart into messages, and strikes one. */
export interface FaultProxy extends AsyncDisposable {
  readonly port: number
  /** Every message that came, as words: `#12 connection 1, server: N (notice), 64 bytes`. */
  readonly trace: readonly string[]
  readonly hasStruck: boolean
  /** Resolves when what a strike has set going elsewhere has happened; the client may have ended long before. */
  whenSettled(): Promise<void>
}

/** Listens on a free port of 127.0.0.1. Without a strike it only counts. */
export async function createFaultProxy(serverPort: number, strike: Strike | null): Promise<FaultProxy> {
  const sockets = new Set<Socket>()
  const trace: string[] = []
  let connections = 0
  let hasStruck = false
  let happening = Promise.resolve()
  let isGone = false

  let times = 0
  /** Whether the latest message of the trace is the one. */
  const isStruck = (at: Strike['at']): boolean => {
    if (typeof at === 'number') return trace.length === at
    return trace.at(-1)?.includes(at.message) === true && ++times === at.time
  }

  const listener = createServer({ noDelay: true }, (client) => {
    if (isGone) {
      client.on('error', () => {})
      client.destroy()
      return
    }
    const server = connect({ port: serverPort, host: '127.0.0.1', noDelay: true })
    const connection = { number: ++connections, isSilent: false, backendPid: 0 }
    const close = (): void => {
      client.destroy()
      server.destroy()
    }

    const deliver = async (message: Buffer, direction: Direction): Promise<void> => {
      if (connection.isSilent) return
      trace.push(
        `#${trace.length + 1} connection ${connection.number}, ${direction}: ${describeMessage(message, direction)}`,
      )
      const target = direction === 'client' ? server : client
      if (direction === 'server') connection.backendPid ||= readBackendPid(message)
      if (strike === null || !isStruck(strike.at)) {
        target.write(message)
        return
      }
      hasStruck = true
      const { fault } = strike
      if (typeof fault === 'function') {
        happening = fault(connection.backendPid)
        await happening
        target.write(message)
        return
      }
      // What is closed when this message is through lets none of those behind it through before.
      if (fault === 'half' || fault === 'gone' || fault === 'after') connection.isSilent = true
      switch (fault) {
        case 'before':
          return close()
        case 'reset':
          client.resetAndDestroy()
          server.resetAndDestroy()
          return
        case 'half':
          target.write(message.subarray(0, Math.ceil(message.length / 2)), close)
          return
        case 'silence':
          connection.isSilent = true
          return
        case 'gone':
          isGone = true
          target.write(message, close)
          return
        case 'after':
          target.write(message, close)
          return
        case 'cancelled':
          target.write(CANCELLED)
      }
    }

    const forward = (from: Socket, to: Socket, direction: Direction): void => {
      const split = createSplitter(direction)
      // One thing after the other: what happens while a message waits must not let a later one overtake it.
      let turn = Promise.resolve()
      const then = (work: () => void | Promise<void>): void => void (turn = turn.then(work))
      from.on('data', (data) => {
        for (const message of split(data)) then(() => deliver(message, direction))
      })
      from.on('end', () => then(() => void (connection.isSilent || to.end())))
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        then(() => void (connection.isSilent || to.destroy()))
      })
      sockets.add(from)
    }
    forward(client, server, 'client')
    forward(server, client, 'server')
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')

  return {
    port: address.port,
    trace,
    get hasStruck() {
      return hasStruck
    },
    whenSettled: () => happening,
    async [Symbol.asyncDispose]() {
      const closed = once(listener, 'close')
      listener.close()
      // A connection that fell silent ends here: in the world the server's TCP keepalive does that in the end.
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
