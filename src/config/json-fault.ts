/** Where a text stops being JSON. Line and column are 1-based; columns count characters (code points). */
export interface JsonFault {
  readonly line: number
  readonly column: number
  /** What would have fitted there. */
  readonly expected: string
}

const STRING = /"(?:[^"\\\r\n\t]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"/uy
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy
const SPACE = /[ \t\r\n]*/uy
const DEEPEST = 100

/**
 * The first place where `text` is not JSON (RFC 8259), or undefined. `JSON.parse` does say it, but in words that differ
 * between Node versions, often without the place, and with a piece of the text.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  const scanner = new Scanner(text)
  const expected = scanner.value(0) ?? scanner.end()
  if (expected === undefined) return undefined
  const lines = text.slice(0, scanner.offset).split('\n')
  return { line: lines.length, column: Array.from(lines.at(-1) ?? '').length + 1, expected }
}

/** Walks over the text; each method returns what it missed, and leaves `offset` there. */
class Scanner {
  readonly #text: string
  offset = 0

  constructor(text: string) {
    this.#text = text
  }

  value(depth: number): string | undefined {
    if (depth > DEEPEST) return `at most ${DEEPEST} levels`
    this.#take(SPACE)
    if (this.#text[this.offset] === '{') return this.#list('}', () => this.#member(depth + 1))
    if (this.#text[this.offset] === '[') return this.#list(']', () => this.value(depth + 1))
    return this.#take(STRING) || this.#take(SCALAR) ? undefined : 'a value'
  }

  end(): string | undefined {
    this.#take(SPACE)
    return this.offset === this.#text.length ? undefined : 'the end of the file'
  }

  #list(close: string, item: () => string | undefined): string | undefined {
    this.offset++
    this.#take(SPACE)
    if (this.#takeCharacter(close)) return undefined
    for (;;) {
      const missing = item()
      if (missing !== undefined) return missing
      this.#take(SPACE)
      if (this.#takeCharacter(close)) return undefined
      if (!this.#takeCharacter(',')) return `, or ${close}`
    }
  }

  #member(depth: number): string | undefined {
    this.#take(SPACE)
    if (!this.#take(STRING)) return 'a key in double quotes'
    this.#take(SPACE)
    return this.#takeCharacter(':') ? this.value(depth) : ':'
  }

  /** Moves behind what the pattern matches here; false when that is nothing. */
  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.offset
    const length = pattern.exec(this.#text)?.[0].length ?? 0
    this.offset += length
    return length > 0
  }

  #takeCharacter(character: string): boolean {
    if (this.#text[this.offset] !== character) return false
    this.offset++
    return true
  }
}
