import { createHash } from 'node:crypto'

/** `sha256:` and 64 lower-case hexadecimal digits. The algorithm is part of the value, so that it can change one day. */
export type Checksum = `sha256:${string}`

/** The text whose checksum is taken and which is run: one byte order mark removed, CRLF turned into LF, nothing else. */
export function normalizeText(text: string): string {
  return (text.startsWith('\uFEFF') ? text.slice(1) : text).replaceAll('\r\n', '\n')
}

/** The checksum of a file's text: the same for an editor's byte order mark and for either line ending. */
export function checksumOf(text: string): Checksum {
  return `sha256:${createHash('sha256').update(normalizeText(text), 'utf8').digest('hex')}`
}
