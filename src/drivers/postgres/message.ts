import type { Migration } from '../../core/migration.ts'
import type { SqlSource } from '../../core/sql-source.ts'
import type { VerifyQuery } from '../../sql/verify.ts'
import { followStatements } from '../../sql/brief.ts'
import { FORGET, writeRow } from './history-row.ts'
import type { RowStatements } from './history-row.ts'
import { note, tell } from './marker.ts'
import { localSettings, silenceOf } from './message-context.ts'
import type { MessageContext } from './message-context.ts'
import { opening } from './opening.ts'
import type { Opening } from './opening.ts'
import { doBlock, quoteLiteral } from './quote.ts'
import { appendLog } from './tables.ts'
import { verifyInside } from './verify-block.ts'

/** A statement of a file as the message needs it: UTF-16 offsets, without the semicolon. */
export interface StatementSpan {
  readonly start: number
  readonly end: number
}

/** A migration ready to be sent. */
export interface Part {
  readonly migration: Migration
  /** The text that is run, and whether it takes the migration back. */
  readonly source: SqlSource
  readonly isRevert: boolean
  readonly statements: readonly StatementSpan[]
  /** What must be true before it counts as applied. */
  readonly queries: readonly VerifyQuery[]
}

/** Where a piece of a file stands in a message, in UTF-16 offsets. */
interface Piece {
  readonly part: number
  readonly messageStart: number
  readonly fileStart: number
  readonly length: number
}

export interface Message {
  readonly text: string
  /** How long the server may stay silent while it works on this message. */
  readonly silenceMs: number
  /** The part and the offset in its file of a server's error position (1-based, in characters), if it is in a file. */
  findPosition(position: number): { readonly part: number; readonly offset: number } | null
}

/** More statements than this in one file, and only every n-th is marked: a marker costs the server 10 to 80 µs. */
const MAX_MARKS = 500

/** Leaves a failed transaction and everything that a file may have set for the session. */
export const LEAVE = 'ROLLBACK;RESET SESSION AUTHORIZATION;RESET ROLE;BEGIN;RESET ALL;COMMIT;'

export interface Composition {
  /** Roll back what an error left open before anything else. */
  readonly rollback: boolean
  /** Take the lock, check the history's digest, make what is missing. Null: this was done before in this session. */
  readonly opening: Opening | null
  readonly parts: readonly Part[]
  /** How the rows of the parts are written; the opening of a run gives the session what it needs for it. */
  readonly rows: RowStatements
  /** A transaction of another kind to carry out behind the opening. */
  readonly behind?: string
  /** All parts in one transaction, which stays open: nothing of it is there before somebody commits it. */
  readonly holds: boolean
  /** The last message of a run: give the session lock back with it, and save a message for that alone. */
  readonly unlock: boolean
}

/** Writes one simple-query message: the opening, then each part as a transaction of its own. */
export function composeMessage(context: MessageContext, composition: Composition): Message {
  const texts: string[] = []
  writeMessage(context, composition, {
    write: (text) => void texts.push(text),
    onSpan: () => {},
  })
  const strides = composition.parts.map(({ statements }) => strideOf(statements))
  return {
    text: texts.join(''),
    silenceMs: Math.max(1, ...strides) * silenceOf(context),
    findPosition: (position) => findPosition(context, composition, position),
  }
}

/** Every n-th statement of a file is marked. */
export function strideOf(statements: readonly StatementSpan[]): number {
  return Math.ceil(statements.length / MAX_MARKS)
}

/** From the first to the last of some statements, with what the file has between them. */
function spanOf(statements: readonly StatementSpan[]): StatementSpan {
  return { start: statements[0]?.start ?? 0, end: statements.at(-1)?.end ?? 0 }
}

interface MessageWriter {
  readonly write: (text: string) => void
  /** What is written next is this piece of this part's text. */
  readonly onSpan: (part: number, span: StatementSpan) => void
}

