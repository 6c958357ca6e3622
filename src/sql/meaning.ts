/** A possibly qualified name of the database, as written. */
export interface ObjectName {
  readonly schema: string | null
  readonly name: string
}

/**
 * What a statement that cannot run in a transaction is about, as far as it matters for telling whether it has been
 * carried out. `repeatable`: doing it twice does no harm. `other`: nothing can be told.
 */
export type Meaning =
  | { readonly kind: 'create-index'; readonly index: string; readonly table: ObjectName }
  | { readonly kind: 'drop-index'; readonly index: ObjectName }
  | {
      readonly kind: 'reindex'
      readonly of: 'index' | 'table' | 'schema' | 'database'
      readonly target: ObjectName | null
    }
  | { readonly kind: 'detach-partition'; readonly parent: ObjectName; readonly child: ObjectName }
  | { readonly kind: 'create-database' | 'drop-database'; readonly name: string }
  | { readonly kind: 'create-tablespace' | 'drop-tablespace'; readonly name: string }
  | { readonly kind: 'create-subscription'; readonly name: string }
  | { readonly kind: 'repeatable' }
  | { readonly kind: 'other' }

type Node = Readonly<Record<string, unknown>>

/**
 * Reads one statement with PostgreSQL's own parser (libpg-query, PostgreSQL 18). A statement that it cannot parse is
 * `other`: the server will say what is wrong with it.
 */
export async function readMeaning(statement: string): Promise<Meaning> {
  const parseSync = await loadParser()
  try {
    const [first] = list(record(parseSync(statement))['stmts'])
    const [kind, node] = Object.entries(record(record(first)['stmt']))[0] ?? []
    return kind === undefined ? { kind: 'other' } : meaningOf(kind, record(node))
  } catch {
    return { kind: 'other' }
  }
}

/** A syntax error as PostgreSQL's own parser finds it; `offset` is a UTF-16 offset into the text. */
export interface SyntaxFault {
  readonly message: string
  readonly offset: number
}

/** Looks whether a text is SQL at all; null when it is. */
export async function findSyntaxFault(script: string): Promise<SyntaxFault | null> {
  const parseSync = await loadParser()
  try {
    parseSync(script)
    return null
  } catch (cause) {
    const details: unknown = cause instanceof Error && 'sqlDetails' in cause ? cause.sqlDetails : undefined
    const position = record(details)['cursorPosition']
    const message = cause instanceof Error ? cause.message : 'syntax error'
    return { message, offset: typeof position === 'number' ? utf16Offset(script, position) : 0 }
  }
}

/** The parser is loaded for the first text that needs it: it starts when it is imported, and takes 13 MB. */
async function loadParser(): Promise<(script: string) => unknown> {
  const { loadModule, parseSync } = await import('libpg-query')
  await loadModule()
  return parseSync
}

/** The parser counts bytes of UTF-8. */
function utf16Offset(script: string, bytes: number): number {
  return Buffer.from(script, 'utf8').subarray(0, Math.max(0, bytes)).toString('utf8').length
}

function meaningOf(kind: string, node: Node): Meaning {
  switch (kind) {
    case 'IndexStmt':
      return { kind: 'create-index', index: text(node['idxname']), table: relation(node['relation']) }
    case 'DropStmt':
      return { kind: 'drop-index', index: qualifiedName(list(node['objects'])[0]) }
    case 'ReindexStmt':
      return reindex(node)
    case 'AlterTableStmt':
      return detach(node)
    case 'CreatedbStmt':
      return { kind: 'create-database', name: text(node['dbname']) }
    case 'DropdbStmt':
      return { kind: 'drop-database', name: text(node['dbname']) }
    case 'CreateTableSpaceStmt':
      return { kind: 'create-tablespace', name: text(node['tablespacename']) }
    case 'DropTableSpaceStmt':
      return { kind: 'drop-tablespace', name: text(node['tablespacename']) }
    case 'CreateSubscriptionStmt':
      return { kind: 'create-subscription', name: text(node['subname']) }
    case 'VacuumStmt':
    case 'ClusterStmt':
    case 'AlterSystemStmt':
    case 'AlterDatabaseStmt':
    case 'AlterSubscriptionStmt':
      return { kind: 'repeatable' }
    default:
      return { kind: 'other' }
  }
}

function reindex(node: Node): Meaning {
  const target = 'relation' in node ? relation(node['relation']) : null
  switch (node['kind']) {
    case 'REINDEX_OBJECT_INDEX':
      return { kind: 'reindex', of: 'index', target }
    case 'REINDEX_OBJECT_TABLE':
      return { kind: 'reindex', of: 'table', target }
    case 'REINDEX_OBJECT_SCHEMA':
      return { kind: 'reindex', of: 'schema', target: { schema: null, name: text(node['name']) } }
    default:
      return { kind: 'reindex', of: 'database', target: null }
  }
}

function detach(node: Node): Meaning {
  const command = record(record(list(node['cmds'])[0])['AlterTableCmd'])
  const partition = record(record(command['def'])['PartitionCmd'])
  if (command['subtype'] !== 'AT_DetachPartition') return { kind: 'other' }
  return { kind: 'detach-partition', parent: relation(node['relation']), child: relation(partition['name']) }
}

function relation(value: unknown): ObjectName {
  const node = record(value)
  return { schema: node['schemaname'] === undefined ? null : text(node['schemaname']), name: text(node['relname']) }
}

/** `schema.name` or `name` as DROP lists them; a leading database name is of no interest. */
function qualifiedName(value: unknown): ObjectName {
  const parts = list(record(record(value)['List'])['items']).map((item) => text(record(record(item)['String'])['sval']))
  return { schema: parts.at(-2) ?? null, name: parts.at(-1) ?? '' }
}

function record(value: unknown): Node {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
