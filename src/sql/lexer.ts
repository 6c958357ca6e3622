/**
 * - `word`: an unquoted keyword or identifier
 * - `quoted`: a "quoted identifier", with its `U&`
 * - `literal`: a string of any kind, with its prefix, or a dollar-quoted one
 * - `number`: also a parameter such as `$1`
 * - `symbol`: one other character
 * - `comment`: `--` to the end of its line, or a whole (nested) block comment
 * - `meta-command`: a backslash outside of quotes, which only psql understands, and the rest of its line
 */
export type TokenKind = 'word' | 'quoted' | 'literal' | 'number' | 'symbol' | 'comment' | 'meta-command' | 'end'

const TAB = 9
const LINE_FEED = 10
const CARRIAGE_RETURN = 13
const SPACE = 32
const DOUBLE_QUOTE = 34
const DOLLAR = 36
const AMPERSAND = 38
const QUOTE = 39
const STAR = 42
const DASH = 45
const DOT = 46
const SLASH = 47
const BACKSLASH = 92
const BYTE_ORDER_MARK = 0xfeff

/** Letters, `_` and everything outside of ASCII: PostgreSQL lets an identifier and a dollar tag start with them. */
function startsWord(char: number): boolean {
  return (char >= 97 && char <= 122) || (char >= 65 && char <= 90) || char === 95 || char >= 128
}

function isDigit(char: number): boolean {
  return char >= 48 && char <= 57
}

function isSpace(char: number): boolean {
  return char === SPACE || (char >= TAB && char <= CARRIAGE_RETURN)
}

function isLineBreak(char: number): boolean {
  return char === LINE_FEED || char === CARRIAGE_RETURN
}

/**
 * Reads PostgreSQL text token by token, by the rules of the server's own scanner (`src/backend/parser/scan.l`) with
 * `standard_conforming_strings` on. Every character is looked at a bounded number of times, whatever the text holds.
 * The current token is in the fields; a token object each would cost more than the reading.
 */
export class Lexer {
  readonly text: string
  /** Reading stops here: an exclusive UTF-16 offset. */
  readonly limit: number
  kind: TokenKind = 'end'
  /** UTF-16 offset of the current token. */
  start: number
  /** UTF-16 offset behind the current token; the next one is sought from here, so setting it skips text. */
  end: number
  /** False when the text ended inside of the current literal, quoted identifier or block comment. */
  isTerminated = true

  constructor(text: string, start = 0, limit: number = text.length) {
    this.text = text
    this.limit = limit
    this.start = start
    this.end = start
  }

  /** Steps to the next token, comments included, and returns its kind; at the limit `end`, again and again. */
  next(): TokenKind {
    const { text, limit } = this
    let at = this.end
    if (at === 0 && text.charCodeAt(0) === BYTE_ORDER_MARK) at = 1
    while (at < limit && isSpace(text.charCodeAt(at))) at++
    this.start = at
    this.end = at
    this.isTerminated = true
    this.kind = at < limit ? this.#read(text.charCodeAt(at)) : 'end'
    return this.kind
  }

  /**
   * The current token as a keyword to compare with: a word in upper case, anything else as written. A quoted identifier
   * or a literal begins with its quote or prefix and quote, so it never equals a keyword.
   */
  keyword(): string {
    const slice = this.text.slice(this.start, this.end)
    return this.kind === 'word' ? upperCaseAscii(slice) : slice
  }

