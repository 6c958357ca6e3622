import type { Problem } from '../core/errors.ts'
import {
  type ConnectionVariable,
  type FindUrlParser,
  type ReadUrl,
  type UrlContext,
  readConnection,
  readUrl,
} from './connection.ts'
import { isListEmpty } from './database-list.ts'
import { type ListedDatabase, readFleet } from './fleet.ts'
import type { Fleets } from './selection.ts'

/** A file that a `<NAME>_DATABASE_URLS_FILE` names. */
export interface ListFile {
  /** As given. */
  readonly file: string
  /** Null when it cannot be read, and `problems` say why. */
  readonly text: string | null
  readonly problems: readonly Problem[]
}

export interface DatabaseSources {
  readonly projectDir: string
  readonly findParser: FindUrlParser
  /** The schemes that `findParser` knows. */
  readonly schemes: readonly string[]
  /** By the variable that names the file. */
  readonly listFiles: ReadonlyMap<string, ListFile>
}

/** The databases of one environment. */
export type Databases =
  | { readonly kind: 'one'; readonly origin: string; readonly connection: ReadUrl }
  | { readonly kind: 'fleet'; readonly databases: readonly ListedDatabase[] }

/**
 * Reads what the variables of one environment say. Null when something is wrong, which is added to `problems`; then
 * also when a part of a list could be read.
 */
export function readDatabases(
  environment: string,
  [content, ...others]: readonly [ConnectionVariable, ...ConnectionVariable[]],
  sources: DatabaseSources,
  variable: UrlContext['variable'],
  problems: Problem[],
): Databases | null {
  const other = others.find(({ kind, value }) => kind !== content.kind || value.trim() !== content.value.trim())
  if (other !== undefined) {
    problems.push({
      code: 'config/conflicting-variables',
      message: `${content.origin} and ${other.origin} both set the environment ${environment}${content.kind === other.kind ? ', to different values' : ''}.`,
      hint: 'Remove one of them.',
    })
    return null
  }
  const context = { projectDir: sources.projectDir, variable }
  const { findParser, schemes } = sources
  if (content.kind === 'url') {
    const connection = readConnection(content, findParser, schemes, context)
    if (!('code' in connection)) return { kind: 'one', origin: content.origin, connection }
    problems.push(connection)
    return null
  }
  const list = textOf(content, sources.listFiles)
  if ('problems' in list) {
    problems.push(...list.problems)
    return null
  }
  const read = (url: string, place: string): ReadUrl | Problem => {
    const connection = readUrl(url, place, findParser, schemes, context)
    return 'code' in connection && connection.code === 'config/unknown-scheme'
      ? { ...connection, hint: hintForLine(schemes) }
      : connection
  }
  const fleet = readFleet(list.text, list.origin, schemes, read)
  problems.push(...fleet.problems)
  return fleet.problems.length > 0 ? null : { kind: 'fleet', databases: fleet.databases }
}

/** The names of the databases that are known, for `--env`. */
export function fleetsOf(databases: ReadonlyMap<string, Databases>): Fleets {
  return new Map(
    [...databases].map(([name, one]) => [
      name,
      one.kind === 'one' ? null : new Set(one.databases.map((database) => database.name)),
    ]),
  )
}

interface NamedDatabase {
  /** In every message: `prod`, or `prod/acme`. */
  readonly name: string
  /** `acme`; null for the only database of an environment. */
  readonly database: string | null
  readonly origin: string
  readonly connection: ReadUrl
}

/** The databases of an environment under their full names; none when they are not known. */
export function listDatabases(environment: string, databases: Databases | undefined): readonly NamedDatabase[] {
  if (databases === undefined) return []
  if (databases.kind === 'one') return [{ ...databases, name: environment, database: null }]
  return databases.databases.map((one) => ({ ...one, name: `${environment}/${one.name}`, database: one.name }))
}

/** The list that a variable holds or points to, and what to call it. */
function textOf(
  { kind, value, uncut, origin, variable }: ConnectionVariable,
  files: ReadonlyMap<string, ListFile>,
): { readonly text: string; readonly origin: string } | { readonly problems: readonly Problem[] } {
  if (kind === 'list') {
    if (uncut === undefined) return { text: value, origin }
    // The databases behind the # would be left out without a word.
    const message = `${origin}: the value holds a #, and .env ends it there.`
    return { problems: [{ code: 'config/ambiguous-value', message, hint: 'Put the whole list into single quotes.' }] }
  }
  const { file, text, problems } = files.get(variable) ?? { file: '', text: null, problems: [] }
  if (text === null) return { problems }
  const name = `${file} (${variable})`
  if (!isListEmpty(text)) return { text, origin: name }
  const message = `${name} holds no connection string.`
  return { problems: [{ code: 'config/empty-list', message, hint: `Write one a line, or leave ${variable} out.` }] }
}

function hintForLine(schemes: readonly string[]): string {
  const known = schemes.map((scheme) => `${scheme}:`).join(', ')
  return `Write one connection string a line, with a name= before it where you like; a comment begins with #. Known are ${known}.`
}
