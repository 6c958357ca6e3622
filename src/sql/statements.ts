import { Lexer } from './lexer.ts'
import {
  copyDataProblem,
  copyOutProblem,
  metaCommandProblem,
  nulProblem,
  type ScriptProblem,
  unclosedBodyProblem,
  unclosedParenthesisProblem,
  unterminatedProblem,
} from './problem.ts'

/** One SQL statement of a script: `text.slice(start, end)`, from its first token to its last, without the `;`. */
export interface Statement {
  /** UTF-16 offset of the first token. */
  readonly start: number
  /** UTF-16 offset behind the last token. What lies between it and the `;` is white space and comments. */
  readonly end: number
}

/** A comment of its own kind: `-- migration: <words>`. */
export interface Directive {
  /** What follows `migration:`, in lower case, with single spaces. */
  readonly words: string
  /** UTF-16 offset of the `--`. */
  readonly offset: number
}

export interface SplitResult {
  readonly statements: readonly Statement[]
  /** What is no SQL at all, or is cut off by the end of the text; by offset. */
  readonly problems: readonly ScriptProblem[]
  readonly directives: readonly Directive[]
}

/**
 * Finds the statements of a PostgreSQL script where the server's own parser finds them: a `;` counts unless it is in a
 * quote, a comment, parentheses or a `BEGIN ATOMIC` body. Empty statements are left out. Never throws: what cannot be
 * SQL becomes a problem, and the reading goes on behind it. The time is linear in the length of the text.
 */
export function splitStatements(text: string): SplitResult {
  return new Splitter(text).split()
}

/** What the words of a statement are watched for; `nothing` spares looking at them. */
type Watch = 'first word' | 'create' | 'routine' | 'copy' | 'nothing'

class Splitter {
  readonly #lexer: Lexer
  readonly #statements: Statement[] = []
  readonly #problems: ScriptProblem[] = []
  readonly #directives: Directive[] = []

  /** Of the statement that is being read; `start` is -1 before its first token. */
  #start = -1
  #end = -1
  #watch: Watch = 'first word'
  #previousWord = ''
  #takesCopyData = false
  /** How many parentheses are open, and the offset of the outermost. */
  #depth = 0
  #parenthesis = -1
  /** The offset of the `BEGIN ATOMIC` that is open, or -1. */
  #body = -1
  #beginOffset = -1

  constructor(text: string) {
    this.#lexer = new Lexer(text)
  }

  split(): SplitResult {
    const lexer = this.#lexer
    const nul = lexer.text.indexOf('\0')
    if (nul >= 0) this.#problems.push(nulProblem(nul))
    for (let kind = lexer.next(); kind !== 'end'; kind = lexer.next()) {
      if (!lexer.isTerminated) this.#problems.push(unterminatedProblem(lexer.text, lexer.start))
      if (kind === 'comment') this.#readComment()
      else if (kind === 'meta-command') this.#readMetaCommand()
      else if (kind === 'symbol' && this.#isBorder()) this.#endStatement()
      else this.#extend()
    }
    this.#reportUnclosed()
    this.#endStatement()
    return {
      statements: this.#statements,
      problems: this.#problems.toSorted((a, b) => a.offset - b.offset),
      directives: this.#directives,
    }
  }

  #isBorder(): boolean {
    return this.#symbol() === ';' && this.#depth === 0 && this.#body < 0
  }

