import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect as connectTcp, isIP } from 'node:net'
import type { Socket } from 'node:net'
import type nodeTls from 'node:tls'
import { MigrationManagerError } from '../../core/errors.ts'
import { NOT_POSTGRES } from './errors.ts'
import { describeTlsFailure, rootCertificateError, untrusted } from './tls-failure.ts'

/** How the server is reached. `host` that begins with `/` is the directory of a Unix-domain socket. */
export interface Address {
  readonly host: string
  readonly port: number
  readonly tls:
    | { readonly mode: 'off' }
    | { readonly mode: 'verify'; readonly rootCert: string | null }
    | { readonly mode: 'unverified' }
}

/** SSLRequest: length 8, code 80877103 (PostgreSQL manual, "Message Formats"). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/** CancelRequest code 80877102 (same chapter). */
const CANCEL_CODE = 80_877_102

/**
 * Opens a socket to the server, encrypted and verified as the address says, ready for the start-up message. Nothing
 * that belongs to the login is sent before the server's certificate has been verified.
 * Throws a `MigrationManagerError` for TLS, else the network's own error.
 */
export async function openSocket(address: Address, signal: AbortSignal): Promise<Socket> {
  const socket = await connectSocket(address, signal)
  if (address.tls.mode === 'off') return watchFirstAnswer(socket)
  try {
    // Loaded while the server answers.
    const [tls] = await Promise.all([import('node:tls'), requestTls(socket, address, signal)])
    return watchFirstAnswer(await encrypt(tls, socket, address, signal))
  } catch (cause) {
    socket.destroy()
    throw cause
  }
}

/** Asks the server to stop what a backend is doing; returns when the server has closed the connection. */
export async function sendCancel(
  address: Address,
  backend: { readonly pid: number; readonly secret: number },
  signal: AbortSignal,
): Promise<void> {
  const socket = await openSocket(address, signal)
  const message = Buffer.alloc(16)
  message.writeInt32BE(16, 0)
  message.writeInt32BE(CANCEL_CODE, 4)
  message.writeUInt32BE(backend.pid, 8)
  message.writeUInt32BE(backend.secret, 12)
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.resume()
  // The server closes, and ours stays open until then as libpq's does: PgBouncer 1.18 dies of a client that half closes.
  socket.write(message)
  await Promise.race([closed, whenAborted(signal)])
  socket.destroy()
}

function connectSocket({ host, port }: Address, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortError(signal))
    const socket = host.startsWith('/')
      ? connectTcp({ path: `${host}/.s.PGSQL.${port}` })
      : connectTcp({ host, port, noDelay: true })
    const abort = (): void => void socket.destroy(abortError(signal))
    signal.addEventListener('abort', abort, { once: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort)
      socket.removeListener('error', reject)
      resolve(socket)
    })
  })
}

async function requestTls(socket: Socket, address: Address, signal: AbortSignal): Promise<void> {
  socket.write(SSL_REQUEST)
  const answer = await firstAnswer(socket, signal)
  if (answer.startsWith('S') && answer.length > 1) {
    throw untrusted(address.host, 'something was sent before the encryption began', 'Does a proxy stand in between?')
  }
  // E: an error in place of an answer, from servers that know no TLS (PostgreSQL manual, "SSL Session Encryption").
  if (!/^(?:S|N|E)/u.test(answer)) throw notPostgres()
  if (answer !== 'S') {
    throw new MigrationManagerError('target/tls-refused', `${address.host} does not speak TLS.`, {
      hint: 'Use the host name of the connection string that the provider shows; switch TLS on at the server; sslmode=disable is for loopback and sockets only.',
    })
  }
}

/** The server answers SSLRequest with one byte; anything more before TLS begins would be somebody in between. */
function firstAnswer(socket: Socket, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void): void => {
      socket.removeListener('data', onData)
      socket.removeListener('error', onError)
      socket.removeListener('close', onClose)
      signal.removeEventListener('abort', onAbort)
      socket.pause()
      done()
    }
    const onData = (data: Buffer): void => settle(() => resolve(data.toString('latin1')))
    const onError = (error: Error): void => settle(() => reject(error))
    const onClose = (): void => settle(() => reject(closedEarly()))
    const onAbort = (): void => settle(() => reject(abortError(signal)))
    socket.on('data', onData)
    socket.on('error', onError)
    socket.on('close', onClose)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

/**
 * Breaks the connection with `NOT_POSTGRES` when the other end speaks something else: the client library would wait for
 * the rest of a message. A server answers the start-up message with one of four (PostgreSQL manual, "Start-up"):
 * Authentication (R), ErrorResponse (E), NoticeResponse (N), NegotiateProtocolVersion (v).
 */
function watchFirstAnswer(socket: Socket): Socket {
  return socket.once('data', (data: Buffer) => {
    if (!/^[RENv]/u.test(data.toString('latin1', 0, 1))) socket.destroy(notPostgres())
  })
}

function encrypt(
  { connect, rootCertificates }: typeof nodeTls,
  socket: Socket,
  { tls, host }: Address,
  signal: AbortSignal,
): Promise<Socket> {
  const rootCert = tls.mode === 'verify' && tls.rootCert !== null ? readRootCert(tls.rootCert) : null
  return new Promise((resolve, reject) => {
    const secure = connect({
      socket,
      minVersion: 'TLSv1.2',
      // An IP address is not a server name (RFC 6066); Node then checks the certificate against `host`.
      ...(isIP(host) === 0 ? { servername: host } : { host }),
      // Said explicitly: NODE_TLS_REJECT_UNAUTHORIZED=0 must not switch verification off.
      rejectUnauthorized: tls.mode === 'verify',
      ...(rootCert === null ? {} : { ca: [...rootCertificates, rootCert] }),
    })
    const abort = (): void => void secure.destroy(abortError(signal))
    signal.addEventListener('abort', abort, { once: true })
    const fail = (cause: Error): void => {
      signal.removeEventListener('abort', abort)
      reject(describeTlsFailure(cause, host) ?? cause)
    }
    const onClose = (): void => fail(closedEarly())
    secure.once('error', fail)
    secure.once('close', onClose)
    secure.once('secureConnect', () => {
      signal.removeEventListener('abort', abort)
      secure.removeListener('error', fail)
      secure.removeListener('close', onClose)
      resolve(secure)
    })
  })
}

function readRootCert(path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw rootCertificateError(path, 'cannot be read', cause)
  }
  if (!text.includes('-----BEGIN')) throw rootCertificateError(path, 'holds no certificate', undefined)
  try {
    // Node's TLS passes over what it cannot read, and then trusts nobody without a word about the reason.
    void new X509Certificate(text)
  } catch (cause) {
    throw rootCertificateError(path, 'is damaged', cause)
  }
  return text
}

function notPostgres(): Error {
  return Object.assign(new Error('not PostgreSQL'), { code: NOT_POSTGRES })
}

function closedEarly(): Error {
  return Object.assign(new Error('the server closed the connection'), { code: 'ECONNRESET' })
}

function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted')
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
