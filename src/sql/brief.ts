/** Commands that write to the catalogs, however much is in the tables. */
const CATALOG =
  /^(?:COMMENT\s+ON|GRANT|REVOKE|CREATE\s+(?:OR\s+REPLACE\s+)?(?:TABLE|VIEW|FUNCTION|PROCEDURE|TYPE|DOMAIN|SEQUENCE|TRIGGER|POLICY))\b/i

/** A table that is filled by what it is made from, or takes rows from another. */
const FILLED = /^CREATE\s+TABLE\s[^]*\b(?:SELECT|TABLE|VALUES|EXECUTE|PARTITION)\b/i

const NEW_TABLE = /^CREATE\s+TABLE\s+(?!IF\b)([\w."]+)/i
const CHANGED_TABLE = /^(?:CREATE\s+(?:UNIQUE\s+)?INDEX\s+[\w"]+\s+ON|ALTER\s+TABLE)\s+(?:ONLY\s+)?([\w."]+)/i

const INSERT = /^INSERT\s+INTO\b/i
const QUERY = /\b(?:SELECT|TABLE|WITH)\b/i
const ATTACHED = /\bATTACH\b/i
/** So much text holds few rows, in UTF-16 units. */
const FEW = 10_000

/**
 * Follows the statements of one file, in order: the function returned tells of each whether it takes no time worth
 * speaking of, unless it waits for a lock. It goes by the text alone, and decides how soon a person hears of the
 * statement, and nothing else.
 */
export function followStatements(): (statement: string) => boolean {
  /** Tables of the file's own, with at most a few rows in them. */
  const small = new Set<string>()
  return (statement) => {
    if (CATALOG.test(statement)) {
      const table = NEW_TABLE.exec(statement)?.[1]
      if (table === undefined) return true
      if (FILLED.test(statement)) return false
      small.add(table)
      return true
    }
    const table = CHANGED_TABLE.exec(statement)?.[1]
    if (table !== undefined) return small.has(table) && !ATTACHED.test(statement)
    if (INSERT.test(statement) && statement.length < FEW && !QUERY.test(statement)) return true
    // It may fill any of them.
    small.clear()
    return false
  }
}
