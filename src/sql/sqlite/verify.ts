import { indexLines } from '../location.ts'
import { findVerifyQueries } from '../verify.ts'
import type { ScriptReader, VerifyQuery } from '../verify.ts'
import { readToken } from './lexer.ts'
import { splitSqlite } from './statements.ts'

/** The verify queries of an SQLite file, in order. */
export function findSqliteVerifyQueries(text: string, file: string): readonly VerifyQuery[] {
  return findVerifyQueries(text, file, SQLITE)
}

/**
 * The expression that is 1 where the query has one row of one column and that is true, else 0 or NULL; null for what is
 * not one query: SQLite runs whatever comes behind a semicolon.
 */
export function truthOf({ text }: VerifyQuery): string | null {
  const truth = `((\n${text}\n) IS 1 AND (SELECT count(*) FROM (\n${text}\n)) = 1)`
  const { statements, problems } = splitSqlite(`SELECT ${truth}`)
  return statements.length === 1 && problems.length === 0 && /^\s*(?:SELECT|WITH|VALUES)\b/i.test(text) ? truth : null
}

const SQLITE: ScriptReader = { findLineComments, split: (text) => splitSqlite(text).statements }

function findLineComments(text: string): ReadonlySet<number> {
  const find = indexLines(text)
  const found = new Set<number>()
  let lineOfToken = -1
  for (let at = 0; at < text.length;) {
    const { kind, start, end } = readToken(text, at)
    at = end
    if (kind === 'space') continue
    const line = find(start).line - 1
    if (kind === 'comment' && text.startsWith('--', start) && line !== lineOfToken) found.add(line)
    lineOfToken = find(Math.max(start, end - 1)).line - 1
  }
  return found
}
