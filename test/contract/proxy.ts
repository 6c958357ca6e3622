import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'

/** Stands between a driver and a server, and can fail in the ways in which a network fails. */
export interface Proxy extends AsyncDisposable {
  readonly port: number
  /** From now on the answers of the server get lost; what goes to the server still arrives. */
  muffle(): void
  /** Breaks every connection, and lets new ones through unharmed. */
  cut(): void
  setReachable(isReachable: boolean): void
}

/** Listens on a free port of 127.0.0.1 for connections to `port` of the same machine. */
export async function createProxy(port: number): Promise<Proxy> {
  let isReachable = true
  let isMuffled = false
  const sockets = new Set<Socket>()
  const track = (socket: Socket, partner: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      partner.destroy()
    })
  }
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
    isMuffled = false
  }

  const listener = createServer((client) => {
    if (!isReachable) {
      client.destroy()
      return
    }
    const server = connect({ port, host: '127.0.0.1', noDelay: true })
    track(client, server)
    track(server, client)
    client.pipe(server)
    server.on('data', (data) => {
      if (!isMuffled) client.write(data)
    })
    server.on('end', () => client.end())
  })
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(0, '127.0.0.1', resolve)
  })
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')

  return {
    port: address.port,
    muffle() {
      isMuffled = true
    },
    cut,
    setReachable(value) {
      isReachable = value
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()))
      cut()
      await closed
    },
  }
}
