import type { ParsedUrl } from '../core/driver.ts'
import type { Problem } from '../core/errors.ts'
import { isListEmpty } from './database-list.ts'
import { foldName } from './names.ts'
import type { Variable, Variables } from './variables.ts'

/** What a driver may know besides the connection string. */
export interface UrlContext {
  /** The working directory: relative paths start there. */
  readonly projectDir: string
  /** The value of a variable of the process or the `.env` file, for example `PGSSLROOTCERT`. */
  readonly variable: (name: string) => string | undefined
}

/** Who reads the connection strings of one URL scheme. */
export interface UrlParser {
  readonly engine: string
  readonly parse: (url: string, context: UrlContext) => ParsedUrl
}

/** Finds the reader for a scheme, in lower case and without its colon; undefined when there is none. */
export type FindUrlParser = (scheme: string) => UrlParser | undefined

/** What a connection string gives an environment. */
export interface ReadUrl {
  readonly engine: string
  readonly parsed: Extract<ParsedUrl, { ok: true }>
}

/** What a variable says about the connections of an environment: one, a list of them, or the file with the list. */
export type ConnectionKind = 'url' | 'list' | 'file'

export interface ConnectionVariable extends Variable {
  readonly kind: ConnectionKind
  /** The variable's own name. */
  readonly variable: string
}

const CONNECTION = /^(?:(?<name>[A-Za-z0-9][\w-]{0,62})_)?DATABASE_URL(?<kind>S|S_FILE|)$/u

export function isConnectionVariable(variable: string): boolean {
  return CONNECTION.test(variable)
}

/**
 * The variables that hold connection strings, by environment: `DATABASE_URL`, `DATABASE_URLS` and `DATABASE_URLS_FILE`
 * are `dev`, `<NAME>_DATABASE_URL` and so on are `<name>`. An empty value counts as not set, a list of nothing but
 * comments, too.
 */
export function connectionVariables(variables: Variables): ReadonlyMap<string, readonly ConnectionVariable[]> {
  const found = new Map<string, ConnectionVariable[]>()
  for (const [variable, content] of variables) {
    const groups = CONNECTION.exec(variable)?.groups
    if (groups === undefined || content.value.trim() === '') continue
    const kind = groups['kind'] === '' ? 'url' : groups['kind'] === 'S' ? 'list' : 'file'
    if (kind === 'list' && isListEmpty(content.value)) continue
    const name = foldName(groups['name'] ?? 'dev')
    const connection = { ...content, kind, variable } satisfies ConnectionVariable
    const others = found.get(name)
    if (others === undefined) found.set(name, [connection])
    else others.push(connection)
  }
  return found
}

/**
 * Where the environments are named whose variables are set and hold nothing, as `origin` has it, by environment; not of
 * one that has another variable, which holds something.
 */
export function emptyVariables(variables: Variables): ReadonlyMap<string, string> {
  const known = connectionVariables(variables)
  const empty = new Map<string, string>()
  for (const [variable, { origin }] of variables) {
    const groups = CONNECTION.exec(variable)?.groups
    const name = foldName(groups?.['name'] ?? 'dev')
    if (groups !== undefined && !known.has(name) && !empty.has(name)) empty.set(name, origin)
  }
  return empty
}

/** Turns the value of a variable into a connection, or says what is wrong with it without repeating it. */
export function readConnection(
  { value, uncut, origin }: Variable,
  findParser: FindUrlParser,
  schemes: readonly string[],
  context: UrlContext,
): ReadUrl | Problem {
  const cut = readUrl(value.trim(), origin, findParser, schemes, context)
  if (uncut === undefined) return cut
  const whole = readUrl(uncut, origin, findParser, schemes, context)
  if ('code' in whole) return 'code' in cut ? whole : cut
  if ('code' in cut) return whole
  return {
    code: 'config/ambiguous-value',
    message: `${origin}: the value holds a #, and makes sense with and without what stands behind it.`,
    hint: 'Put the value in quotes, or a space before the # if a comment begins there.',
  }
}

/**
 * Turns one connection string into a connection, or says what is wrong with it without repeating it. `origin` is where
 * it stands.
 */
export function readUrl(
  url: string,
  origin: string,
  findParser: FindUrlParser,
  schemes: readonly string[],
  context: UrlContext,
): ReadUrl | Problem {
  if (/^['"`‘“]/u.test(url)) {
    return {
      code: 'config/quoted-url',
      message: `${origin}: the value begins with a quote.`,
      hint: 'Remove the quotes around the connection string; only the shell and .env take them away.',
    }
  }
  const scheme = /^(?<scheme>[a-z][a-z0-9+.-]*):/iu.exec(url)?.groups?.['scheme']?.toLowerCase()
  const parser = scheme === undefined ? undefined : findParser(scheme)
  if (parser === undefined) {
    // The scheme is not repeated: of a string without one it could be the user or more.
    return {
      code: 'config/unknown-scheme',
      message: `${origin}: the value does not begin with a scheme that is known here.`,
      hint: `Known are ${schemes.map((known) => `${known}:`).join(', ')}. If it is not for migrations, list in MIGRATION_ENVIRONMENTS the environments that take part.`,
    }
  }
  const parsed = parser.parse(url, context)
  if (parsed.ok) return { engine: parser.engine, parsed }
  return { code: parsed.code, message: `${origin}: ${parsed.message}`, hint: parsed.hint }
}
