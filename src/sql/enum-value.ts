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
  const added: string[] = []
  for (const { start, end } of statements) {
    const statement = text.slice(start, end)
    if (added.some((literal) => statement.includes(literal))) return true
    const type = CREATES_TYPE.exec(statement)?.[1]
    if (type !== undefined) created.add(type.toLowerCase())
    const [, name, value] = ADDS_VALUE.exec(statement) ?? []
    if (name !== undefined && value !== undefined && !created.has(name.toLowerCase())) added.push(`'${value}'`)
  }
  return false
}
