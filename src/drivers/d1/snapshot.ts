import type { SchemaObject, Snapshot } from '../../core/snapshot.ts'
import { readDefinition, readTable } from '../../sql/sqlite/definition.ts'
import type { Query } from './client.ts'
import { askPatiently } from './session.ts'
import type { Session } from './session.ts'
import { HISTORY, LOCK, LOG } from './tables.ts'

/** Everything but Cloudflare's own tables, SQLite's own and ours. */
const SCHEMA: Query = {
  sql: `SELECT type, name, sql FROM sqlite_master
WHERE name NOT LIKE '\\_cf\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT IN ('${HISTORY}', '${LOG}', '${LOCK}')`,
}

/** The whole schema; a table's columns are objects of their own, so that a difference is told of the column. */
export async function takeSnapshot(session: Session): Promise<Snapshot> {
  const [rows = []] = await askPatiently(session, session.signal, (ask) => ask([SCHEMA]))
  return rows.flatMap(({ type, name, sql }): readonly SchemaObject[] => {
    if (typeof type !== 'string' || typeof name !== 'string') return []
    const text = typeof sql === 'string' ? sql : ''
    if (type !== 'table') return [{ kind: type, name, definition: readDefinition(text) }]
    const { definition, columns } = readTable(text)
    return [
      { kind: 'table', name, definition },
      ...columns.map((column) => ({ kind: 'column', name: `${name}.${column.name}`, definition: column.definition })),
    ]
  })
}
