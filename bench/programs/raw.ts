import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

/*
 * The least that can be said over the wire: raw <ordinary | pipelined> <sync | status>, on the databases of RAW_URLS, all
 * at once. Messages as in the PostgreSQL manual, "Message Formats"; SCRAM-SHA-256 as in RFC 5802 and RFC 7677.
 *
 * A pipelined login sends the first message of SCRAM with the start-up message, before the server asks for it, and the
 * first query with the last one, before the server has proved that it knows the password: 2 round trips less.
 */

const [login = 'ordinary', verb = 'status'] = process.argv.slice(2)
const CREATE =
  'CREATE TABLE IF NOT EXISTS bench_history (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz DEFAULT now());'

await Promise.all((process.env['RAW_URLS'] ?? '').split(' ').map((url) => migrate(new URL(url))))

async function migrate(url: URL): Promise<void> {
  const isSync = verb === 'sync'
  const opened = open(url, `${isSync ? CREATE : ''}SELECT name FROM bench_history`)
  // While the login is on its way.
  const files = readdirSync('database')
    .toSorted()
    .map((name) => {
      const sql = readFileSync(`database/${name}`, 'utf8')
      return { name: name.replace('.sql', ''), sql, checksum: createHash('sha256').update(sql).digest('hex') }
    })
  const { socket, rows, ask } = await opened
  const applied = new Set(rows)
  const pending = files.filter(({ name }) => !applied.has(name))
  if (isSync && pending.length > 0) {
    await ask(
      pending
        .map(
          ({ name, sql, checksum }) =>
            `BEGIN;${sql}\n;INSERT INTO bench_history (name, checksum) VALUES ('${name}', '${checksum}');COMMIT;`,
        )
        .join('\n'),
    )
  }
  socket.end(message('X'))
  socket.unref()
}

interface Opened {
  readonly socket: Socket
  /** The first column of the first query's rows. */
  readonly rows: readonly string[]
  readonly ask: (sql: string) => Promise<void>
}

/** Logs in and asks the first query; resolves with its rows. */
function open(url: URL, first: string): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true })
    const rows: string[] = []
    const nonce = randomBytes(18).toString('base64')
    const bare = `n=,r=${nonce}`
    const clientFirst = message('p', zeroEnded('SCRAM-SHA-256'), length(bare.length + 3), Buffer.from(`n,,${bare}`))
    const query = (sql: string): Buffer => message('Q', zeroEnded(sql))
    const isPipelined = login === 'pipelined'
    let readiesLeft = 2
    let onReady = (): void => {
      resolve({
        socket,
        rows,
        ask: (sql) =>
          new Promise((done) => {
            readiesLeft = 1
            onReady = done
            socket.write(query(sql))
          }),
      })
    }
    const hear = (type: string, body: Buffer): void => {
      if (type === 'E') {
        reject(new Error(body.toString('utf8').replaceAll('\0', ' ')))
        socket.destroy()
      }
      if (type === 'R' && body.readInt32BE(0) === 10 && !isPipelined) socket.write(clientFirst)
      if (type === 'R' && body.readInt32BE(0) === 11) {
        const proof = message(
          'p',
          Buffer.from(finalOf(body.toString('utf8', 4), bare, decodeURIComponent(url.password))),
        )
        socket.write(isPipelined ? Buffer.concat([proof, query(first)]) : proof)
      }
      if (type === 'D') rows.push(body.toString('utf8', 6, 6 + body.readInt32BE(2)))
      if (type !== 'Z') return
      readiesLeft--
      if (readiesLeft === 0) onReady()
      else if (!isPipelined) socket.write(query(first))
    }
    let received: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      while (received.length >= 5 && received.length > received.readInt32BE(1)) {
        const end = received.readInt32BE(1) + 1
        const [type, body] = [String.fromCharCode(received[0] ?? 0), received.subarray(5, end)]
        received = received.subarray(end)
        hear(type, body)
      }
    })
    socket.on('error', reject)
    const parameters = zeroEnded('user', url.username, 'database', url.pathname.slice(1), '')
    const startup = Buffer.concat([length(8 + parameters.length), length(196_608), parameters])
    socket.write(isPipelined ? Buffer.concat([startup, clientFirst]) : startup)
  })
}

/** The client's last message of SCRAM. */
function finalOf(serverFirst: string, clientFirstBare: string, password: string): string {
  const [nonce = '', salt = '', iterations = ''] = serverFirst.split(',').map((part) => part.slice(2))
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256')
  const key = createHmac('sha256', salted).update('Client Key').digest()
  const withoutProof = `c=biws,r=${nonce}`
  const signed = `${clientFirstBare},${serverFirst},${withoutProof}`
  const signature = createHmac('sha256', createHash('sha256').update(key).digest()).update(signed).digest()
  const proof = Buffer.from(key.map((byte, index) => byte ^ (signature[index] ?? 0)))
  return `${withoutProof},p=${proof.toString('base64')}`
}

function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from(type), length(body.length + 4), body])
}

function length(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** Each with the zero byte that ends it. */
function zeroEnded(...values: readonly string[]): Buffer {
  return Buffer.from(values.map((value) => `${value}\0`).join(''))
}
