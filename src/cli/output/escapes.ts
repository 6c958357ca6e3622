/** One way to read an escape: the text that it stands for, and the offset at which it ends. */
export interface Reading {
  readonly text: string
  readonly end: number
}

/** Percent and HTML escapes are followed this many levels deep (`%2541` is `A` on the second). */
const LEVELS = 3

/** JSON in JSON in JSON doubles backslashes; a longer run is read piece by piece. */
const LONGEST_BACKSLASH_RUN = 8

const NAMED_ENTITY = /(?:amp|lt|gt|quot|apos|nbsp);/iy
const NUMERIC_ENTITY = /#(?:x(?<hex>[0-9a-f]{1,6})|(?<decimal>\d{1,7}));/iy
const HEX_ESCAPE = /u(?<four>[0-9a-f]{4})|u\{(?<braced>[0-9a-f]{1,6})\}|x(?<two>[0-9a-f]{2})/iy

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp;', '&'],
  ['lt;', '<'],
  ['gt;', '>'],
  ['quot;', '"'],
  ['apos;', "'"],
  ['nbsp;', '\u00a0'],
])

const CONTROL_LETTERS: ReadonlyMap<string, string> = new Map([
  ['0', '\0'],
  ['a', '\u0007'],
  ['b', '\b'],
  ['e', '\u001b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
])

/** How a shell, SQL and CSV write a quote inside quotes. */
const QUOTES: readonly (readonly [written: string, meant: string])[] = [
  [`'\\''`, "'"],
  [`'"'"'`, "'"],
  [`''`, "'"],
  [`""`, '"'],
]

/** A space at which a long line was broken, with the indentation of the next line. */
const BROKEN_LINE = /\n[ \t]*/y

const STARTS: ReadonlySet<number> = new Set(Array.from('%\\&+\'"\n', (character) => character.charCodeAt(0)))

/** Whether an escape can begin with this UTF-16 code unit. */
export function canStartEscape(unit: number): boolean {
  return STARTS.has(unit)
}

/**
 * Every way to read an escape at `at`: percent-encoded (either case, encoded again), JSON, JavaScript and shell
 * backslashes, doubled quotes, HTML entities, the `+` of forms, a line broken at a space. The plain reading of the character is not among them.
 */
export function readEscapes(text: string, at: number): readonly Reading[] {
  const start: string = text.charAt(at)
  switch (start) {
    case '%':
      return readPercent(text, at)
    case '\\':
      return readBackslash(text, at)
    case '&':
      return readEntity(text, at)
    case '+':
      return [{ text: ' ', end: at + 1 }]
    case '\n':
      return [{ text: ' ', end: at + (matchAt(BROKEN_LINE, text, at)?.[0].length ?? 1) }]
    case "'":
    case '"':
      return QUOTES.filter(([written]) => text.startsWith(written, at)).map(([written, meant]) => ({
        text: meant,
        end: at + written.length,
      }))
    default:
      return []
  }
}

function readPercent(text: string, at: number): readonly Reading[] {
  const readings: Reading[] = []
  let prefix = '%'
  for (let level = 0; level < LEVELS && text.startsWith(prefix, at); level += 1) {
    const first = byteAt(text, at + prefix.length)
    if (first !== null) {
      const length = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
      const bytes = Array.from({ length }, (_, index) => {
        const place = at + index * (prefix.length + 2)
        return text.startsWith(prefix, place) ? byteAt(text, place + prefix.length) : null
      })
      const meant = decodeUtf8(bytes)
      if (meant !== null) readings.push({ text: meant, end: at + length * (prefix.length + 2) })
    }
    prefix += '25'
  }
  return readings
}

function byteAt(text: string, at: number): number | null {
  const digits = text.slice(at, at + 2)
  return /^[0-9a-f]{2}$/iu.test(digits) ? Number.parseInt(digits, 16) : null
}

function decodeUtf8(bytes: readonly (number | null)[]): string | null {
  const known = bytes.filter((byte) => byte !== null)
  if (known.length < bytes.length) return null
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(known))
  } catch {
    return null
  }
}

function readBackslash(text: string, at: number): readonly Reading[] {
  let run = 1
  while (run < LONGEST_BACKSLASH_RUN && text[at + run] === '\\') run += 1
  const readings: Reading[] = []
  for (let length = 2; length <= run; length *= 2) readings.push({ text: '\\', end: at + length })

  const after = at + run
  const escaped = text[after]
  if (escaped === undefined) return readings
  readings.push({ text: escaped, end: after + 1 })
  const control = CONTROL_LETTERS.get(escaped)
  if (control !== undefined) readings.push({ text: control, end: after + 1 })
  const hex = matchAt(HEX_ESCAPE, text, after)
  const digits = hex?.groups?.['four'] ?? hex?.groups?.['braced'] ?? hex?.groups?.['two']
  if (hex !== null && digits !== undefined) pushCharacter(readings, Number.parseInt(digits, 16), after + hex[0].length)
  return readings
}

function readEntity(text: string, at: number): readonly Reading[] {
  const readings: Reading[] = []
  let place = at + 1
  for (let level = 0; level < LEVELS; level += 1) {
    const named = matchAt(NAMED_ENTITY, text, place)
    const meant = ENTITIES.get(named?.[0].toLowerCase() ?? '')
    if (named !== null && meant !== undefined) readings.push({ text: meant, end: place + named[0].length })
    const numeric = matchAt(NUMERIC_ENTITY, text, place)
    if (numeric !== null) {
      const { hex, decimal } = numeric.groups ?? {}
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
      pushCharacter(readings, code, place + numeric[0].length)
    }
    if (!text.startsWith('amp;', place)) break
    place += 'amp;'.length
  }
  return readings
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}

function pushCharacter(readings: Reading[], code: number, end: number): void {
  if (code <= 0x10_ffff) readings.push({ text: String.fromCodePoint(code), end })
}
