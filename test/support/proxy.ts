import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'

/** What one connection through the proxy has cost so far. */
export interface Traffic {
  /**
   * How often the client spoke and then had to wait: client bytes that are the first of the connection, or the first
   * after server bytes. A lone Terminate is none, as nobody waits after it.
   */
  readonly flights: number
  readonly isClosed: boolean
}

/** Stands between clients and a server on this machine, counts their waits, and can make each as long as on a far network. */
export interface CountingProxy extends AsyncDisposable {
  readonly port: number
  /** All connections since the start or the last `reset`, in the order in which they were opened. */
  readonly connections: readonly Traffic[]
  /** The most connections that were open at one time. */
  readonly mostOpen: number
  /** Forgets what was counted. Only while no connection is open. */
  reset(): void
}

export interface CountingProxyOptions {
  /** The server's port on 127.0.0.1. */
  readonly serverPort: number
  /** Half of it is added in each direction, and a whole one before the first byte (the TCP handshake). No bandwidth limit. */
  readonly roundTripMs?: number
  /** While it is true, the server's answers to this connection stay in the proxy. Looked at whenever anything arrives. */
  readonly isHeld?: (connection: Traffic, all: readonly Traffic[]) => boolean
}

/** Terminate (PostgreSQL manual, "Message Formats"): the byte X and the length 4. */
const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4])

/** Listens on a free port of 127.0.0.1. */
export async function createCountingProxy(options: CountingProxyOptions): Promise<CountingProxy> {
  const { serverPort, roundTripMs = 0, isHeld = () => false } = options
  const sockets = new Set<Socket>()
  let connections: { flights: number; isClosed: boolean; releaseAnswers: () => void }[] = []
  let mostOpen = 0

  const listener = createServer({ noDelay: true }, (client) => {
    const server = connect({ port: serverPort, host: '127.0.0.1', noDelay: true })
    const answers: (() => void)[] = []
    const connection = {
      flights: 0,
      isClosed: false,
      releaseAnswers() {
        while (answers.length > 0 && !isHeld(connection, connections)) answers.shift()?.()
      },
    }
    connections.push(connection)
    mostOpen = Math.max(mostOpen, connections.filter(({ isClosed }) => !isClosed).length)

    let isClientsTurn = true
    const toServer = createDelay(roundTripMs / 2, roundTripMs)
    const toClient = createDelay(roundTripMs / 2)
    client.on('data', (data) => {
      if (isClientsTurn && !TERMINATE.equals(data)) {
        connection.flights++
        isClientsTurn = false
      }
      toServer(() => server.write(data))
      for (const { releaseAnswers } of connections) releaseAnswers()
    })
    client.on('end', () => toServer(() => server.end()))
    server.on('data', (data) => {
      answers.push(() =>
        toClient(() => {
          isClientsTurn = true
          client.write(data)
        }),
      )
      connection.releaseAnswers()
    })
    server.on('end', () => {
      // Before the client hears of it, who may open its next connection at once.
      connection.isClosed = true
      toClient(() => client.end())
    })
    client.on('close', () => {
      connection.isClosed = true
      // What is still on its way to the server, the Terminate most of all, gets there first.
      toServer(() => server.end())
    })
    for (const [socket, partner] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => partner.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')

  return {
    port: address.port,
    get connections() {
      return connections
    },
    get mostOpen() {
      return mostOpen
    },
    reset() {
      connections = []
      mostOpen = 0
    },
    async [Symbol.asyncDispose]() {
      const closed = once(listener, 'close')
      listener.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** One direction of a wire: does what it is given after a while, and in order. */
function createDelay(delayMs: number, firstMs = 0): (deliver: () => void) => void {
  const readyAt = performance.now() + firstMs
  const onTheWay: (() => void)[] = []
  return (deliver) => {
    if (delayMs === 0) return deliver()
    onTheWay.push(deliver)
    // Whichever timer fires first delivers what was sent first: timers of different lengths keep no order.
    setTimeout(() => onTheWay.shift()?.(), Math.max(0, readyAt - performance.now()) + delayMs)
  }
}
