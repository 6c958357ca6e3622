import { Lexer } from './lexer.ts'
import type { Statement } from './statements.ts'

/** What a statement means to a transaction that a runner holds around it. */
export type Classification =
  | { readonly kind: 'transactional' }
  /** `what` names the statement as its documentation does: `CREATE INDEX CONCURRENTLY`. */
  | { readonly kind: 'non-transactional'; readonly what: string }
  /** `modes` is the text behind BEGIN or START TRANSACTION (`isolation level serializable`), empty when there is none. */
  | { readonly kind: 'begin'; readonly modes: string }
  /** `chains`: AND CHAIN opens the next transaction at once. */
  | { readonly kind: 'commit'; readonly chains: boolean }
  | { readonly kind: 'rollback'; readonly chains: boolean }
  /** `name` as the server folds it: an unquoted one in lower case. */
  | { readonly kind: 'savepoint'; readonly name: string }
  | { readonly kind: 'release'; readonly name: string }
  | { readonly kind: 'rollback-to'; readonly name: string }
  | { readonly kind: 'prepare-transaction' }

/** A statement that is not simply transactional. */
export interface SpecialStatement {
  /** Its place among all statements of the file, from 0. */
  readonly index: number
  readonly statement: Statement
  readonly classification: Classification
}

const TRANSACTIONAL: Classification = { kind: 'transactional' }

function nonTransactional(what: string): Classification {
  return { kind: 'non-transactional', what }
}

/** What the first word of a statement makes of it; every other one is transactional. */
const VERBS: ReadonlyMap<string, (reader: WordReader) => Classification> = new Map([
  ['BEGIN', classifyBegin],
  ['START', (reader) => (reader.next() === 'TRANSACTION' ? classifyBegin(reader, false) : TRANSACTIONAL)],
  ['COMMIT', (reader) => classifyEnd(reader, 'commit')],
  ['END', (reader) => classifyEnd(reader, 'commit')],
  ['ROLLBACK', (reader) => classifyEnd(reader, 'rollback')],
  ['ABORT', (reader) => classifyEnd(reader, 'rollback')],
  ['SAVEPOINT', classifySavepoint],
  ['RELEASE', (reader) => ({ kind: 'release', name: readSavepointName(reader) })],
  ['PREPARE', classifyPrepare],
  ['CREATE', classifyCreate],
  ['DROP', classifyDrop],
  ['ALTER', classifyAlter],
  ['REINDEX', classifyReindex],
  ['CLUSTER', classifyCluster],
  ['DO', (reader) => (commitsInside(reader) ? nonTransactional('DO … COMMIT') : TRANSACTIONAL)],
  ['VACUUM', () => nonTransactional('VACUUM')],
  ['DISCARD', (reader) => (reader.next() === 'ALL' ? nonTransactional('DISCARD ALL') : TRANSACTIONAL)],
])

/** The lower-case letters that these words begin with. */
const INITIALS: ReadonlySet<number> = new Set([...VERBS.keys()].map((verb) => lowerCase(verb.charCodeAt(0))))

/** An ASCII letter in lower case; what is none may become another character that is none. */
function lowerCase(letter: number): number {
  return letter | 0x20
}

/**
 * Tells a statement's kind from its leading words. The non-transactional ones are those for which the server calls
 * `PreventInTransactionBlock`, and a DO that commits, as far as the text alone tells: a CALL that commits, DROP
 * SUBSCRIPTION, and REINDEX or CLUSTER of a partitioned table depend on what is in the database and count as
 * transactional.
 */
export function classify(text: string, statement: Statement): Classification {
  // Of most statements the first letter says enough, and of INSERTs there may be very many.
  if (!INITIALS.has(lowerCase(text.charCodeAt(statement.start)))) return TRANSACTIONAL
  const reader = new WordReader(text, statement)
  return VERBS.get(reader.next())?.(reader) ?? TRANSACTIONAL
}

/** Where in PL/pgSQL a statement may begin: behind one of these. */
const BEFORE_STATEMENT: ReadonlySet<string> = new Set(['', ';', 'BEGIN', 'THEN', 'ELSE', 'LOOP'])

