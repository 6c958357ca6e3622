import type { Socket } from 'node:net'

/*
 * The client library takes a message as one string, makes a buffer of it and a copy of that: a file of 20 MB would be
 * held four times. And it logs in when it is given a message, which may not be known yet. Such messages go past it: the
 * library is given a stand-in, and where the stand-in's bytes come to the socket, those of the message take their place,
 * a piece at a time.
 */

/** Longer than this, in UTF-16 units, and a message is worth the detour; batches of small files never are. */
const LONG = 4 * 1024 * 1024

const PIECE = 256 * 1024

const STAND_IN = '/* another message goes in place of this */'
const STAND_IN_BYTES = Buffer.concat([header(STAND_IN), Buffer.from(`${STAND_IN}\0`)])

/**
 * Takes the place of the socket's `write`; returns what to hand to the library for a message. A message that fails to
 * come breaks the socket, with what it threw.
 */
export function passStandIns(socket: Socket): (message: string | Promise<string>) => string {
  const write = socket.write.bind(socket) as (bytes: string | Uint8Array, done?: () => void) => boolean
  let waiting: string | Promise<string> | null = null

  function writeInPlace(bytes: Uint8Array | string, done?: () => void): boolean {
    if (waiting === null || typeof bytes === 'string') return write(bytes, done)
    const before = bytes.length - STAND_IN_BYTES.length
    if (before < 0 || !STAND_IN_BYTES.equals(bytes.subarray(before))) return write(bytes, done)
    const message = waiting
    waiting = null
    if (before > 0) write(bytes.subarray(0, before))
    void writePieces(socket, write, message, done)
    // As for any write that does not fit into the socket's buffer.
    return false
  }
  Object.assign(socket, { write: writeInPlace })

  return (message) => {
    if (typeof message === 'string' && message.length <= LONG) return message
    waiting = message
    return STAND_IN
  }
}

/** Query: 'Q', the length of the rest, the text and a zero byte (PostgreSQL manual, "Message Formats"). */
function header(text: string): Buffer {
  const bytes = Buffer.alloc(5)
  bytes.write('Q')
  bytes.writeInt32BE(4 + Buffer.byteLength(text) + 1, 1)
  return bytes
}

async function writePieces(
  socket: Socket,
  write: (bytes: string | Uint8Array) => boolean,
  message: string | Promise<string>,
  done: (() => void) | undefined,
): Promise<void> {
  let text: string
  try {
    text = await message
  } catch (cause) {
    socket.destroy(cause instanceof Error ? cause : new Error(String(cause)))
    return
  }
  if (text.length <= PIECE) {
    write(Buffer.concat([header(text), Buffer.from(`${text}\0`)]))
    return done?.()
  }
  write(header(text))
  for (let at = 0; at < text.length && !socket.destroyed;) {
    const end = pieceEnd(text, at)
    const hasRoom = write(text.slice(at, end))
    at = end
    if (!hasRoom) await room(socket)
  }
  if (!socket.destroyed) write('\0')
  done?.()
}

/** Never between the two halves of a character. */
function pieceEnd(text: string, at: number): number {
  const last = text.charCodeAt(at + PIECE - 1)
  return at + PIECE + (last >= 0xd800 && last <= 0xdbff ? 1 : 0)
}

/** Resolves when the socket takes more, or never will. */
function room(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      socket.off('drain', go)
      socket.off('close', go)
      resolve()
    }
    socket.on('drain', go)
    socket.on('close', go)
  })
}
