import { Lexer } from './lexer.ts'
import type { Statement } from './statements.ts'

const ADDS_VALUE = /^ALTER\s+TYPE\s+(\S+)\s+ADD\s+VALUE\s+(?:IF\s+NOT\s+EXISTS\s+)?'((?:[^']|'')+)'/i
const CREATES_TYPE = /^CREATE\s+TYPE\s+(\S+)\s+AS\s+ENUM\b/i

/**
 * Whether a statement may use a value that an earlier one adds to an enum type: the server refuses that within one
 * transaction, unless the type was made in it as well (PostgreSQL manual, "ALTER TYPE"). Goes by the value's literal,
 * so it may say yes too often; then the statements run one by one.
 */
export function usesNewEnumValue(text: string, statements: readonly Statement[]): boolean {
  const created = new Set<string>()
  const added = new Set<string>()
  for (const statement of statements) {
    if (added.size > 0 && holdsLiteral(text, statement, added)) return true
    if (!mayNameType(text, statement)) continue
    const words = text.slice(statement.start, statement.end)
    const type = CREATES_TYPE.exec(words)?.[1]
    if (type !== undefined) created.add(type.toLowerCase())
    const [, name, value] = ADDS_VALUE.exec(words) ?? []
    if (name !== undefined && value !== undefined && !created.has(name.toLowerCase())) added.add(`'${value}'`)
  }
  return false
}

/** Whether it begins with A or C: most do not, and there may be very many of them. */
function mayNameType(text: string, { start }: Statement): boolean {
  const letter = text.charCodeAt(start)
  return letter === 0x41 || letter === 0x43 || letter === 0x61 || letter === 0x63
}

/** Whether one of the literals stands in the statement, on its own or in the body of a function. */
function holdsLiteral(text: string, { start, end }: Statement, literals: ReadonlySet<string>): boolean {
  const lexer = new Lexer(text, start, end)
  for (let kind = lexer.next(); kind !== 'end'; kind = lexer.next()) {
    if (kind !== 'literal') continue
    const token = text.slice(lexer.start, lexer.end)
    if (literals.has(token)) return true
    if (token.startsWith('$') && [...literals].some((literal) => token.includes(literal))) return true
  }
  return false
}