/** Whether the body of a DO ends transactions: COMMIT or ROLLBACK as a statement of its own. */
function commitsInside(reader: WordReader): boolean {
  for (let word = reader.next(); word !== ''; word = reader.next()) {
    const body = reader.dollarBody()
    if (body === null) continue
    const lexer = new Lexer(body)
    let previous = ''
    for (let kind = lexer.next(); kind !== 'end'; kind = lexer.next()) {
      if (kind === 'comment') continue
      const token = kind === 'literal' ? 'literal' : lexer.keyword()
      if ((token === 'COMMIT' || token === 'ROLLBACK') && BEFORE_STATEMENT.has(previous)) return true
      previous = token
    }
  }
  return false
}

/** Reads a statement's tokens as keywords to compare with, without its comments; '' at the end. */
class WordReader {
  readonly #lexer: Lexer

  constructor(text: string, statement: Statement) {
    this.#lexer = new Lexer(text, statement.start, statement.end)
  }

  next(): string {
    let kind = this.#lexer.next()
    while (kind === 'comment') kind = this.#lexer.next()
    return kind === 'end' ? '' : this.#lexer.keyword()
  }

  /** The current token as an identifier: quotes taken off, or in lower case. */
  identifier(): string {
    const { text, start, end, kind } = this.#lexer
    const written = text.slice(start, end)
    return kind === 'quoted' ? written.slice(1, -1).replaceAll('""', '"') : written.toLowerCase()
  }

  /** What stands between the tags of the current token, or null when it is no dollar-quoted text. */
  dollarBody(): string | null {
    const { text, start, end, kind } = this.#lexer
    if (kind !== 'literal' || text.charAt(start) !== '$') return null
    const tag = text.indexOf('$', start + 1) + 1 - start
    return text.slice(start + tag, end - tag)
  }

  /** The text from the current token to the statement's end. */
  rest(): string {
    return this.#lexer.text.slice(this.#lexer.start, this.#lexer.limit)
  }
}

function classifyBegin(reader: WordReader, hasNoise = true): Classification {
  const word = reader.next()
  if (hasNoise && (word === 'WORK' || word === 'TRANSACTION')) reader.next()
  return { kind: 'begin', modes: reader.rest() }
}

function classifyEnd(reader: WordReader, kind: 'commit' | 'rollback'): Classification {
  let word = reader.next()
  if (word === 'PREPARED') return nonTransactional(`${kind.toUpperCase()} PREPARED`)
  if (word === 'WORK' || word === 'TRANSACTION') word = reader.next()
  if (word === 'TO') return { kind: 'rollback-to', name: readSavepointName(reader) }
  return { kind, chains: word === 'AND' && reader.next() === 'CHAIN' }
}

function classifySavepoint(reader: WordReader): Classification {
  reader.next()
  return { kind: 'savepoint', name: reader.identifier() }
}

function classifyPrepare(reader: WordReader): Classification {
  return reader.next() === 'TRANSACTION' && reader.next().endsWith("'")
    ? { kind: 'prepare-transaction' }
    : TRANSACTIONAL
}

/** `[SAVEPOINT] name`, where the name may itself be the word savepoint. */
function readSavepointName(reader: WordReader): string {
  const word = reader.next()
  const first = reader.identifier()
  return word === 'SAVEPOINT' && reader.next() !== '' ? reader.identifier() : first
}

function classifyCreate(reader: WordReader): Classification {
  let word = reader.next()
  if (word === 'UNIQUE') word = reader.next()
  switch (word) {
    case 'INDEX':
      return reader.next() === 'CONCURRENTLY' ? nonTransactional('CREATE INDEX CONCURRENTLY') : TRANSACTIONAL
    case 'DATABASE':
    case 'TABLESPACE':
      return nonTransactional(`CREATE ${word}`)
    case 'SUBSCRIPTION':
      return isSwitchedOff(reader, ['CONNECT', 'CREATE_SLOT']) ? TRANSACTIONAL : nonTransactional('CREATE SUBSCRIPTION')
    default:
      return TRANSACTIONAL
  }
}

