import { readToken } from './lexer.ts'
import type { Token } from './lexer.ts'
import { beginsConstraint, nameAt, wordOf } from './names.ts'

/** A table as its CREATE TABLE says it, taken apart. */
export interface TableDefinition {
  /** All but its columns: constraints of the table, WITHOUT ROWID, STRICT. */
  readonly definition: string
  readonly columns: readonly { readonly name: string; readonly definition: string }[]
}

/**
 * A definition in a form in which two that mean the same are the same text: one space between tokens, no comments, names
 * without quotes where they need none (SQLite adds quotes when it renames).
 */
export function readDefinition(sql: string): string {
  return normalize(sql, tokensOf(sql))
}

/** Takes a CREATE TABLE apart at the commas between its columns and constraints. Never throws. */
export function readTable(sql: string): TableDefinition {
  const tokens = tokensOf(sql)
  const open = tokens.findIndex((token) => isSymbol(sql, token, '('))
  const isVirtual = tokens.slice(0, 2).some((token) => wordOf(sql, token) === 'VIRTUAL')
  if (open < 0 || isVirtual) return { definition: normalize(sql, tokens), columns: [] }
  const { items, end } = splitItems(sql, tokens, open)
  const constraints = items.filter((item) => isConstraint(sql, item))
  const columns = items.filter((item) => !isConstraint(sql, item))
  return {
    definition: [...constraints, tokens.slice(end + 1)].map((part) => normalize(sql, part)).join(', '),
    columns: columns.map((item) => ({ name: nameAt(sql, item, 0).name, definition: normalize(sql, item) })),
  }
}

function isConstraint(sql: string, [first]: readonly Token[]): boolean {
  return first !== undefined && beginsConstraint(sql, first)
}

/** What stands between the parenthesis at `open` and its end, cut at its own commas. */
function splitItems(
  sql: string,
  tokens: readonly Token[],
  open: number,
): { readonly items: readonly (readonly Token[])[]; readonly end: number } {
  const items: Token[][] = [[]]
  let depth = 0
  for (let at = open; at < tokens.length; at++) {
    const token = tokens[at]
    if (token === undefined) break
    if (isSymbol(sql, token, '(') && depth++ === 0) continue
    if (isSymbol(sql, token, ')') && --depth === 0) return { items: items.filter(({ length }) => length > 0), end: at }
    if (depth === 1 && isSymbol(sql, token, ',')) items.push([])
    else items.at(-1)?.push(token)
  }
  return { items: items.filter(({ length }) => length > 0), end: tokens.length }
}

function isSymbol(sql: string, { kind, start }: Token, symbol: string): boolean {
  return kind === 'symbol' && sql.charAt(start) === symbol
}

function tokensOf(sql: string): readonly Token[] {
  const tokens: Token[] = []
  for (let at = 0; at < sql.length;) {
    const token = readToken(sql, at)
    at = token.end
    if (token.kind !== 'space' && token.kind !== 'comment') tokens.push(token)
  }
  return tokens
}

function normalize(sql: string, tokens: readonly Token[]): string {
  return tokens
    .map((token, index) => {
      const text = sql.slice(token.start, token.end)
      if (token.kind !== 'name') return text
      const { name } = nameAt(sql, tokens.slice(index, index + 1), 0)
      return /^[A-Za-z_]\w*$/.test(name) ? name : text
    })
    .join(' ')
}
