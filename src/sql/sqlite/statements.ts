import { nulProblem } from '../problem.ts'
import type { ScriptProblem } from '../problem.ts'
import type { Directive, Statement } from '../statements.ts'
import { readToken } from './lexer.ts'
import type { Token } from './lexer.ts'

/** One statement of an SQLite script, and the tokens that it is made of, without space and comments. */
export interface SqliteStatement extends Statement {
  readonly tokens: readonly Token[]
}

export interface SqliteScript {
  readonly statements: readonly SqliteStatement[]
  /** What is no SQL at all, or is cut off by the end of the text; by offset. */
  readonly problems: readonly ScriptProblem[]
  readonly directives: readonly Directive[]
}

/**
 * Finds the statements of an SQLite script where SQLite itself finds them: a `;` ends one unless it is in a quote, a
 * comment or the body of a trigger, which ends with `; END ;`, so that the END of a CASE is never taken for it
 * (SQLite's `sqlite3_complete`). Empty statements are left out. Never throws; linear in the length of the text.
 */
export function splitSqlite(text: string): SqliteScript {
  const statements: SqliteStatement[] = []
  const problems: ScriptProblem[] = []
  const directives: Directive[] = []
  const nul = text.indexOf('\0')
  if (nul >= 0) problems.push({ ...nulProblem(nul), message: 'The file holds a NUL character, which ends SQL text.' })
  let tokens: Token[] = []

  const end = (): void => {
    const first = tokens[0]
    const last = tokens.at(-1)
    if (first !== undefined && last !== undefined) statements.push({ start: first.start, end: last.end, tokens })
    tokens = []
  }

  for (let at = 0; at < text.length;) {
    const token = tokens.length === 0 && isDotCommand(text, at) ? null : readToken(text, at)
    if (token === null) {
      const line = lineAt(text, at)
      problems.push(dotCommandProblem(line, at))
      at += line.length
      continue
    }
    at = token.end
    if (token.kind === 'space') continue
    if (token.kind === 'comment') {
      const words = directiveOf(text.slice(token.start, token.end))
      if (words !== null) directives.push({ words, offset: token.start })
      continue
    }
    if (!token.isTerminated) problems.push(unterminatedQuote(text.charAt(token.start), token.start))
    const isSemicolon = token.kind === 'symbol' && text.charAt(token.start) === ';'
    if (!isSemicolon) tokens.push(token)
    else if (!isTrigger(text, tokens) || endsBody(text, tokens)) end()
    else tokens.push(token)
  }
  const [open] = tokens
  const isCutOff = problems.some(({ code }) => code === 'sql/unterminated')
  if (open !== undefined && !isCutOff && isTrigger(text, tokens) && !endsBody(text, tokens)) {
    problems.push(unclosedTrigger(open.start))
  }
  end()
  return { statements, problems: problems.toSorted((a, b) => a.offset - b.offset), directives }
}

/** The words of a statement in upper case, from its first token on, as long as they are plain words; at most `count`. */
export function leadingWords(text: string, tokens: readonly Token[], count: number): readonly string[] {
  const words: string[] = []
  for (const token of tokens.slice(0, count)) {
    if (token.kind !== 'word') break
    words.push(text.slice(token.start, token.end).toUpperCase())
  }
  return words
}

const TRIGGER = /^(?:EXPLAIN (?:QUERY PLAN )?)?CREATE (?:TEMP |TEMPORARY )?TRIGGER\b/

function isTrigger(text: string, tokens: readonly Token[]): boolean {
  return TRIGGER.test(leadingWords(text, tokens, 6).join(' '))
}

/** Whether the last two tokens are `;` and END: the body of a trigger ends there, if the statement does. */
function endsBody(text: string, tokens: readonly Token[]): boolean {
  const [before, last] = tokens.slice(-2)
  if (before === undefined || last === undefined || last.kind !== 'word') return false
  return text.charAt(before.start) === ';' && text.slice(last.start, last.end).toUpperCase() === 'END'
}

function directiveOf(comment: string): string | null {
  const content = /^--\s*migration:(.*)$/i.exec(comment)?.[1]
  return content === undefined ? null : content.trim().toLowerCase().split(/\s+/).join(' ')
}

/** A line that begins with a dot is for the sqlite3 shell. */
function isDotCommand(text: string, at: number): boolean {
  return (
    text.charAt(at) === '.' && (at === 0 || text.charAt(at - 1) === '\n') && /^\.[a-z]/i.test(text.slice(at, at + 2))
  )
}

function lineAt(text: string, at: number): string {
  const lineBreak = text.indexOf('\n', at)
  return text.slice(at, lineBreak < 0 ? text.length : lineBreak)
}

function dotCommandProblem(line: string, offset: number): ScriptProblem {
  const name = /^\.[a-z]+/i.exec(line)?.[0] ?? '.'
  return {
    code: 'sql/meta-command',
    message: `${name} is a command of the sqlite3 shell, not SQL: no database understands it.`,
    hint: name === '.read' ? 'Put the text of the file in place of this line.' : 'Remove the line.',
    offset,
  }
}

function unterminatedQuote(mark: string, offset: number): ScriptProblem {
  const isText = mark === "'" || mark.toLowerCase() === 'x'
  return {
    code: 'sql/unterminated',
    message: `${isText ? "'" : mark} opens here and is never closed.`,
    hint: isText
      ? "Close the string with ' (inside of it a quote is written twice: '')."
      : `Close the identifier with ${mark === '[' ? ']' : mark}, or look for one too many before it.`,
    offset,
  }
}

function unclosedTrigger(offset: number): ScriptProblem {
  return {
    code: 'sql/unterminated',
    message: 'The trigger that begins here is never closed.',
    hint: 'Close its body with END; and end the last statement inside of it with a semicolon.',
    offset,
  }
}
