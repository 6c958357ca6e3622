import type { Secret } from '../../core/secret.ts'
import { base64HeadsOf } from './base64-forms.ts'
import type { Margin } from './base64-forms.ts'
import { canStartEscape, readEscapes } from './escapes.ts'
import { findCodes, isPublicWord } from './public-words.ts'
import { addBase64, addText, createTree, step } from './secret-tree.ts'
import type { Node } from './secret-tree.ts'

/** Takes secrets out of texts. */
export interface Redactor {
  /** From now on these are hidden, in every form. May be called again at any time. */
  readonly add: (secrets: readonly Secret[]) => void
  /**
   * The text with every form of every secret replaced by `***`. It has to be whole: a secret that was cut in two, by
   * a table or a length limit, is not recognised, so redact before the text is laid out.
   */
  readonly redact: (text: string) => string
}

/**
 * Three characters or fewer occur by chance in any text: hiding them would punch holes everywhere and thereby show
 * where they are. The connection string, and the `user:password@` in it, are hidden even so.
 */
const SHORTEST = 4

const MASK = '***'

const CARRIAGE_RETURN = 13

/** Offsets into a text; `end` is the first character that no longer belongs to it. */
interface Span {
  readonly start: number
  readonly end: number
}

interface Place {
  readonly node: Node
  readonly at: number
}

interface Match extends Margin {
  readonly end: number
}

/**
 * A redactor without secrets yet. Its `redact` takes time in proportion to the text, however many secrets there are,
 * and once for each secret that a text has a beginning of.
 */
export function createRedactor(): Redactor {
  const root = createTree()
  const known = new Set<string>()
  return {
    add(secrets) {
      for (const secret of secrets.flatMap((one) => hiddenPartsOf(one.reveal()))) {
        if (known.has(secret)) continue
        known.add(secret)
        addText(root, secret)
        for (const head of base64HeadsOf(secret)) addBase64(root, head)
      }
    },
    redact: (text) => (known.size === 0 ? text : mask(text, outsideOfCodes(text, findSecrets(root, text)))),
  }
}

/** What must be hidden of a secret: itself, and of a URL also every `user:password@` that it can be read to hold. */
function hiddenPartsOf(value: string): readonly string[] {
  const authority = /^[^:]*:\/\/(?<rest>.*)$/su.exec(value)?.groups?.['rest'] ?? ''
  const logins = [...authority.matchAll(/@/gu)].map(({ index }) => authority.slice(0, index + 1))
  // A stream or an encoder writes a lone surrogate as U+FFFD.
  const written = value.replace(/\p{Cs}/gu, '\ufffd')
  return [value, value.trim(), written, ...logins.filter((login) => /:[^@]/u.test(login))].filter(
    (part) => part.trim().length >= SHORTEST && !/^\**$/u.test(part) && !isPublicWord(part),
  )
}

/** Every place where a secret stands, in order; they may overlap, as secrets that begin inside another count, too. */
function findSecrets(root: Node, text: string): readonly Span[] {
  const spans: Span[] = []
  for (let start = 0; start < text.length; start += 1) {
    const match = findLongest(root, text, start)
    if (match !== null) spans.push({ start: Math.max(0, start - match.before), end: match.end + match.after })
  }
  return spans
}

/**
 * A password `wrong` is not told by the code `connection/wrong-password`, which is the same for everybody; it would be by
 * a hole in it, and no pipeline could read that.
 */
function outsideOfCodes(text: string, spans: readonly Span[]): readonly Span[] {
  if (spans.length === 0) return spans
  const codes = findCodes(text)
  return spans.filter(({ start, end }) => !codes.some((code) => code.start <= start && end <= code.end))
}

/** Nearly all places of a text fail at once, on plain characters, so these are followed without any bookkeeping. */
function findLongest(root: Node, text: string, start: number): Match | null {
  let node = root
  let longest: Match | null = null
  for (let at = start; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (canStartEscape(unit) || (unit === CARRIAGE_RETURN && node !== root)) {
      return followEscapes({ node, at }, text, root) ?? longest
    }
    const next = step(node, unit)
    if (next === undefined) return longest
    node = next
    if (node.margin !== null) longest = { end: at + 1, ...node.margin }
  }
  return longest
}

/** Follows every reading of the text at once, so that any mixture of plain and escaped characters is found. */
function followEscapes(from: Place, text: string, root: Node): Match | null {
  let longest: Match | null = null
  let places: readonly Place[] = [from]
  while (places.length > 0) {
    const reached: Place[] = []
    const reach = (node: Node, at: number): boolean => {
      if (reached.some((place) => place.node === node && place.at === at)) return false
      reached.push({ node, at })
      return true
    }
    for (const { node, at } of places) {
      for (const reading of readingsAt(text, at)) {
        // Inside of a secret a line break may be one of the layout, written as such or escaped: encode() breaks base64
        // after 76 characters.
        if (node !== root && isLineBreak(reading.text)) reach(node, reading.end)
        const next = descend(node, reading.text)
        if (next === null || !reach(next, reading.end)) continue
        if (next.margin !== null && reading.end > (longest?.end ?? 0)) longest = { end: reading.end, ...next.margin }
      }
    }
    places = reached
  }
  return longest
}

function isLineBreak(text: string): boolean {
  return text === '\n' || text === '\r'
}

function readingsAt(text: string, at: number): readonly { readonly text: string; readonly end: number }[] {
  const plain = text[at]
  return plain === undefined ? [] : [{ text: plain, end: at + 1 }, ...readEscapes(text, at)]
}

function descend(from: Node, text: string): Node | null {
  let node = from
  for (let at = 0; at < text.length; at += 1) {
    const next = step(node, text.charCodeAt(at))
    if (next === undefined) return null
    node = next
  }
  return node
}

function mask(text: string, spans: readonly Span[]): string {
  let result = ''
  let copied = 0
  for (const { start, end } of spans) {
    if (start >= copied) result += text.slice(copied, start) + MASK
    copied = Math.max(copied, end)
  }
  return result + text.slice(copied)
}
