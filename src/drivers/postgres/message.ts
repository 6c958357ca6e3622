import type { Migration } from '../../core/migration.ts'
import type { SqlSource } from '../../core/rollback.ts'
import type { VerifyQuery } from '../../sql/verify.ts'
import { mark } from './marker.ts'
import { GUARD, localSettings, silenceOf } from './message-context.ts'
import type { MessageContext } from './message-context.ts'
import { opening } from './opening.ts'
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

/** More statements than this in one file, and only every n-th is marked: a marker costs the server about 70 µs. */
const MAX_MARKS = 500

/** Leaves a failed transaction and everything that a file may have set for the session. */
export const LEAVE = 'ROLLBACK;RESET SESSION AUTHORIZATION;RESET ROLE;BEGIN;RESET ALL;COMMIT;'

export interface Composition {
  /** Roll back what an error left open before anything else. */
  readonly rollback: boolean
  /** Take the lock, check the history's digest, make what is missing. Null: this was done before in this session. */
  readonly opening: { readonly basis: string | null; readonly rename: boolean } | null
  readonly parts: readonly Part[]
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
    onStatement: () => {},
  })
  const strides = composition.parts.map(({ statements }) => strideOf(statements))
  return {
    text: texts.join(''),
    silenceMs: Math.max(1, ...strides) * silenceOf(context),
    findPosition: (position) => findPosition(context, composition, position),
  }
}

/** Every n-th statement of a file is marked. */
function strideOf(statements: readonly StatementSpan[]): number {
  return Math.ceil(statements.length / MAX_MARKS)
}

interface MessageWriter {
  readonly write: (text: string) => void
  /** What is written next is this statement of this part. */
  readonly onStatement: (part: number, statement: StatementSpan) => void
}

function writeMessage(context: MessageContext, composition: Composition, writer: MessageWriter): void {
  const { write, onStatement } = writer
  if (composition.rollback) write(LEAVE)
  write(`${context.sessionSettings}${mark(context, "'began'")}\n`)
  if (composition.opening !== null) write(opening(context, composition.opening))

  if (composition.behind !== undefined) write(composition.behind)

  for (const [part, { migration, source, isRevert, statements, queries }] of composition.parts.entries()) {
    const stride = strideOf(statements)
    write(composition.holds && part > 0 ? localSettings(context) : `BEGIN;${localSettings(context)}`)
    write(isRevert ? revertBeginning(context, migration) : beginning(context, migration))
    for (const [index, statement] of statements.entries()) {
      if (index % stride === 0) write(mark(context, `'statement:${part}:${index}'`))
      onStatement(part, statement)
      write(source.sql.slice(statement.start, statement.end))
      // On a line of its own: the statement may end in a line comment.
      write('\n;')
    }
    write('\nRESET SESSION AUTHORIZATION;RESET ROLE;\n')
    write(verifyInside(context, part, queries))
    write(ending(context, migration, part, isRevert))
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
    onStatement: (part, { start, end }) =>
      pieces.push({ part, messageStart: length, fileStart: start, length: end - start }),
  })
  return findPiece(pieces, utf16Offset(texts.join(''), position))
}

/** The message after a failure: leave the failed transaction, and write into the log what failed. */
export function composeFailure(context: MessageContext, migration: Migration, code: string): string {
  const entry = appendLog(context.tables, context.runId, context.author, {
    event: 'fail',
    migration: migration.name,
    checksum: migration.checksum,
    outcome: 'failed',
    durationMs: 'NULL',
    // The server's words may hold row data, and the log is read by many: the code only.
    detail: quoteLiteral(JSON.stringify({ code })),
  })
  return `${LEAVE}${context.sessionSettings}BEGIN;SET LOCAL row_security = off;${entry}COMMIT;${unlock(context)}`
}

/** Gives the session lock back; a message of its own for those who hold it and have nothing more to say. */
export function unlock({ hasSession }: MessageContext): string {
  return hasSession ? doBlock('BEGIN PERFORM pg_catalog.pg_advisory_unlock_all(); END') : ''
}

/** The row comes first: its primary key is the second fence, and nothing of the file can keep it from being written. */
function beginning(context: MessageContext, migration: Migration): string {
  const { tables, key, runId } = context
  const name = quoteLiteral(migration.name)
  return `
${doBlock(`BEGIN
IF NOT pg_catalog.pg_try_advisory_xact_lock(${key}) THEN RAISE EXCEPTION 'another run holds the lock' USING ERRCODE = '${GUARD.locked}'; END IF;
IF EXISTS (SELECT FROM ${tables.history} WHERE migration_name = ${name}) THEN RAISE EXCEPTION 'the history has moved on' USING ERRCODE = '${GUARD.stale}'; END IF;
INSERT INTO ${tables.history} (migration_name, checksum, status, applied_by, run_id) VALUES (${name}, ${quoteLiteral(migration.checksum)}, 'started', session_user, ${quoteLiteral(runId)});
PERFORM pg_catalog.set_config('migration_manager.started', pg_catalog.clock_timestamp()::text, true);
END`)}
`
}

/** Taking back begins as applying does: the row is written first, and is this transaction's from then on. */
function revertBeginning(context: MessageContext, migration: Migration): string {
  const { tables, key, runId } = context
  return `
${doBlock(`BEGIN
IF NOT pg_catalog.pg_try_advisory_xact_lock(${key}) THEN RAISE EXCEPTION 'another run holds the lock' USING ERRCODE = '${GUARD.locked}'; END IF;
UPDATE ${tables.history} SET status = 'started', applied_at = NULL, run_id = ${quoteLiteral(runId)} WHERE migration_name = ${quoteLiteral(migration.name)} AND status = 'applied';
IF NOT FOUND THEN RAISE EXCEPTION 'the history has moved on' USING ERRCODE = '${GUARD.stale}'; END IF;
PERFORM pg_catalog.set_config('migration_manager.started', pg_catalog.clock_timestamp()::text, true);
END`)}
`
}

/**
 * The row's xmin is the proof that nothing in the file ended our transaction: after a stray COMMIT the UPDATE finds no
 * row of this transaction. The file may have left any role, search_path and settings behind.
 */
function ending(context: MessageContext, migration: Migration, part: number, isRevert: boolean): string {
  const { tables } = context
  const entry = appendLog(tables, context.runId, context.author, {
    event: isRevert ? 'rollback' : 'apply',
    migration: migration.name,
    checksum: migration.checksum,
    outcome: isRevert ? 'done' : 'applied',
    durationMs: 'ms',
    detail: "'{}'",
  })
  return `${doBlock(`DECLARE ms int := 0; began text := pg_catalog.current_setting('migration_manager.started', true);
BEGIN
IF began <> '' THEN ms := pg_catalog.round(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - began::timestamptz) * 1000); END IF;
${isRevert ? `DELETE FROM ${tables.history}` : `UPDATE ${tables.history} SET status = 'applied', applied_at = pg_catalog.clock_timestamp(), duration_ms = ms`}
WHERE migration_name = ${quoteLiteral(migration.name)} AND xmin = pg_catalog.pg_current_xact_id()::xid;
IF NOT FOUND THEN RAISE EXCEPTION 'the file ended the transaction that it was run in' USING ERRCODE = '${GUARD.escaped}'; END IF;
${entry}
RAISE INFO '${context.marker}:ending:${part}:%', ms;
END`)}
`
}

function committing(context: MessageContext, part: number): string {
  // In a transaction of its own: else the reset would be part of the next migration's, and go with it.
  return `COMMIT;BEGIN;RESET ALL;${context.sessionSettings}${mark(context, `'applied:${part}'`)}COMMIT;
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
