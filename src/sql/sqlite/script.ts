import { findRestrictions } from './restrictions.ts'
import { splitSqlite } from './statements.ts'
import type { SqliteScript } from './statements.ts'

/** Reads a migration's text for D1: its statements, and why it must not be run, by offset. Never throws. */
export function readSqliteScript(text: string): SqliteScript {
  const script = splitSqlite(text)
  const problems = [...script.problems, ...findRestrictions(text, script)]
  return { ...script, problems: problems.toSorted((a, b) => a.offset - b.offset) }
}