function classifyDrop(reader: WordReader): Classification {
  const word = reader.next()
  if (word === 'DATABASE' || word === 'TABLESPACE') return nonTransactional(`DROP ${word}`)
  return word === 'INDEX' && reader.next() === 'CONCURRENTLY'
    ? nonTransactional('DROP INDEX CONCURRENTLY')
    : TRANSACTIONAL
}

function classifyAlter(reader: WordReader): Classification {
  switch (reader.next()) {
    case 'SYSTEM':
      return nonTransactional('ALTER SYSTEM')
    case 'DATABASE':
      reader.next()
      return reader.next() === 'SET' && reader.next() === 'TABLESPACE'
        ? nonTransactional('ALTER DATABASE … SET TABLESPACE')
        : TRANSACTIONAL
    case 'TABLE':
      return detachesConcurrently(reader)
        ? nonTransactional('ALTER TABLE … DETACH PARTITION … CONCURRENTLY')
        : TRANSACTIONAL
    case 'SUBSCRIPTION':
      return classifyAlterSubscription(reader)
    default:
      return TRANSACTIONAL
  }
}

/** CONCURRENTLY cannot be a table's name without quotes, so as the last word it is the option. */
function detachesConcurrently(reader: WordReader): boolean {
  let detaches = false
  let previous = ''
  for (let word = reader.next(); word !== ''; word = reader.next()) {
    detaches ||= previous === 'DETACH' && word === 'PARTITION'
    previous = word
  }
  return detaches && previous === 'CONCURRENTLY'
}

function classifyAlterSubscription(reader: WordReader): Classification {
  reader.next()
  const action = reader.next()
  if (reader.next() !== 'PUBLICATION') return TRANSACTIONAL
  if (action === 'REFRESH') return nonTransactional('ALTER SUBSCRIPTION … REFRESH PUBLICATION')
  return isSwitchedOff(reader, ['REFRESH'])
    ? TRANSACTIONAL
    : nonTransactional(`ALTER SUBSCRIPTION … ${action} PUBLICATION`)
}

function classifyReindex(reader: WordReader): Classification {
  let word = reader.next()
  let isConcurrent = false
  if (word === '(') {
    isConcurrent = readsConcurrently(reader)
    word = reader.next()
  }
  isConcurrent ||= reader.next() === 'CONCURRENTLY'
  if (isConcurrent) return nonTransactional(`REINDEX ${word} CONCURRENTLY`)
  return word === 'SCHEMA' || word === 'DATABASE' || word === 'SYSTEM'
    ? nonTransactional(`REINDEX ${word}`)
    : TRANSACTIONAL
}

/** Reads options up to their `)`; an option without a value is on. */
function readsConcurrently(reader: WordReader): boolean {
  let isConcurrent = false
  let previous = '('
  for (let word = reader.next(); word !== ''; word = reader.next()) {
    if (word === 'CONCURRENTLY') isConcurrent = true
    else if (previous === 'CONCURRENTLY' && isFalse(word)) isConcurrent = false
    if (word === ')') break
    previous = word
  }
  return isConcurrent
}

/** `CLUSTER`, `CLUSTER VERBOSE` and `CLUSTER (options)` go over every table. */
function classifyCluster(reader: WordReader): Classification {
  let word = reader.next()
  if (word === '(') {
    while (word !== ')' && word !== '') word = reader.next()
    word = reader.next()
  } else if (word === 'VERBOSE') {
    word = reader.next()
  }
  return word === '' ? nonTransactional('CLUSTER') : TRANSACTIONAL
}

/** True when one of the options is given as `option = false`. */
function isSwitchedOff(reader: WordReader, options: readonly string[]): boolean {
  let option = ''
  let previous = ''
  for (let word = reader.next(); word !== ''; word = reader.next()) {
    if (previous === '=' && options.includes(option) && isFalse(word)) return true
    if (word === '=') option = previous
    previous = word
  }
  return false
}

/** The server's own words for false in an option (`defGetBoolean`). */
function isFalse(word: string): boolean {
  return /^'?(?:0|false|off)'?$/i.test(word)
}
