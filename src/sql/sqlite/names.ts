import type { Token } from './lexer.ts'

/** A name as it is meant: without quotes. */
export function nameOf(text: string, { start, end }: Token): string {
  return unquote(text.slice(start, end))
}

/** The name at a token, without a schema before it and without quotes, and the token behind it. */
export function nameAt(
  text: string,
  tokens: readonly Token[],
  at: number,
): { readonly name: string; readonly next: number } {
  const [first, dot, second] = tokens.slice(at, at + 3)
  const isQualified = dot !== undefined && second !== undefined && text.slice(dot.start, dot.end) === '.'
  const token = isQualified ? second : first
  if (token === undefined) return { name: '', next: at }
  return { name: nameOf(text, token), next: at + (isQualified ? 3 : 1) }
}

function unquote(name: string): string {
  const mark = name.charAt(0)
  if (mark === '[') return name.slice(1, -1)
  if (mark !== '"' && mark !== '`' && mark !== "'") return name
  return name.slice(1, -1).replaceAll(mark + mark, mark)
}

/** A word in upper case; what is no plain word as it stands. */
export function wordOf(text: string, token: Token): string {
  return token.kind === 'word' ? text.slice(token.start, token.end).toUpperCase() : text.slice(token.start, token.end)
}

const CONSTRAINTS: ReadonlySet<string> = new Set(['CONSTRAINT', 'PRIMARY', 'UNIQUE', 'CHECK', 'FOREIGN'])

/** Whether what begins with this token, between the parentheses of a CREATE TABLE, is a constraint and not a column. */
export function beginsConstraint(text: string, token: Token): boolean {
  return CONSTRAINTS.has(wordOf(text, token))
}

/** A name as SQLite compares it: without regard to the case of ASCII letters. */
export function fold(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
}
