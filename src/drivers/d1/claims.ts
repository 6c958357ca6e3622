import type { AdoptionSource, Claim } from '../../core/adoption.ts'
import { MigrationManagerError } from '../../core/errors.ts'
import { compareVersions } from '../../core/migration.ts'
import type { Migration } from '../../core/migration.ts'
import { describeObject, findEffects, followEffects, keyOf } from '../../sql/sqlite/effects.ts'
import type { SchemaObject, Trace } from '../../sql/sqlite/effects.ts'
import { QueryFailure } from './client.ts'
import type { Query, Rows } from './client.ts'
import { readTime } from './foreign-time.ts'
import { askPatiently } from './session.ts'
import type { Session } from './session.ts'
import { verifyMigrations } from './verification.ts'

/** How another tool keeps its history. */
interface Source {
  readonly table: string
  readonly query: string
  /** What a row is about. */
  readonly read: (row: Row, migrations: readonly Migration[]) => Said
}

type Row = Readonly<Record<string, unknown>>

interface Said {
  readonly name: string
  readonly appliedAt: Date | null
  readonly migration: Migration | null
}

const SOURCES: Readonly<Record<AdoptionSource, Source>> = {
  // Wrangler writes the file's name, and the time as SQLite's CURRENT_TIMESTAMP.
  wrangler: {
    table: 'd1_migrations',
    query: 'SELECT * FROM d1_migrations ORDER BY id',
    read: (row, migrations) => {
      const name = text(row['name'])
      const stem = name.replace(/\.sql$/, '')
      return {
        name,
        appliedAt: readTime(row['applied_at']),
        migration: migrations.find((file) => file.name === stem) ?? null,
      }
    },
  },
  'schema-version': {
    table: 'schema_version',
    query: 'SELECT * FROM schema_version ORDER BY version',
    read: (row, migrations) => {
      const version = text(row['version'])
      const name = text(row['name'])
      const migration = /^\d+$/.test(version)
        ? migrations.find((file) => compareVersions(file.version, version) === 0)
        : undefined
      return {
        name: name === '' ? `version ${version}` : `version ${version} (${name})`,
        appliedAt: readTime(row['applied_at']),
        migration: migration ?? null,
      }
    },
  },
}

/** Everything that a schema holds, and the columns of its tables. */
const OBJECTS: readonly Query[] = [
  {
    sql: "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'index', 'trigger', 'view') AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'",
  },
  {
    sql: `SELECT m.name AS table_name, c.name AS name
FROM (SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\') m JOIN pragma_table_xinfo(m.name) c`,
  },
]

/** What another tool's table claims, each claim looked for in the live schema and asked of its verify queries. */
export async function readClaims(
  session: Session,
  source: AdoptionSource,
  migrations: readonly Migration[],
): Promise<readonly Claim[]> {
  const { table, query, read } = SOURCES[source]
  const rows = await readTable(session, source, table, query)
  const said = rows.map((row) => read(row, migrations))
  const files = migrations.filter((file) => said.some(({ migration }) => migration === file))
  const [objects = [], columns = []] = await askPatiently(session, session.signal, (ask) => ask(OBJECTS))
  const live = liveKeys(objects, columns)
  const { there, gone } = followEffects(files.map((file) => ({ script: file, effects: findEffects(file.up) })))
  const isLive = (object: SchemaObject): boolean => live.has(keyOf(object))
  // Where a file did not rename what it says, nothing is wrong with the one that made it.
  const left = new Set(gone.flatMap(({ object }) => (isLive(object) ? [keyOf(object)] : [])))
  const missing = there.filter(
    ({ object, formerly }) => !isLive(object) && !formerly.some((former) => left.has(keyOf(former))),
  )
  const { answers } = await verifyMigrations(session, files)
  return said.map((claim): Claim => {
    const isOwn = ({ script }: Trace<Migration>): boolean => script === claim.migration
    const asked = answers.filter(({ migration }) => migration === claim.migration?.name)
    const doubts = [
      ...withoutColumnsOf(missing.filter(isOwn).map(({ object }) => object)).map(
        (object) => `there is no ${describeObject(object)}`,
      ),
      ...gone
        .filter((trace) => isOwn(trace) && isLive(trace.object))
        .map(({ object }) => `${describeObject(object)} is still there`),
      ...asked
        .filter(({ isTrue }) => isTrue !== true)
        .map(({ query: verify }) => `its verify query does not answer true (${verify})`),
    ]
    return { ...claim, doubts, isTellable: there.some(isOwn) || gone.some(isOwn) || asked.length > 0 }
  })
}

async function readTable(session: Session, source: AdoptionSource, table: string, sql: string): Promise<Rows> {
  try {
    const [rows = []] = await askPatiently(session, session.signal, (ask) => ask([{ sql }]))
    return rows
  } catch (cause) {
    if (!(cause instanceof QueryFailure) || !/no such (?:table|column)/.test(cause.message)) throw cause
    const environment = session.target.environment.name
    throw new MigrationManagerError('adopt/no-table', `${environment} has no table ${table} of ${source}.`, {
      environment,
      hint: 'Nothing is to be taken over here. Did you mean another environment, or another --from?',
    })
  }
}

function liveKeys(objects: Rows, columns: Rows): ReadonlySet<string> {
  const kinds: readonly SchemaObject['kind'][] = ['table', 'index', 'trigger', 'view']
  return new Set([
    ...objects.flatMap(({ type, name }) => {
      const kind = kinds.find((known) => known === type)
      return kind === undefined ? [] : [keyOf({ kind, name: text(name), table: null })]
    }),
    ...columns.map(({ table_name: table, name }) => keyOf({ kind: 'column', name: text(name), table: text(table) })),
  ])
}

/** Where a table is missing, that its columns are missing too need not be said. */
function withoutColumnsOf(objects: readonly SchemaObject[]): readonly SchemaObject[] {
  const tables = new Set(objects.filter(({ kind }) => kind === 'table').map(({ name }) => name.toLowerCase()))
  return objects.filter(({ table }) => table === null || !tables.has(table.toLowerCase()))
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}