function writeMessage(context: MessageContext, composition: Composition, writer: MessageWriter): void {
  const { write, onSpan } = writer
  if (composition.rollback) write(LEAVE)
  write(`${context.sessionSettings}${tell(context, 'began')}\n`)
  if (composition.opening !== null) write(opening(context, composition.opening, composition.rows))

  if (composition.behind !== undefined) write(composition.behind)

  const { rows } = composition
  for (const [part, sent] of composition.parts.entries()) {
    const { source, statements, queries } = sent
    const stride = strideOf(statements)
    const isBrief = followStatements()
    write(composition.holds && part > 0 ? localSettings(context) : `BEGIN;${localSettings(context)}`)
    write(writeRow(context, rows, 'begin', part, sent))
    for (let first = 0; first < statements.length; first += stride) {
      const span = spanOf(statements.slice(first, first + stride))
      const text = source.sql.slice(span.start, span.end)
      // Of a run of statements the text says too little.
      write((stride === 1 && isBrief(text) ? note : tell)(context, `statement:${part}:${first}`))
      onSpan(part, span)
      write(text)
      // On a line of its own: the statement may end in a line comment.
      write('\n;')
    }
    write('\nRESET SESSION AUTHORIZATION;RESET ROLE;\n')
    write(verifyInside(context, part, queries))
    write(writeRow(context, rows, 'end', part, sent))
    write(composition.holds ? `RESET ALL;${context.sessionSettings}` : committing(context, part))
  }
  if (composition.holds) write(holding(context))
  if (composition.unlock) write(unlock(context))
}

/**
 * Writes the message once more to see what stands where: asked after a failure only, and of a large file the places of
 * all statements are megabytes.
 */
function findPosition(
  context: MessageContext,
  composition: Composition,
  position: number,
): { readonly part: number; readonly offset: number } | null {
  const pieces: Piece[] = []
  const texts: string[] = []
  let length = 0
  writeMessage(context, composition, {
    write(text) {
      texts.push(text)
      length += text.length
    },
    onSpan: (part, { start, end }) =>
      pieces.push({ part, messageStart: length, fileStart: start, length: end - start }),
  })
  return findPiece(pieces, utf16Offset(texts.join(''), position))
}

/** What the log says of a failure: an SQLSTATE or a code of ours, and whether nothing of the step was done. */
export interface FailureDetail {
  readonly code: string
  readonly untouched?: true
}

/**
 * The message after a failure: leave the failed transaction, and write into the log what failed. The server's words may
 * hold row data, and the log is read by many: of them, the code only.
 */
export function composeFailure(context: MessageContext, migration: Migration, detail: FailureDetail): string {
  const entry = appendLog(context.tables, context.runId, context.author, {
    event: 'fail',
    migration: quoteLiteral(migration.name),
    checksum: quoteLiteral(migration.checksum),
    outcome: "'failed'",
    durationMs: 'NULL',
    detail: quoteLiteral(JSON.stringify(detail)),
  })
  return `${LEAVE}${context.sessionSettings}BEGIN;SET LOCAL row_security = off;${entry};COMMIT;${unlock(context)}`
}

/** Gives back the session lock, and the statements that go with it; a message of its own for those who have nothing more to say. */
export function unlock({ hasSession }: MessageContext): string {
  return hasSession ? `${doBlock('BEGIN PERFORM pg_catalog.pg_advisory_unlock_all(); END')}${FORGET}` : ''
}

function committing(context: MessageContext, part: number): string {
  // In a transaction of its own: else the reset would be part of the next migration's, and go with it.
  return `COMMIT;BEGIN;RESET ALL;${context.sessionSettings}${note(context, `applied:${part}`)}COMMIT;
`
}

/**
 * Leaves the transaction open with nothing left that could still fail at its end. It may be idle for as long as the
 * other environments take.
 */
function holding({ limits }: MessageContext): string {
  return `SET CONSTRAINTS ALL IMMEDIATE;SET LOCAL idle_in_transaction_session_timeout = ${limits.statementTimeoutMs};`
}

/** The server counts characters (code points) from 1, we count UTF-16 units from 0. */
export function utf16Offset(text: string, position: number): number {
  let offset = 0
  for (let character = 1; character < position; character++) {
    offset += (text.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1
  }
  return offset
}

function findPiece(pieces: readonly Piece[], offset: number): { part: number; offset: number } | null {
  // One past the end is still the statement: "syntax error at end of input" points there.
  const piece = pieces.find(({ messageStart, length }) => offset >= messageStart && offset <= messageStart + length + 1)
  if (piece === undefined) return null
  return { part: piece.part, offset: piece.fileStart + Math.min(offset - piece.messageStart, piece.length) }
}
