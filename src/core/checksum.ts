import { createHash } from 'node:crypto'

/** `sha256:` and 64 lower-case hexadecimal digits. The algorithm is part of the value, so that it can change one day. */
export type Checksum = `sha256:${string}`

/** The text whose checksum is taken and which is run: one byte order mark removed, CRLF turned into LF, nothing else. */
export function normalizeText(text: string): string {
  return (text.startsWith('\uFEFF') ? text.slice(1) : text).replaceAll('\r\n', '\n')
}

/** The checksum of a file's text: the same for an editor's byte order mark and for either line ending. */
export function checksumOf(text: string): Checksum {
  const normal = normalizeText(text)
  const hash = createHash('sha256')
  // In pieces: the hash makes a copy of what it is given, and a file may be large.
  for (let at = 0; at < normal.length;) {
    const end = pieceEnd(normal, at)
    hash.update(normal.slice(at, end), 'utf8')
    at = end
  }
  return `sha256:${hash.digest('hex')}`
}

/** A megabyte on, and never between the two halves of a character. */
function pieceEnd(text: string, at: number): number {
  const end = at + 1_048_576
  const last = text.charCodeAt(end - 1)
  return last >= 0xd800 && last <= 0xdbff ? end + 1 : end
}
