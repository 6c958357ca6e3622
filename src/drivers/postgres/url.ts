import { isIPv6 } from 'node:net'
import { normalize } from 'node:path'
import type { ParsedUrl } from '../../core/driver.ts'
import type { Problem } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'
import { isKnownOption, readOptions, rootCertPath } from './url-options.ts'
import { decodeUtf8, readPassword } from './url-password.ts'
import { type Reading, hostAndPort, readingsOf } from './url-reading.ts'
import { type Refusal, refuse } from './url-refusal.ts'
import { type Tls, chooseTls } from './url-tls.ts'

/** A PostgreSQL server that is spoken to over the network or a socket. */
export interface ServerEndpoint {
  readonly kind: 'server'
  /** A host name, an IP address without brackets, or the absolute path of a socket directory. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: Secret | null
  /** `%XX` of the password was decoded: what to suspect first when the server refuses it. */
  readonly passwordDecoded: boolean
  readonly database: string
  readonly tls: Tls
  /** `connect_timeout`, when the connection string gives one. */
  readonly connectTimeoutMs: number | null
  /** What a person should know and that stops nothing: an unverified server, a pooler. */
  readonly warnings: readonly Problem[]
}

/** A database of the project's own server, see `drivers/embedded`. */
export interface EmbeddedEndpoint {
  readonly kind: 'embedded'
  readonly database: string
  /** Where the npm package is looked for. */
  readonly projectDir: string
  /** The folder whose `.migration-manager/postgres` holds the data. */
  readonly home: string
  /** The home is worth nothing without this process. */
  readonly isThrowAway?: boolean
}

export type PostgresEndpoint = ServerEndpoint | EmbeddedEndpoint

export interface PostgresUrlContext {
  /** The working directory: the home of `embedded:` databases and the start of relative paths. */
  readonly projectDir: string
  /** The value of an environment variable. Asked for `PGSSLROOTCERT`, which an `sslrootcert` in the string wins over. */
  readonly variable?: (name: string) => string | undefined
}

/** The schemes that `parsePostgresUrl` understands. */
export const POSTGRES_SCHEMES: readonly string[] = ['postgres', 'postgresql', 'embedded']

const SHAPE = 'postgres://user:password@host:5432/database'
/** Another one behind the first. */
const SEVERAL = /[\s,;]postgres(?:ql)?:\/\//iu
const CONTROL = /\p{Cc}/u

/**
 * Reads `postgres://…`, `postgresql://…` or `embedded:<name>`. Never throws; what it says of a bad string never repeats
 * a part of it that could belong to the password. Unescaped characters in the password are understood when there is
 * only one reading. The string must name user, host and database: a default could be the wrong one.
 */
export function parsePostgresUrl(url: string, context: PostgresUrlContext): ParsedUrl<PostgresEndpoint> {
  if (/^embedded:/iu.test(url)) return parseEmbedded(url.slice('embedded:'.length), context)
  const rest = /^postgres(?:ql)?:\/\/(?<rest>.*)$/isu.exec(url)?.groups?.['rest']
  if (rest === undefined) {
    return refuse('config/bad-url', 'The connection string does not begin with postgres://.', `Write ${SHAPE}.`)
  }
  if (CONTROL.test(rest)) {
    return refuse(
      'config/bad-url',
      'The connection string holds a line break or another control character.',
      'Write it on one line; inside double quotes .env turns \\n into a line break, inside single quotes it does not.',
    )
  }
  if (SEVERAL.test(rest)) {
    return refuse(
      'config/bad-url',
      'There are several connection strings in one.',
      'A list belongs into a variable of its own: DATABASE_URLS for DATABASE_URL, PROD_DATABASE_URLS for PROD_DATABASE_URL, with spaces in between.',
    )
  }
  const readings = readingsOf(rest, isKnownOption)
  const [reading] = readings
  if (reading === undefined) return explainUnreadable(rest)
  if (readings.length > 1) {
    return refuse(
      'config/ambiguous-password',
      'The connection string can be read in several ways, because it holds more than one @.',
      'Write every @ but the one before the host as %40.',
    )
  }
  return toEndpoint(url, reading, context)
}

/**
 * The database that an endpoint names, in any form: the same for two endpoints that lead to the same one for certain.
 * Other names of a host, the ports of a pooler and other users of one database are not known here.
 */
export function identityOf(endpoint: PostgresEndpoint): string {
  if (endpoint.kind === 'embedded') return JSON.stringify(['embedded', endpoint.home, endpoint.database])
  const { host, port, database, user } = endpoint
  const place = host.startsWith('/') ? normalize(`${host}/`) : host.toLowerCase().replace(/\.$/u, '')
  // A pooler or a host of many customers is one server for all of them, and knows the database by the user alone.
  return JSON.stringify(['server', place, port, database, user])
}

