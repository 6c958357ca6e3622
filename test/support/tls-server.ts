import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import type { Certificate } from './certificates.ts'
import { createTestCluster } from './cluster.ts'
import { findFreePort } from './free-port.ts'

/** A PostgreSQL that can be started with one certificate after the other, on a port of 127.0.0.1. */
export interface TlsCluster extends AsyncDisposable {
  /** A folder for certificates, which the server's user can read. */
  readonly folder: string
  readonly password: string
  start(certificate: Certificate, newestTls: 'TLSv1.2' | 'TLSv1.3'): Promise<TlsServer>
}

export interface TlsServer extends AsyncDisposable {
  readonly port: number
}

/** Makes a cluster whose superuser is `postgres`; over TCP it takes nothing but TLS and a password. */
export async function createTlsCluster(): Promise<TlsCluster> {
  const cluster = await createTestCluster({ name: 'tls' })
  return {
    folder: cluster.folder,
    password: cluster.password,
    async start({ certFile, keyFile }, newestTls) {
      for (const file of [certFile, keyFile]) cluster.handOver(file, 0o600)
      const port = await findFreePort()
      const server = await cluster.start(port, {
        fsync: 'off',
        ssl: 'on',
        ssl_cert_file: certFile,
        ssl_key_file: keyFile,
        ssl_max_protocol_version: newestTls,
      })
      return { port, [Symbol.asyncDispose]: () => server.stop() }
    },
    async [Symbol.asyncDispose]() {
      cluster.remove()
    },
  }
}

/** Stands between a client and a server, and keeps what the client sends. */
export interface Recorder extends AsyncDisposable {
  readonly port: number
  sent(): Buffer
}

/** Listens on a free port of 127.0.0.1. `onClient` serves the clients; by default they reach `port` of this machine. */
export async function createRecorder(
  port: number,
  onClient: (client: Socket) => void = (client) => forward(client, port),
): Promise<Recorder> {
  const chunks: Buffer[] = []
  const sockets = new Set<Socket>()
  const listener = createServer((client) => {
    sockets.add(client)
    client.on('error', () => {})
    client.on('data', (data) => void chunks.push(data))
    onClient(client)
  })
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(0, '127.0.0.1', resolve)
  })
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('the recorder has no port')
  return {
    port: address.port,
    sent: () => Buffer.concat(chunks),
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function forward(client: Socket, port: number): void {
  const server = connect({ port, host: '127.0.0.1', noDelay: true })
  server.on('error', () => {})
  server.on('close', () => client.destroy())
  client.on('close', () => server.destroy())
  client.pipe(server).pipe(client)
}
