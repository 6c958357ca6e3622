import { Buffer } from 'node:buffer'
import { isPublicWord } from './public-words.ts'

/** Characters beside a match that hold a part of the secret, too: base64 puts bits of two bytes into one character. */
export interface Margin {
  readonly before: number
  readonly after: number
}

/** The beginning of what base64 text with a secret in it always has; `base64FormsOf` makes the rest. */
export interface Base64Head {
  readonly text: string
  /** The secret as it was written before it was encoded. */
  readonly written: string
  /** How many bytes of a group of three stand before it: 0, 1 or 2. */
  readonly offset: number
}

const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const URL_SAFE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Where the first character begins that holds nothing but the secret, by offset, in bits of the secret. */
const FIRST_BIT = [0, 4, 2] as const

/** So many characters tell most secrets apart, and 4 bytes, the shortest secret, have them at each offset. */
const HEAD_LENGTH = 4

/**
 * The beginnings of all base64 forms of a secret of at least 4 characters: as it is, percent-encoded or in JSON, in
 * either alphabet, for each of the three ways it can be aligned. Cheap, as there are many secrets and few are ever met.
 */
export function base64HeadsOf(secret: string): readonly Base64Head[] {
  const written = new Set([secret, encodeURIComponent(secret.replace(/\p{Cs}/gu, '\ufffd')), jsonInside(secret)])
  return [...written].flatMap((form) => {
    // One more code unit than bytes are read, so that no pair of surrogates is cut within them.
    const bits = Buffer.from(form.slice(0, 5)).readUInt32BE(0)
    return FIRST_BIT.flatMap((firstBit, offset) => {
      const standard = headOf(bits, firstBit, STANDARD)
      const urlSafe = headOf(bits, firstBit, URL_SAFE)
      return (standard === urlSafe ? [standard] : [standard, urlSafe]).map((text) => ({ text, written: form, offset }))
    })
  })
}

/** The whole forms that have this head: none, one, or one for each alphabet. */
export function base64FormsOf({ text: head, written, offset }: Base64Head): readonly (Margin & { text: string })[] {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(written)])
  const first = Math.ceil((offset * 8) / 6)
  const last = Math.floor((bytes.length * 8) / 6)
  const text = bytes.toString('base64').slice(first, last)
  if (isPublicWord(text)) return []
  const margin = { before: offset === 0 ? 0 : 1, after: bytes.length % 3 === 0 ? 0 : 1 }
  const urlSafe = text.replaceAll('+', '-').replaceAll('/', '_')
  return [...new Set([text, urlSafe])]
    .filter((variant) => variant.startsWith(head))
    .map((variant) => ({ text: variant, ...margin }))
}

function headOf(bits: number, firstBit: number, alphabet: string): string {
  let head = ''
  for (let at = 0; at < HEAD_LENGTH; at += 1) head += alphabet.charAt((bits >>> (26 - firstBit - 6 * at)) & 63)
  return head
}

function jsonInside(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}
