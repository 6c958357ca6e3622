import { createHash, hash } from 'node:crypto'

/** `sha256:` and 64 lower-case hexadecimal digits. The algorithm is part of the value, so that it can change one day. */
export type Checksum = `sha256:${string}`

/** What is hashed at once at most, in UTF-16 units. */
const PIECE = 1_048_576

/** The text whose checksum is taken and which is run: one byte order mark removed, CRLF turned into LF, nothing else. */
export function normalizeText(text: string): string {
  return (text.startsWith('\uFEFF') ? text.slice(1) : text).replaceAll('\r\n', '\n')
}

/** The checksum of a file's text: the same for an editor's byte order mark and for either line ending. */
export function checksumOf(text: string): Checksum {
  const normal = normalizeText(text)
  return `sha256:${normal.length <= PIECE ? hash('sha256', normal, 'hex') : hashPieces(normal)}`
}

/** In pieces: what is hashed is copied first, and a file may be large. */
function hashPieces(normal: string): string {
  const pieces = createHash('sha256')
  for (let at = 0; at < normal.length;) {
    const end = pieceEnd(normal, at)
    pieces.update(normal.slice(at, end), 'utf8')
    at = end
  }
  return pieces.digest('hex')
}

/** A megabyte on, and never between the two halves of a character. */
function pieceEnd(text: string, at: number): number {
  const end = at + PIECE
  const last = text.charCodeAt(end - 1)
  return last >= 0xd800 && last <= 0xdbff ? end + 1 : end
}
