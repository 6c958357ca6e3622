import type { Migration } from '../../core/migration.ts'
import type { Step } from '../../core/plan.ts'
import { refuse } from './guard.ts'
import type { MessageContext } from './message-context.ts'
import { doBlock, quoteIdentifier, quoteLiteral } from './quote.ts'
import { appendLog } from './tables.ts'

/*
 * What is done to a migration's row before and behind its SQL, in its transaction. The same statements come with every
 * migration: the server plans them once where a session can keep them (PostgreSQL manual, PREPARE). Planning is most of
 * what they cost, measured on PostgreSQL 18.4: 0.2 ms in place of 0.05 for the end of a row.
 */

/** Whether the session was given the statements (`prepareRows`), or each is written out where it stands. */
export type RowStatements = 'prepared' | 'written-out'

/** Before the migration's SQL, or behind it. */
type Moment = 'begin' | 'end'

/** What the statements are about, as SQL expressions of type text. */
interface Arguments {
  readonly migration: string
  readonly checksum: string
  /** The part's number in its message, for the marker. */
  readonly part: string
}

const PARAMETERS: Arguments = { migration: '$1', checksum: '$2', part: '$3' }

const WRITERS: Record<Step['kind'], Record<Moment, (context: MessageContext, values: Arguments) => string>> = {
  apply: { begin: beginApply, end: endApply },
  revert: { begin: beginRevert, end: endRevert },
}

/**
 * Gives the session the statements for steps of these kinds, in place of those that it may have from an earlier run. The
 * server keeps the text that they came in, and copies it each time that they are run: in a block, that text is the
 * statement alone and not the whole message.
 */
export function prepareRows(context: MessageContext, kinds: readonly Step['kind'][]): string {
  if (kinds.length === 0) return ''
  const prepared = [...new Set(kinds)].flatMap((kind) =>
    (['begin', 'end'] as const).map((moment) => {
      const statement = WRITERS[kind][moment](context, PARAMETERS)
      return `EXECUTE ${quoteLiteral(`PREPARE ${nameOf(context, kind, moment)}(text, text, text) AS ${statement}`)};`
    }),
  )
  return `${FORGET}${doBlock(`BEGIN\n${prepared.join('\n')}\nEND`)}\n`
}

/** Takes them away again. The session is ours alone, and has no others. */
export const FORGET = 'DEALLOCATE ALL;'

/**
 * The statement at one end of a migration's SQL; `part` is its number in its message.
 *
 * `begin` makes the migration's row, or takes the one that it has, in the state `started`: before anything of the file,
 * so that the row's key is the second fence, and nothing of the file can keep it from being written. Fails with
 * `GUARD.locked` or `GUARD.stale`.
 *
 * `end` says that the migration is applied, or takes its row away, with an entry in the log, and announces `ending`. The
 * row's xmin is the proof that nothing in the file ended our transaction: after a stray COMMIT no row of this transaction
 * is found, which fails with `GUARD.escaped`. The file may have left any role, search_path and settings behind.
 */
export function writeRow(
  context: MessageContext,
  statements: RowStatements,
  moment: Moment,
  part: number,
  { migration, isRevert }: { readonly migration: Migration; readonly isRevert: boolean },
): string {
  const kind = isRevert ? 'revert' : 'apply'
  const values: Arguments = {
    migration: quoteLiteral(migration.name),
    checksum: quoteLiteral(migration.checksum),
    part: `'${part}'`,
  }
  return statements === 'prepared'
    ? `EXECUTE ${nameOf(context, kind, moment)}(${values.migration}, ${values.checksum}, ${values.part});\n`
    : `${WRITERS[kind][moment](context, values)};\n`
}

/** Whether the server no longer knows a statement that it was given: the file said DEALLOCATE ALL, or it is another backend. */
export function hasForgottenRows({ marker }: MessageContext, server: { code: string; message: string }): boolean {
  return server.code === '26000' && server.message.includes(marker)
}

/** No statement of a file has a name like it. */
function nameOf({ marker }: MessageContext, kind: Step['kind'], moment: Moment): string {
  return quoteIdentifier(`${marker}-${moment}-${kind}`)
}

function beginApply(context: MessageContext, { migration, checksum }: Arguments): string {
  const { tables, runId } = context
  return `INSERT INTO ${tables.history} (migration_name, checksum, status, applied_by, run_id)
SELECT ${migration}, ${checksum}, CASE ${whenLocked(context)}
WHEN EXISTS (SELECT FROM ${tables.history} WHERE migration_name = ${migration}) THEN ${refuse(context, 'stale')}
WHEN ${START_CLOCK} <> '' THEN 'started' END, session_user, ${quoteLiteral(runId)}::uuid`
}

function beginRevert(context: MessageContext, { migration }: Arguments): string {
  const { tables, runId } = context
  return `WITH found AS (UPDATE ${tables.history} SET status = 'started', applied_at = NULL, run_id = ${quoteLiteral(runId)}::uuid
WHERE migration_name = ${migration} AND status = 'applied' RETURNING 1)
SELECT CASE ${whenLocked(context)}
WHEN NOT EXISTS (SELECT FROM found) THEN ${refuse(context, 'stale')} ELSE ${START_CLOCK} END`
}

function whenLocked(context: MessageContext): string {
  return `WHEN NOT pg_catalog.pg_try_advisory_xact_lock(${context.key}) THEN ${refuse(context, 'locked')}`
}

function endApply(context: MessageContext, values: Arguments): string {
  const change = `UPDATE ${context.tables.history} SET status = 'applied', applied_at = pg_catalog.clock_timestamp(), duration_ms = ${CLOCK}
WHERE ${isOurs(values)} RETURNING duration_ms AS ms`
  return end(context, values, change, { event: 'apply', outcome: 'applied' })
}

function endRevert(context: MessageContext, values: Arguments): string {
  const change = `DELETE FROM ${context.tables.history} WHERE ${isOurs(values)} RETURNING ${CLOCK} AS ms`
  return end(context, values, change, { event: 'rollback', outcome: 'done' })
}

function isOurs({ migration }: Arguments): string {
  return `migration_name = ${migration} AND xmin = pg_catalog.pg_current_xact_id()::xid`
}

function end(
  context: MessageContext,
  { migration, checksum, part }: Arguments,
  change: string,
  { event, outcome }: { readonly event: 'apply' | 'rollback'; readonly outcome: string },
): string {
  return appendLog(
    context.tables,
    context.runId,
    context.author,
    {
      event,
      migration,
      checksum,
      outcome: `CASE WHEN EXISTS (SELECT FROM changed) THEN ${quoteLiteral(outcome)} ELSE ${refuse(context, 'escaped')} END`,
      durationMs: '(SELECT ms FROM changed)',
      detail: "'{}'",
    },
    {
      beside: `changed AS (${change})`,
      returning: `pg_catalog.concat('${context.marker}:ending:', ${part}, ':', duration_ms)`,
    },
  )
}

/** In seconds, not as a date: the file may change how dates are written and read. */
const START_CLOCK = `pg_catalog.set_config('migration_manager.started', EXTRACT(epoch FROM pg_catalog.clock_timestamp())::text, true)`

/** Milliseconds since then; 0 when the file has reset it with all settings. No operator could be taken for somebody else's. */
const CLOCK = `COALESCE(pg_catalog.round((EXTRACT(epoch FROM pg_catalog.clock_timestamp()) - NULLIF(pg_catalog.current_setting('migration_manager.started', true), '')::numeric) * 1000::numeric), 0)::int`