  #symbol(): string {
    return this.#lexer.text.charAt(this.#lexer.start)
  }

  /** Takes the current token into the statement. */
  #extend(): void {
    const { kind, start, end } = this.#lexer
    if (this.#start < 0) this.#start = start
    this.#end = end
    if (kind === 'symbol') this.#readSymbol()
    else if (this.#watch !== 'nothing') this.#readWord()
  }

  #readSymbol(): void {
    const symbol = this.#symbol()
    if (symbol === '(') {
      if (this.#depth === 0) this.#parenthesis = this.#lexer.start
      this.#depth++
    } else if (symbol === ')') {
      this.#depth = Math.max(0, this.#depth - 1)
    }
    this.#previousWord = symbol
  }

  #readWord(): void {
    if (this.#depth > 0) return
    const word = this.#lexer.keyword()
    const previous = this.#previousWord
    this.#previousWord = word
    switch (this.#watch) {
      case 'first word':
        this.#watch = word === 'CREATE' ? 'create' : word === 'COPY' ? 'copy' : 'nothing'
        break
      case 'create':
        if (word === 'FUNCTION' || word === 'PROCEDURE') this.#watch = 'routine'
        else if (word !== 'OR' && word !== 'REPLACE') this.#watch = 'nothing'
        break
      case 'routine':
        this.#readRoutineWord(word, previous)
        break
      case 'copy':
        if (word === 'STDIN' && previous === 'FROM') this.#takesCopyData = true
        if (word === 'STDOUT' && previous === 'TO') this.#problems.push(copyOutProblem(this.#start))
        break
      case 'nothing':
        break
    }
  }

  /**
   * Every statement of a body ends with `;` and none begins with END (the grammar keeps `END` as a transaction command
   * out of it), so the END of a CASE is never taken for the body's: only one behind `;` or ATOMIC closes it.
   */
  #readRoutineWord(word: string, previous: string): void {
    if (this.#body >= 0) {
      if (word === 'END' && (previous === ';' || previous === 'ATOMIC')) this.#body = -1
    } else if (word === 'BEGIN') {
      this.#beginOffset = this.#lexer.start
    } else if (word === 'ATOMIC' && previous === 'BEGIN') {
      this.#body = this.#beginOffset
    }
  }

  #readComment(): void {
    const { text, start, end } = this.#lexer
    if (!text.startsWith('--', start)) return
    const content = text.slice(start + 2, end).trim()
    if (!/^migration:/i.test(content)) return
    const words = content.slice('migration:'.length).trim().toLowerCase().split(/\s+/).join(' ')
    this.#directives.push({ words, offset: start })
  }

  /** psql would act at once; a statement that is half read ends here, so that one command is one problem. */
  #readMetaCommand(): void {
    const lexer = this.#lexer
    const line = lexer.text.slice(lexer.start, lexer.end)
    this.#problems.push(metaCommandProblem(line, lexer.start))
    this.#endStatement()
    if (/^\\copy\s.*\sfrom\s+p?stdin\b/i.test(line)) this.#skipCopyData()
  }

  #endStatement(): void {
    const takesCopyData = this.#takesCopyData
    if (this.#start >= 0) this.#statements.push({ start: this.#start, end: this.#end })
    if (takesCopyData) this.#problems.push(copyDataProblem(this.#start))
    this.#start = -1
    this.#end = -1
    this.#watch = 'first word'
    this.#previousWord = ''
    this.#takesCopyData = false
    this.#depth = 0
    this.#body = -1
    if (takesCopyData) this.#skipCopyData()
  }

  /** The data begins on the next line and ends with a line `\.`, or with the file. */
  #skipCopyData(): void {
    const lexer = this.#lexer
    const { text } = lexer
    const lineBreak = text.indexOf('\n', lexer.end)
    let mark = lineBreak < 0 ? -1 : text.indexOf('\n\\.', lineBreak)
    while (mark >= 0 && !endsLine(text, mark + 3)) mark = text.indexOf('\n\\.', mark + 3)
    lexer.end = mark < 0 ? text.length : mark + 3
  }

  #reportUnclosed(): void {
    const isCutOff = this.#problems.some((problem) => problem.code === 'sql/unterminated')
    if (isCutOff) return
    if (this.#depth > 0) this.#problems.push(unclosedParenthesisProblem(this.#parenthesis))
    else if (this.#body >= 0) this.#problems.push(unclosedBodyProblem(this.#body))
  }
}

function endsLine(text: string, offset: number): boolean {
  return offset >= text.length || text.startsWith('\n', offset) || text.startsWith('\r\n', offset)
}
