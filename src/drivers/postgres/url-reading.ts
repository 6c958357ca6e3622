/**
 * How a connection string may be cut into its parts. Only the password may hold unescaped `@ : # / ? %` or spaces, so
 * every `@` is tried as the one before the host, and a cut counts when a valid rest follows it. Nothing is decoded here.
 */
export interface Reading {
  readonly user: string
  /** As written; null when there is no colon after the user. */
  readonly password: string | null
  /** `host[:port]`, or several of them with commas. */
  readonly authority: string
  readonly database: string | null
  readonly query: string | null
}

const HOST = String.raw`(?:\[[^\]@/?#\s]*\]|[A-Za-z0-9._-]+|%2[Ff][^@:/?#,\s]*)(?::\d*)?`
const TAIL = new RegExp(
  String.raw`^(?<authority>${HOST}(?:,${HOST})*)(?:/(?<database>[^/?]*))?(?:\?(?<query>.*))?$`,
  'u',
)
const USER = /^[^/?#\s:]*$/u
const OPTION_NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/u

/**
 * All readings of `rest`, the connection string behind `scheme://`. A query makes a reading more likely when all its
 * options are known; only if no reading is like that are queries with other names taken, so that these can be refused
 * by name. Such a query must not hold an `@`: what stands before it could be a part of the password.
 */
export function readingsOf(rest: string, isKnownOption: (name: string) => boolean): readonly Reading[] {
  const all: Reading[] = []
  for (let at = rest.indexOf('@'); at >= 0; at = rest.indexOf('@', at + 1)) {
    const reading = cutAt(rest, at)
    if (reading !== undefined) all.push(reading)
  }
  const known = all.filter(({ query }) => optionNames(query).every(isKnownOption))
  if (known.length > 0) return known
  return all.filter(
    ({ query }) => query?.includes('@') !== true && optionNames(query).every((name) => OPTION_NAME.test(name)),
  )
}

/** `name=value` pairs as written; a pair without `=` has an empty value. */
export function optionsOf(query: string | null): readonly (readonly [name: string, value: string])[] {
  if (query === null) return []
  return query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=')
      return equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)]
    })
}

/** The host (an IPv6 address without its brackets) and the port as written, of one `host[:port]`. */
export function hostAndPort(authority: string): {
  readonly host: string
  readonly port: string
  readonly bracketed: boolean
} {
  if (authority.startsWith('[')) {
    const end = authority.indexOf(']')
    return { host: authority.slice(1, end), port: authority.slice(end + 2), bracketed: true }
  }
  const colon = authority.indexOf(':')
  if (colon < 0) return { host: authority, port: '', bracketed: false }
  return { host: authority.slice(0, colon), port: authority.slice(colon + 1), bracketed: false }
}

function cutAt(rest: string, at: number): Reading | undefined {
  const userinfo = rest.slice(0, at)
  const colon = userinfo.indexOf(':')
  const user = colon < 0 ? userinfo : userinfo.slice(0, colon)
  const tail = TAIL.exec(rest.slice(at + 1))?.groups
  if (tail === undefined || !USER.test(user)) return undefined
  return {
    user,
    password: colon < 0 ? null : userinfo.slice(colon + 1),
    authority: tail['authority'] ?? '',
    database: tail['database'] ?? null,
    query: tail['query'] ?? null,
  }
}

function optionNames(query: string | null): readonly string[] {
  return optionsOf(query).map(([name]) => name)
}
