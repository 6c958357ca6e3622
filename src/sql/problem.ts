import type { ErrorCode, Problem } from '../core/errors.ts'

/** Something in a script that keeps it from being run as a migration, with its place. */
export interface ScriptProblem extends Problem {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
  /** Where it is: a UTF-16 offset into the script. */
  readonly offset: number
}

/** The token at `offset` is a quote or a comment that the end of the file cuts off. */
export function unterminatedProblem(text: string, offset: number): ScriptProblem {
  const opening = OPENING.exec(text.slice(offset, offset + LONGEST_OPENING))?.[0] ?? text.charAt(offset)
  return {
    code: 'sql/unterminated',
    message: `${opening} opens here and is never closed.`,
    hint: closingHint(opening),
    offset,
  }
}

const OPENING = /^(?:\/\*|(?:[a-z]|u&)?['"]|\$[^$]*\$)/i
/** `$`, a tag of 63 characters (the server's longest identifier) and `$`, with some to spare. */
const LONGEST_OPENING = 100

function closingHint(opening: string): string {
  if (opening === '/*') return 'Close the comment with */ (comments nest: each /* needs its own).'
  if (opening.endsWith('"')) return 'Close the identifier with ", or look for a " too many before it.'
  if (opening.endsWith("'")) return "Close the string with ' (inside of it a quote is written twice: '')."
  return `Close the string with ${opening}, spelled the same.`
}

export function unclosedParenthesisProblem(offset: number): ScriptProblem {
  return {
    code: 'sql/unterminated',
    message: 'The parenthesis that opens here is never closed.',
    hint: 'Add the missing ) before the end of its statement.',
    offset,
  }
}

export function unclosedBodyProblem(offset: number): ScriptProblem {
  return {
    code: 'sql/unterminated',
    message: 'The body that BEGIN ATOMIC opens here is never closed.',
    hint: 'Close it with END; and end the last statement inside of it with a semicolon.',
    offset,
  }
}

/** `COPY … FROM stdin` at `offset`, with or without rows behind it. */
export function copyDataProblem(offset: number): ScriptProblem {
  return {
    code: 'sql/copy-data',
    message: 'COPY … FROM stdin takes its rows from psql; they are not SQL that a server could run.',
    hint: 'Turn the rows into INSERT statements (pg_dump --inserts writes them so), or load the data outside of migrations.',
    offset,
  }
}

/** `COPY … TO stdout` in the statement at `offset`: its rows are for psql, and break what a runner sends. */
export function copyOutProblem(offset: number): ScriptProblem {
  return {
    code: 'sql/copy-data',
    message: 'COPY … TO stdout sends rows to psql; a migration has nobody to send them to.',
    hint: 'Remove it, or export the data outside of migrations.',
    offset,
  }
}

/** A psql command at `offset`; `line` is its text up to the end of the line. */
export function metaCommandProblem(line: string, offset: number): ScriptProblem {
  const name = /^\\(?:[a-z_]+\+?|\S?)/i.exec(line)?.[0] ?? '\\'
  const argument = line.slice(name.length).trim()
  return {
    code: 'sql/meta-command',
    message: `${name} is a command of psql, not SQL: no server understands it.`,
    hint: metaCommandHint(name, argument),
    offset,
  }
}

function metaCommandHint(name: string, argument: string): string {
  switch (name) {
    case '\\i':
    case '\\ir':
    case '\\include':
    case '\\include_relative':
      return `Put the text of ${argument || 'the included file'} in place of this line, or make it a migration of its own.`
    case '\\copy':
      return 'Use INSERT for the rows, or COPY … FROM a file on the server; or load the data outside of migrations.'
    case '\\c':
    case '\\connect':
      return 'Remove the line: the environment decides which database a migration runs on.'
    case '\\set':
    case '\\gset':
      return 'Write the value itself where the variable is used, then remove the line.'
    case '\\gexec':
      return 'Use a DO block with EXECUTE format(…) instead.'
    case '\\restrict':
    case '\\unrestrict':
      return `Remove the line: pg_dump writes ${name} for psql only.`
    default:
      return 'Remove the line.'
  }
}

/** A U+0000 at `offset`: PostgreSQL cannot hold one, and in a text file it mostly means UTF-16. */
export function nulProblem(offset: number): ScriptProblem {
  return {
    code: 'sql/nul-character',
    message: 'The file holds a NUL character, which PostgreSQL cannot take.',
    hint: 'Save the file as UTF-8 (an editor or PowerShell may have written UTF-16).',
    offset,
  }
}
