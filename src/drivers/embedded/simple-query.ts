import { connect } from 'node:net'
import { MigrationManagerError } from '../../core/errors.ts'

export interface SimpleQueryOptions {
  /** The server's socket file. */
  readonly socketPath: string
  readonly database: string
  readonly sql: string
  /** How long the whole exchange may take. */
  readonly timeoutMs: number
}

/**
 * Runs one SQL text as `postgres` over a Unix socket that asks for no password, and resolves with its rows as text.
 * Rejects with `embedded/query-failed`, whose `engineCode` is the SQLSTATE, or with the socket's own error.
 * The few messages used here are described in the PostgreSQL manual, chapter "Frontend/Backend Protocol", under
 * "Message Flow" and "Message Formats".
 */
export function simpleQuery(options: SimpleQueryOptions): Promise<readonly (readonly (string | null)[])[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(options.socketPath)
    const rows: (string | null)[][] = []
    let received = Buffer.alloc(0)
    let failure: MigrationManagerError | undefined
    let wasSent = false

    const timer = setTimeout(() => socket.destroy(new Error('the server did not answer in time')), options.timeoutMs)
    socket.on('connect', () => socket.write(startupMessage(options.database)))
    socket.on('error', reject)
    socket.on('close', () => {
      clearTimeout(timer)
      reject(failure ?? new Error('the server closed the connection'))
    })
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      while (received.length >= 5 && received.length > received.readInt32BE(1)) {
        const length = received.readInt32BE(1) + 1
        const [type, body] = [String.fromCharCode(received[0] ?? 0), received.subarray(5, length)]
        received = received.subarray(length)
        if (type === 'E') failure = readError(body)
        if (type === 'R' && body.readInt32BE(0) !== 0) failure = refusal('the server asks for a password')
        if (type === 'D') rows.push(readRow(body))
        if (type === 'Z' && !wasSent) {
          wasSent = true
          socket.write(message('Q', `${options.sql}\0`))
        } else if (type === 'Z' && failure === undefined) {
          socket.end(message('X', ''))
          resolve(rows)
        } else if (failure !== undefined && (type === 'Z' || !wasSent)) {
          socket.destroy()
          reject(failure)
          return
        }
      }
    })
  })
}

function startupMessage(database: string): Buffer {
  const body = Buffer.from(`\0\0\0\0\0\x03\0\0user\0postgres\0database\0${database}\0\0`)
  body.writeInt32BE(body.length, 0)
  return body
}

function message(type: string, text: string): Buffer {
  const body = Buffer.from(`${type}\0\0\0\0${text}`)
  body.writeInt32BE(body.length - 1, 1)
  return body
}

/** A row: a 16-bit count, then for each value a 32-bit length (-1 is null) and its bytes. */
function readRow(body: Buffer): (string | null)[] {
  const row: (string | null)[] = []
  let offset = 2
  for (let index = 0; index < body.readInt16BE(0); index++) {
    const length = body.readInt32BE(offset)
    offset += 4
    row.push(length < 0 ? null : body.toString('utf8', offset, offset + length))
    offset += Math.max(length, 0)
  }
  return row
}

/** Fields of an error: a letter and a zero-terminated text each; C is the SQLSTATE, M the message. */
function readError(body: Buffer): MigrationManagerError {
  const fields = new Map(
    body
      .toString('utf8')
      .split('\0')
      .map((field) => [field.slice(0, 1), field.slice(1)]),
  )
  return refusal(fields.get('M') ?? 'unknown error', fields.get('C'))
}

function refusal(text: string, engineCode?: string): MigrationManagerError {
  return new MigrationManagerError('embedded/query-failed', `The embedded PostgreSQL refused: ${text}`, { engineCode })
}
