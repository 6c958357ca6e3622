import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** One D1 database as wrangler's configuration names it. */
export interface WranglerDatabase {
  readonly binding: string
  readonly databaseName: string | null
  readonly databaseId: string | null
  /** What wrangler itself takes for the id of the local copy. */
  readonly localId: string
  /** The named environment of wrangler that it belongs to; null for the top of the file. */
  readonly environment: string | null
}

/** Wrangler's configuration, as far as it is about D1. */
export interface WranglerConfig {
  /** The absolute path of the file. */
  readonly file: string
  readonly databases: readonly WranglerDatabase[]
}

/** The names of the file in the order in which wrangler looks for them. */
const FILES = ['wrangler.json', 'wrangler.jsonc', 'wrangler.toml']

/**
 * Finds wrangler's configuration in `dir` or above, as wrangler does, and reads its D1 databases, those of its named
 * environments too. Null when there is none; throws when it cannot be read.
 */
export function findWranglerConfig(dir: string): WranglerConfig | null {
  const own = readConfigIn(dir)
  if (own !== null) return own
  const parent = dirname(dir)
  return parent === dir ? null : findWranglerConfig(parent)
}

/**
 * The configurations of the folders in `dir` and of the folders in those (`api`, `packages/api`), for who stands at the
 * top of a repository of several projects. What cannot be read is left out.
 */
export function findWranglerConfigsBelow(dir: string): readonly WranglerConfig[] {
  const inside = foldersIn(dir)
  return [...inside, ...inside.flatMap(foldersIn)].slice(0, MOST_FOLDERS).flatMap((folder) => {
    try {
      return readConfigIn(folder) ?? []
    } catch {
      return []
    }
  })
}

/** Beyond it is no repository of projects, but a disk. */
const MOST_FOLDERS = 1_000

function foldersIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
      .slice(0, MOST_FOLDERS)
      .map(({ name }) => join(dir, name))
  } catch {
    return []
  }
}

function readConfigIn(dir: string): WranglerConfig | null {
  const found = FILES.map((name) => join(dir, name)).find((path) => existsSync(path))
  if (found === undefined) return null
  const source = readFileSync(found, 'utf8')
  if (last?.file !== found || last.source !== source)
    last = { file: found, source, databases: readDatabases(found, source) }
  return { file: found, databases: last.databases }
}

/** What was read last: a thousand connection strings ask for the same file, one after the other. */
let last: { readonly file: string; readonly source: string; readonly databases: readonly WranglerDatabase[] } | null =
  null

function readDatabases(found: string, source: string): readonly WranglerDatabase[] {
  const config = record(found.endsWith('.toml') ? parseToml(source) : JSON.parse(withoutComments(source)))
  const sections: readonly (readonly [string | null, unknown])[] = [
    [null, config],
    ...Object.entries(record(config['env'])),
  ]
  return sections.flatMap(([environment, section]) => {
    const list = record(section)['d1_databases']
    return Array.isArray(list) ? list.map(record).flatMap((entry) => readDatabase(entry, environment)) : []
  })
}

function readDatabase(
  entry: Readonly<Record<string, unknown>>,
  environment: string | null,
): readonly WranglerDatabase[] {
  const binding = text(entry['binding'])
  if (binding === null) return []
  const databaseId = text(entry['database_id'])
  const localId = text(entry['preview_database_id']) ?? databaseId ?? binding
  return [{ binding, databaseName: text(entry['database_name']), databaseId, localId, environment }]
}

/** Loaded only where there is such a file, and without waiting: a connection string is read at once. */
function parseToml(source: string): unknown {
  const toml: unknown = createRequire(import.meta.url)('smol-toml')
  if (!isToml(toml)) throw new Error('smol-toml has no parse')
  return toml.parse(source)
}

function isToml(module: unknown): module is { readonly parse: (source: string) => unknown } {
  return typeof module === 'object' && module !== null && 'parse' in module && typeof module.parse === 'function'
}

/** JSON with comments and commas too many, as wrangler takes it, made JSON. */
export function withoutComments(jsonc: string): string {
  return jsonc
    .replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[^]*?\*\//g, (_, quoted?: string) => quoted ?? ' ')
    .replace(/("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g, (_, quoted?: string) => quoted ?? '')
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
