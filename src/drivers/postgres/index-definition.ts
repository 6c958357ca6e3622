import { retargetIndex } from '../../sql/index-statement.ts'
import type { ObjectName } from '../../sql/meaning.ts'
import { isLoss } from './link.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import type { Session } from './session.ts'

/**
 * Whether an index that is there already is the one that a CREATE INDEX statement describes. The server itself writes
 * both definitions: the wanted index is made on an empty temporary copy of the table, in a transaction that is rolled
 * back. Null when that cannot be told (no right to make temporary tables, a definition that needs the table itself).
 */
export async function isSameIndex(
  session: Session,
  statement: string,
  table: ObjectName,
  index: string,
  silenceMs: number,
): Promise<boolean | null> {
  // An expression may name the table, so the copy has its name.
  const copy = `pg_temp.${quoteIdentifier(table.name)}`
  const wanted = retargetIndex(statement, 'mm_probe_index', copy)
  if (wanted === null) return null
  const source =
    table.schema === null
      ? quoteIdentifier(table.name)
      : `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`
  // Looked up before the copy is there, which hides the table.
  const existing = `pg_catalog.set_config('migration_manager.index', (SELECT pg_catalog.pg_get_indexdef(i.indexrelid) FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = pg_catalog.to_regclass(${quoteLiteral(source)}) AND c.relname = ${quoteLiteral(index)}), true)`
  try {
    const [row] = await session.ask(
      `BEGIN;SELECT ${existing};CREATE TEMPORARY TABLE ${copy} (LIKE ${source});${wanted}
;SELECT pg_catalog.pg_get_indexdef('pg_temp.mm_probe_index'::pg_catalog.regclass), pg_catalog.current_setting('migration_manager.index');ROLLBACK`,
      silenceMs,
    )
    const [probe, found] = row ?? []
    return probe && found ? essence(probe) === essence(found) : null
  } catch (cause) {
    if (isLoss(cause)) throw cause
    await session.ask('ROLLBACK', silenceMs)
    return null
  }
}

/** What of a definition does not name the index or its table: whether it is unique, and everything from the method on. */
function essence(definition: string): string {
  return `${definition.startsWith('CREATE UNIQUE')} ${definition.slice(definition.indexOf(' USING '))}`
}
