/** Who sends. */
export type Direction = 'client' | 'server'

/** Start-up message, protocol 3.0, and CancelRequest (PostgreSQL manual, "Message Formats"). */
const START_UP = 196_608
const CANCEL = 80_877_102

/**
 * Takes a stream apart into whole messages: a type byte and a length, but for the first of a client, which has no type
 * (PostgreSQL manual, "Message Formats"). What is given back in one call is complete; the rest waits for the next.
 */
export function createSplitter(direction: Direction): (data: Buffer) => readonly Buffer[] {
  let isFirst = direction === 'client'
  let waiting: Buffer = Buffer.alloc(0)
  return (data) => {
    waiting = waiting.length === 0 ? data : Buffer.concat([waiting, data])
    const messages: Buffer[] = []
    for (;;) {
      const header = isFirst ? 0 : 1
      if (waiting.length < header + 4) return messages
      const length = header + waiting.readInt32BE(header)
      if (waiting.length < length) return messages
      messages.push(waiting.subarray(0, length))
      waiting = waiting.subarray(length)
      isFirst = false
    }
  }
}

const NAMES: Readonly<Record<Direction, Readonly<Record<string, string>>>> = {
  client: { p: 'SASL', Q: 'query', X: 'terminate' },
  server: {
    R: 'authentication',
    S: 'parameter',
    K: 'backend key',
    Z: 'ready',
    T: 'row description',
    D: 'row',
    C: 'complete',
    N: 'notice',
    E: 'error',
    I: 'empty query',
  },
}

/** A message in words, without anything of its contents but a command tag. */
export function describeMessage(message: Buffer, direction: Direction): string {
  return `${nameOf(message, direction)}, ${message.length} bytes`
}

function nameOf(message: Buffer, direction: Direction): string {
  if (direction === 'client' && message[0] === 0) {
    const code = message.readInt32BE(4)
    return code === START_UP ? 'start-up' : code === CANCEL ? 'cancel' : 'unknown'
  }
  const type = String.fromCharCode(message[0] ?? 0)
  const tag = direction === 'server' && type === 'C' ? ` ${message.subarray(5, -1).toString('latin1')}` : ''
  return `${type} (${NAMES[direction][type] ?? 'unknown'}${tag})`
}

/** The process id in a BackendKeyData message, 0 in any other. */
export function readBackendPid(message: Buffer): number {
  return message[0] === 0x4b ? message.readInt32BE(5) : 0
}

/** ErrorResponse for `query_canceled` (PostgreSQL manual, "Error and Notice Message Fields"). */
export const CANCELLED: Buffer = writeError({
  S: 'ERROR',
  V: 'ERROR',
  C: '57014',
  M: 'canceling statement due to user request',
})

function writeError(fields: Readonly<Record<string, string>>): Buffer {
  const body = Buffer.from(
    `${Object.entries(fields)
      .map(([type, text]) => `${type}${text}\0`)
      .join('')}\0`,
  )
  const header = Buffer.alloc(5)
  header.write('E')
  header.writeInt32BE(4 + body.length, 1)
  return Buffer.concat([header, body])
}
