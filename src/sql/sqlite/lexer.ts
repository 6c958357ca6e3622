/** What a token of SQLite is; `name` is a quoted identifier, `parameter` a `?1` or `:name` to be filled in. */
export type TokenKind = 'space' | 'comment' | 'string' | 'name' | 'word' | 'number' | 'parameter' | 'symbol'

/** One token: `text.slice(start, end)`, in UTF-16 offsets. */
export interface Token {
  readonly kind: TokenKind
  readonly start: number
  readonly end: number
  /** False for a quote that the end of the text cuts off. A comment may end with the text. */
  readonly isTerminated: boolean
}

const SPACE = /[ \t\n\f\r\uFEFF]+/y
const NUMBER = /(?:0[xX][0-9a-fA-F_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)/y
/** SQLite counts every character beyond ASCII as a letter. */
const WORD = /[A-Za-z_\u0080-\uFFFF][\w$\u0080-\uFFFF]*/y
const PARAMETER = /\?\d*|[:@$#][\w$\u0080-\uFFFF]+/y

/** The token that begins at `at`, which is before the end of the text. Never throws (SQLite's `sqlite3GetToken`). */
export function readToken(text: string, at: number): Token {
  const first = text.charAt(at)
  const next = text.charAt(at + 1)
  if (first === '-' && next === '-') return token('comment', at, endOfLine(text, at))
  if (first === '/' && next === '*') return commentAt(text, at)
  if (first === "'") return quoteAt('string', text, at, at, "'")
  if ((first === 'x' || first === 'X') && next === "'") return quoteAt('string', text, at, at + 1, "'")
  if (first === '"' || first === '`') return quoteAt('name', text, at, at, first)
  if (first === '[') return bracketAt(text, at)
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at
    if (pattern.test(text)) return token(kind, at, pattern.lastIndex)
  }
  return token('symbol', at, at + 1)
}

const PATTERNS: readonly (readonly [TokenKind, RegExp])[] = [
  ['space', SPACE],
  ['word', WORD],
  ['number', NUMBER],
  ['parameter', PARAMETER],
]

function token(kind: TokenKind, start: number, end: number, isTerminated: boolean = true): Token {
  return { kind, start, end, isTerminated }
}

function endOfLine(text: string, at: number): number {
  const lineBreak = text.indexOf('\n', at)
  return lineBreak < 0 ? text.length : lineBreak
}

/** Comments do not nest, and SQLite takes the end of the text for the end of one. */
function commentAt(text: string, at: number): Token {
  const close = text.indexOf('*/', at + 2)
  return token('comment', at, close < 0 ? text.length : close + 2)
}

/** A quote whose own mark is written twice inside of it; `open` is the offset of the opening mark. */
function quoteAt(kind: TokenKind, text: string, start: number, open: number, mark: string): Token {
  let close = text.indexOf(mark, open + 1)
  while (close >= 0 && text.charAt(close + 1) === mark) close = text.indexOf(mark, close + 2)
  return close < 0 ? token(kind, start, text.length, false) : token(kind, start, close + 1)
}

function bracketAt(text: string, at: number): Token {
  const close = text.indexOf(']', at)
  return close < 0 ? token('name', at, text.length, false) : token('name', at, close + 1)
}
