import { isRollbackHeading, isVerifyLine, splitComment } from '../core/rollback.ts'
import type { SqlSource } from '../core/sql-source.ts'
import { indexLines } from './location.ts'
import { Lexer } from './lexer.ts'
import { splitStatements } from './statements.ts'
import type { Statement } from './statements.ts'

/** One query that a migration's file asks of its own work; its one answer must be true. */
export interface VerifyQuery {
  /** Without its semicolon. */
  readonly text: string
  /** Where it stands: `text` begins at `offset` of `source.sql`. */
  readonly source: SqlSource
  readonly offset: number
}

/** How an engine's scripts are read, as far as verify queries need it. */
export interface ScriptReader {
  /** The lines, counted from 0, that are a comment from `--` on and nothing else. */
  readonly findLineComments: (text: string) => ReadonlySet<number>
  readonly split: (text: string) => readonly Statement[]
}

const POSTGRES: ScriptReader = { findLineComments, split: (text) => splitStatements(text).statements }

/**
 * The verify queries of a file, in order: `-- verify: SELECT …` holds one on its own line, and under a line `-- verify:`
 * they go on, each with its semicolon, while lines begin with `--`. What stands in a quote or a block comment is none.
 */
export function findVerifyQueries(text: string, file: string, reader: ScriptReader = POSTGRES): readonly VerifyQuery[] {
  if (!/--[ \t]*verify:/i.test(text)) return []
  const lines = text.split('\n')
  const comments = reader.findLineComments(text)
  return lines.flatMap((line, index) => {
    if (!comments.has(index) || !isVerifyLine(line)) return []
    const content = line.replace(/^[ \t]*--[ \t]*verify:[ \t]*/i, '').trimEnd()
    if (content !== '') {
      const mark = line.slice(0, line.trimEnd().length - content.length)
      const source = { sql: content, file, firstLine: index + 1, marks: [mark] }
      return [{ text: content.replace(/[;\s]+$/, ''), source, offset: 0 }]
    }
    const body: string[] = []
    const marks: string[] = []
    for (let at = index + 1; comments.has(at); at++) {
      const next = lines[at] ?? ''
      if (isVerifyLine(next) || isRollbackHeading(next)) break
      const comment = splitComment(next)
      body.push(comment?.content ?? '')
      marks.push(comment?.mark ?? '')
    }
    const source = { sql: body.join('\n'), file, firstLine: index + 2, marks }
    return reader.split(source.sql).map(({ start, end }) => ({
      text: source.sql.slice(start, end),
      source,
      offset: start,
    }))
  })
}

function findLineComments(text: string): ReadonlySet<number> {
  const lexer = new Lexer(text)
  const find = indexLines(text)
  const found = new Set<number>()
  let lineOfToken = -1
  for (let kind = lexer.next(); kind !== 'end'; kind = lexer.next()) {
    const line = find(lexer.start).line - 1
    if (kind === 'comment' && text.startsWith('--', lexer.start) && line !== lineOfToken) found.add(line)
    lineOfToken = find(Math.max(lexer.start, lexer.end - 1)).line - 1
  }
  return found
}
