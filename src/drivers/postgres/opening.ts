import type { Step } from '../../core/plan.ts'
import { tell } from './marker.ts'
import { prepareRows } from './history-row.ts'
import type { RowStatements } from './history-row.ts'
import { GUARD, keepOthersOut, localSettings } from './message-context.ts'
import type { MessageContext } from './message-context.ts'
import { doBlock, quoteLiteral } from './quote.ts'
import { appendLog, createTables, historyDigest } from './tables.ts'

/** The digest of an empty history: SHA-256 of no bytes. */
const EMPTY_DIGEST = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** What a run begins with on a database. */
export interface Opening {
  /** The digest that the history must have; null to take it as it is. */
  readonly basis: string | null
  /** Register a database anew that belongs to another environment. */
  readonly rename: boolean
  /** The kinds of steps that the run will take. */
  readonly kinds: readonly Step['kind'][]
}

/**
 * The first transaction of a run: takes the lock, checks that the history is still the expected one, makes what is
 * missing, tells the log of it (also where only the history was gone, and the log still knows the environment), and gives the session the statements of the rows if they are to be prepared.
 */
export function opening(context: MessageContext, { basis, rename, kinds }: Opening, rows: RowStatements): string {
  const { tables } = context
  const history = quoteLiteral(tables.history)
  const refuse = `THEN RAISE EXCEPTION 'the history has moved on' USING ERRCODE = '${GUARD.stale}'; END IF;`
  // Two IFs: PL/pgSQL plans an expression as a whole, and without the table the digest could not even be planned.
  const checkBasis =
    basis === null
      ? ''
      : `IF present THEN IF ${historyDigest(tables)} <> ${quoteLiteral(basis)} ${refuse}
ELSE IF ${quoteLiteral(EMPTY_DIGEST)} <> ${quoteLiteral(basis)} ${refuse} END IF;`
  const registered = `(SELECT detail->>'environment' FROM ${tables.log} WHERE event = 'init' ORDER BY id DESC LIMIT 1)`
  const unregistered = rename
    ? `${registered} IS DISTINCT FROM ${quoteLiteral(context.owner)}`
    : `${registered} IS NULL`
  const refuseOther =
    basis === null
      ? ''
      : `IF ${registered} <> ${quoteLiteral(context.owner)} THEN RAISE EXCEPTION 'the database belongs to another environment' USING ERRCODE = '${GUARD.stale}'; END IF;`
  const register = appendLog(tables, context.runId, context.author, {
    event: 'init',
    migration: 'NULL',
    checksum: 'NULL',
    outcome: "'done'",
    durationMs: 'NULL',
    detail: `pg_catalog.jsonb_build_object('environment', ${quoteLiteral(context.owner)}, 'id', pg_catalog.gen_random_uuid())`,
  })
  return `BEGIN;${localSettings(context)}SET LOCAL row_security = off;
${doBlock(`
DECLARE present boolean; made boolean;
BEGIN
${takeLock(context)}
present := pg_catalog.to_regclass(${history}) IS NOT NULL;
${checkBasis}
${createTables(tables)}
${refuseOther}
made := ${unregistered};
IF made OR (NOT present AND ${registered} = ${quoteLiteral(context.owner)}) THEN
  ${register};
END IF;
IF made OR NOT present THEN
  RAISE INFO '${context.marker}:prepared';
END IF;
END`)}
${rows === 'prepared' ? prepareRows(context, kinds) : ''}COMMIT;${tell(context, 'opened')}
`
}

function takeLock(context: MessageContext): string {
  return `${context.hasSession ? keepOthersOut(context, 'session') : ''} ${keepOthersOut(context)}`
}