function toEndpoint(url: string, reading: Reading, context: PostgresUrlContext): ParsedUrl<ServerEndpoint> {
  const place = readPlace(reading)
  if (!place.ok) return place
  const password = reading.password === null || reading.password === '' ? null : readPassword(reading.password)
  if (password?.ok === false) return password
  const options = readOptions(reading.query, context.projectDir)
  if (!options.ok) return options
  const tls = chooseTls(options, rootCertPath(context.variable?.('PGSSLROOTCERT'), context.projectDir), place.host)
  if ('ok' in tls) return tls
  const texts = new Set([url, ...(password === null ? [] : [reading.password ?? '', password.password])])
  return {
    ok: true,
    endpoint: {
      kind: 'server',
      host: place.host,
      port: place.port,
      user: place.user,
      password: password === null ? null : new Secret(password.password),
      passwordDecoded: password?.decoded ?? false,
      database: place.database,
      tls,
      connectTimeoutMs: options.connectTimeoutMs,
      warnings: warningsOf(place, tls),
    },
    secrets: [...texts].map((text) => new Secret(text)),
    database: place.database,
  }
}

interface Place {
  readonly ok: true
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
}

function readPlace(reading: Reading): Place | Refusal {
  if (reading.authority.includes(',')) {
    return refuse(
      'config/several-hosts',
      'The connection string names several hosts; an environment is one database on one server.',
      'Name one host: the server that can be written to.',
    )
  }
  const user = decodeUtf8(reading.user)
  if (user === undefined || user.includes('\0')) {
    return refuse(
      'config/bad-url',
      'The user of the connection string is not escaped as a URL wants it.',
      'Write % as %25.',
    )
  }
  if (user === '') return refuse('config/no-user', 'The connection string names no user.', `Write ${SHAPE}.`)
  const written = hostAndPort(reading.authority)
  const host = decodeUtf8(written.host)
  if (host === undefined || host.includes('\0') || (written.bracketed && !isIPv6(host))) {
    return refuse(
      'config/bad-url',
      'The host of the connection string is not a host name or address.',
      `Write ${SHAPE}.`,
    )
  }
  const port = written.port === '' ? 5432 : Number(written.port)
  if (port < 1 || port > 65_535) {
    return refuse('config/bad-url', 'The port of the connection string is not between 1 and 65535.', `Write ${SHAPE}.`)
  }
  if (reading.database === null || reading.database === '') {
    return refuse(
      'config/no-database',
      'The connection string names no database.',
      `Write its name behind the host and port: ${SHAPE}; on Supabase it is /postgres.`,
    )
  }
  const database = decodeUtf8(reading.database)
  if (database === undefined || database.includes('\0') || /[#\s]/u.test(reading.database)) {
    return refuse(
      'config/bad-url',
      'The name of the database in the connection string is not escaped as a URL wants it.',
      'Write # as %23, a space as %20 and % as %25.',
    )
  }
  return { ok: true, host, port, user, database }
}

function warningsOf({ host, port, user }: Place, tls: Tls): readonly Problem[] {
  const warnings: Problem[] = []
  if (tls.mode === 'unverified') {
    warnings.push({
      code: 'target/unverified-tls',
      message: 'sslmode=require: the connection is encrypted, but nobody checks that it is the right server.',
      hint: "Download the authority's certificate and write sslmode=verify-full&sslrootcert=<file>.",
    })
  }
  const isPooler = /\.pooler\.supabase\.com$/iu.test(host)
  if (port === 6543 && (isPooler || /\.supabase\.co$/iu.test(host))) {
    warnings.push({
      code: 'target/transaction-pooler',
      message: "Port 6543 is Supabase's pooler in transaction mode, which keeps no session.",
      hint: 'Use port 5432: the session pooler, or the direct connection.',
    })
  }
  if (isPooler && !user.includes('.')) {
    warnings.push({
      code: 'target/pooler-user',
      message: "Supabase's pooler knows the project by the user, and this user names none.",
      hint: 'Write the user as postgres.<project-ref>, as the Connect dialog shows it.',
    })
  }
  return warnings
}

function explainUnreadable(rest: string): Refusal {
  const at = rest.lastIndexOf('@')
  const tail = rest.slice(at + 1)
  if (at < 0) {
    return refuse(
      'config/no-user',
      'The connection string names no user: there is no @ in it.',
      `Write ${SHAPE}. Where a # or a space cuts the value short, put it in quotes.`,
    )
  }
  if (/^[^/?]*[[<{][A-Z]/iu.test(tail)) {
    return refuse(
      'config/placeholder',
      'The connection string still holds a placeholder where the host belongs.',
      'Copy the host from the Connect dialog of the project, and replace what stands in brackets.',
    )
  }
  if (/^(?:[:/?].*)?$/su.test(tail)) {
    const socket = 'postgres://user@%2Fvar%2Frun%2Fpostgresql/database'
    return refuse(
      'config/bad-url',
      'The connection string names no host.',
      `Write ${SHAPE}, or for a socket ${socket}.`,
    )
  }
  return refuse(
    'config/bad-url',
    'What stands behind the @ of the connection string is not host:port/database.',
    `Write ${SHAPE}. Outside the password # is written %23, / is %2F, ? is %3F, @ is %40 and a space is %20.`,
  )
}

function parseEmbedded(name: string, { projectDir }: PostgresUrlContext): ParsedUrl<EmbeddedEndpoint> {
  if (!/^[a-z0-9_-]{1,63}$/u.test(name) || /^template[01]$/u.test(name)) {
    return refuse(
      'config/bad-url',
      'The name behind embedded: is not made of lower-case letters, digits, - and _ (at most 63).',
      'Write, for example, embedded:dev.',
    )
  }
  const endpoint: EmbeddedEndpoint = { kind: 'embedded', database: name, projectDir, home: projectDir }
  return { ok: true, endpoint, secrets: [], database: name }
}