  #read(char: number): TokenKind {
    const { text, start } = this
    const following = text.charCodeAt(start + 1)
    if (startsWord(char)) return this.#readWord(char, following)
    if (char === QUOTE) return this.#readQuoted(start, QUOTE, 'literal')
    if (char === DOUBLE_QUOTE) return this.#readQuoted(start, DOUBLE_QUOTE, 'quoted')
    if (isDigit(char) || (char === DOLLAR && isDigit(following))) return this.#readNumber()
    if (char === DOLLAR) return this.#readDollarQuoted()
    if (char === DASH && following === DASH) return this.#readRestOfLine('comment')
    if (char === SLASH && following === STAR) return this.#readBlockComment()
    if (char === BACKSLASH) return this.#readRestOfLine('meta-command')
    this.end = start + 1
    return 'symbol'
  }

  #readWord(char: number, following: number): TokenKind {
    const { text, limit, start } = this
    const letter = char | 32
    if (following === QUOTE) {
      if (letter === 101 /* e */) return this.#readEscapeString()
      if (letter === 98 /* b */ || letter === 120 /* x */ || letter === 110 /* n */) {
        return this.#readQuoted(start + 1, QUOTE, 'literal')
      }
    }
    if (letter === 117 /* u */ && following === AMPERSAND) {
      const quote = text.charCodeAt(start + 2)
      if (quote === QUOTE) return this.#readQuoted(start + 2, QUOTE, 'literal')
      if (quote === DOUBLE_QUOTE) return this.#readQuoted(start + 2, DOUBLE_QUOTE, 'quoted')
    }
    let at = start + 1
    while (at < limit) {
      const part = text.charCodeAt(at)
      if (!startsWord(part) && !isDigit(part) && part !== DOLLAR) break
      at++
    }
    this.end = at
    return 'word'
  }

  /** Digits and what sticks to them: `1e5`, `0x1F`, `1_000`, `$1`. A `$` does not: it opens a dollar quote there. */
  #readNumber(): TokenKind {
    const { text, limit } = this
    let at = this.start + 1
    while (at < limit) {
      const part = text.charCodeAt(at)
      if (!startsWord(part) && !isDigit(part) && part !== DOT) break
      at++
    }
    this.end = at
    return 'number'
  }

  /** A doubled quote reads as two quoted parts that touch. */
  #readQuoted(opening: number, quote: number, kind: TokenKind): TokenKind {
    const { text } = this
    const mark = quote === QUOTE ? "'" : '"'
    let at = opening
    do {
      const closing = text.indexOf(mark, at + 1)
      if (closing < 0) return this.#endUnterminated(kind)
      at = closing + 1
    } while (text.charCodeAt(at) === quote)
    this.end = at
    return kind
  }

  /** `E'…'`: a backslash takes the next character with it, and a continued string keeps that rule. */
  #readEscapeString(): TokenKind {
    const { text, limit } = this
    let at = this.start + 2
    while (at < limit) {
      const char = text.charCodeAt(at)
      if (char === BACKSLASH) {
        at += 2
      } else if (char !== QUOTE) {
        at++
      } else if (text.charCodeAt(at + 1) === QUOTE) {
        at += 2
      } else {
        const continued = this.#findContinuation(at + 1)
        if (continued < 0) {
          this.end = at + 1
          return 'literal'
        }
        at = continued + 1
      }
    }
    return this.#endUnterminated('literal')
  }

  /** The quote that continues a string after white space with a line break (and `--` comments), or -1. */
  #findContinuation(from: number): number {
    const { text, limit } = this
    let at = from
    let hasLineBreak = false
    while (at < limit) {
      const char = text.charCodeAt(at)
      if (isSpace(char)) {
        hasLineBreak ||= isLineBreak(char)
        at++
      } else if (char === DASH && text.charCodeAt(at + 1) === DASH) {
        at = this.#findLineEnd(at)
      } else {
        return char === QUOTE && hasLineBreak ? at : -1
      }
    }
    return -1
  }

  /** `$$…$$` or `$tag$…$tag$`; a `$` that opens neither is a symbol. */
  #readDollarQuoted(): TokenKind {
    const { text, limit, start } = this
    let at = start + 1
    if (startsWord(text.charCodeAt(at))) {
      while (at < limit && (startsWord(text.charCodeAt(at)) || isDigit(text.charCodeAt(at)))) at++
    }
    if (text.charCodeAt(at) !== DOLLAR) {
      this.end = start + 1
      return 'symbol'
    }
    const tag = text.slice(start, at + 1)
    const closing = text.indexOf(tag, at + 1)
    if (closing < 0) return this.#endUnterminated('literal')
    this.end = closing + tag.length
    return 'literal'
  }

  #readBlockComment(): TokenKind {
    const { text, limit } = this
    let at = this.start + 2
    let depth = 1
    while (at < limit) {
      const char = text.charCodeAt(at)
      if (char === STAR && text.charCodeAt(at + 1) === SLASH) {
        at += 2
        depth--
        if (depth === 0) {
          this.end = at
          return 'comment'
        }
      } else if (char === SLASH && text.charCodeAt(at + 1) === STAR) {
        at += 2
        depth++
      } else {
        at++
      }
    }
    return this.#endUnterminated('comment')
  }

  #readRestOfLine(kind: TokenKind): TokenKind {
    this.end = this.#findLineEnd(this.start)
    return kind
  }

  /** The offset of the line break at or after `from`: for the server a lone carriage return is one too. */
  #findLineEnd(from: number): number {
    const { text, limit } = this
    let at = from
    while (at < limit && !isLineBreak(text.charCodeAt(at))) at++
    return at
  }

  #endUnterminated(kind: TokenKind): TokenKind {
    this.end = this.limit
    this.isTerminated = false
    return kind
  }
}

/** Upper case for A to Z only, as the server folds keywords: `ſ` and `ı` must not become S and I. */
function upperCaseAscii(word: string): string {
  for (let at = 0; at < word.length; at++) if (word.charCodeAt(at) >= 128) return word
  return word.toUpperCase()
}
