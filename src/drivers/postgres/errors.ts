import { MigrationManagerError } from '../../core/errors.ts'
import type { ErrorCode } from '../../core/errors.ts'

/** The fields of a server's ErrorResponse that we look at (PostgreSQL manual, "Error and Notice Message Fields"). */
export interface ServerError {
  /** SQLSTATE. */
  readonly code: string
  readonly message: string
  readonly hint: string | null
  /** 1-based, in characters, over the text of the message that was sent; null for most run-time errors. */
  readonly position: number | null
  /** The constraint, for unique violations and the like. */
  readonly constraint: string | null
  /** FATAL or PANIC: the server has ended the session, and what the last message did is known only to the database. */
  readonly isFatal: boolean
}

/** What the server said went wrong, as an error that can be thrown; anything else thrown by a session is a lost connection. */
export class ServerFailure extends Error {
  override readonly name: string = 'ServerFailure'
  readonly server: ServerError

  constructor(server: ServerError) {
    super(server.message)
    this.server = server
  }
}

/** The server's backend or the network went away: what the last message did is not known. */
export class LostConnection extends Error {
  override readonly name: string = 'LostConnection'
}

/** How a person would name the place that was not reached; it holds no secret. */
export interface Place {
  readonly environment: string
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  /** The environment variable that holds the connection string. */
  readonly origin: string
}

interface Rule {
  readonly code: ErrorCode
  readonly message: (place: Place) => string
  readonly hint: (place: Place) => string
}

const CHECK_URL = (place: Place): string => `Check host and port in ${place.origin}.`

/** Errors of the network, by Node's code. */
const NETWORK: Readonly<Record<string, Rule>> = {
  ECONNREFUSED: {
    code: 'connection/refused',
    message: ({ host, port }) => `Nothing listens on ${host}, port ${port}.`,
    hint: (place) => `Is the server running? ${CHECK_URL(place)}`,
  },
  ENOENT: {
    code: 'connection/refused',
    message: ({ host, port }) => `There is no server socket .s.PGSQL.${port} in ${host}.`,
    hint: (place) => `Is the server running? ${CHECK_URL(place)}`,
  },
  ENOTFOUND: {
    code: 'connection/unknown-host',
    message: ({ host }) => `The host name ${host} is not known.`,
    hint: (place) =>
      place.host.endsWith('.supabase.co')
        ? `Direct Supabase hosts have only an IPv6 address, and a paused project has none. Without IPv6, copy the session pooler's string (port 5432) from the project's Connect dialog into ${place.origin}.`
        : `Check the spelling in ${place.origin}.`,
  },
  EAI_AGAIN: {
    code: 'connection/unknown-host',
    message: ({ host }) => `The host name ${host} could not be looked up just now.`,
    hint: () => 'Check the network and its name server, then run again.',
  },
  ENETUNREACH: {
    code: 'connection/unreachable',
    message: ({ host }) => `There is no way through the network to ${host}.`,
    hint: ({ origin }) =>
      `If the host has only an IPv6 address (Supabase's direct hosts do) and this machine has no IPv6, copy the session pooler's string (port 5432) into ${origin}.`,
  },
  EHOSTUNREACH: {
    code: 'connection/unreachable',
    message: ({ host }) => `${host} cannot be reached.`,
    hint: ({ origin }) =>
      `If the host has only an IPv6 address (Supabase's direct hosts do) and this machine has no IPv6, copy the session pooler's string (port 5432) into ${origin}.`,
  },
  ETIMEDOUT: {
    code: 'connection/timeout',
    message: ({ host, port }) => `${host}, port ${port}, did not answer in time.`,
    hint: (place) => `Does a firewall stand in between? ${CHECK_URL(place)}`,
  },
  EACCES: {
    code: 'connection/refused',
    message: ({ host }) => `This user may not open the server socket in ${host}.`,
    hint: CHECK_URL,
  },
}

/** Errors of the login and of the server as a whole, by SQLSTATE (PostgreSQL manual, appendix "Error Codes"). */
const SERVER: Readonly<Record<string, Rule>> = {
  '28P01': {
    code: 'connection/wrong-password',
    message: ({ host, user }) => `${host} does not accept the password of ${user}.`,
    hint: ({ origin }) =>
      `Check user and password in ${origin}. If the password holds %XX sequences, they were decoded: write a plain % as %25.`,
  },
  '28000': {
    code: 'connection/login-refused',
    message: ({ host, user, database }) => `${host} does not let ${user} log in to ${database}.`,
    hint: ({ origin }) => `Check user and database in ${origin}, and the server's pg_hba.conf.`,
  },
  '3D000': {
    code: 'connection/no-database',
    message: ({ host, database }) => `${host} has no database ${database}.`,
    hint: ({ origin, database }) =>
      `Correct the database's name in ${origin}, or create it: CREATE DATABASE "${database}".`,
  },
  '53300': {
    code: 'connection/too-many',
    message: ({ host }) => `${host} takes no more connections.`,
    hint: () => 'Run again when it is quieter, or use the session pooler.',
  },
  '57P03': {
    code: 'connection/starting',
    message: ({ host }) => `${host} is starting up or shutting down.`,
    hint: () => 'Run again in a moment.',
  },
  '42501': {
    code: 'target/permission-denied',
    message: ({ user, database }) => `${user} lacks a right in ${database}`,
    hint: ({ user, database }) =>
      `Let the owner of the schema run migrations, or grant the right, for example: GRANT CREATE, USAGE ON SCHEMA public TO "${user}"; GRANT CREATE ON DATABASE "${database}" TO "${user}";`,
  },
  '25006': {
    code: 'target/read-only',
    message: ({ host, database }) =>
      `${database} on ${host} is read-only: a replica, or default_transaction_read_only is on.`,
    hint: ({ origin }) => `Put the primary's address into ${origin}.`,
  },
  '53100': {
    code: 'target/disk-full',
    message: ({ host }) => `The disk of ${host} is full.`,
    hint: () => 'Make room, then run again.',
  },
}

/** Certificate errors of Node's TLS, by code. */
const TLS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate was signed by an authority that this machine does not trust',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate was signed by an authority that this machine does not trust',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate was signed by an authority that this machine does not trust',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate was signed by an authority that this machine does not trust',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
}

/** A TLS failure as an error for people (`target/tls-unverified`), or null if it is something else. */
export function describeTlsFailure(cause: Error, host: string): MigrationManagerError | null {
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  const reason = TLS[code] ?? (code.startsWith('ERR_SSL_') ? 'the two could not agree on how to encrypt' : undefined)
  if (reason === undefined) return null
  return new MigrationManagerError('target/tls-unverified', `The connection to ${host} cannot be trusted: ${reason}.`, {
    hint: "Download the certificate authority's file (Supabase: project settings, Database, SSL) and name it with sslrootcert=<file> in the connection string or PGSSLROOTCERT. sslmode=require accepts an unverified server.",
    engineCode: code,
  })
}

/** What stopped a connection from being made, as an error for people. */
export function describeConnectFailure(cause: unknown, place: Place): MigrationManagerError {
  if (cause instanceof MigrationManagerError) {
    const { code, message, hint, engineCode } = cause
    return new MigrationManagerError(code, message, { hint, engineCode, environment: place.environment, cause })
  }
  if (cause instanceof ServerFailure) return describeServerFailure(cause.server, place)
  const code = networkCode(cause)
  const rule = NETWORK[code]
  return new MigrationManagerError(
    rule?.code ?? 'connection/lost',
    rule?.message(place) ?? `The connection to ${place.host}, port ${place.port}, broke during the login.`,
    { hint: rule?.hint(place) ?? CHECK_URL(place), engineCode: code, environment: place.environment },
  )
}

/** An error that the server reported and that is not the fault of a migration's own statement. */
export function describeServerFailure(server: ServerError, place: Place): MigrationManagerError {
  const details = { environment: place.environment, engineCode: server.code }
  if (/tenant or user not found/i.test(server.message)) {
    return new MigrationManagerError(
      'connection/unknown-tenant',
      `The pooler ${place.host} does not know the user ${place.user}.`,
      {
        ...details,
        hint: `The pooler's user is postgres.<project-ref>, and the host differs by region: copy the whole string from the project's Connect dialog into ${place.origin}.`,
      },
    )
  }
  const rule = SERVER[server.code]
  if (rule === undefined) {
    return new MigrationManagerError('target/server-error', `${place.environment}: ${server.message}`, {
      ...details,
      hint: server.hint ?? undefined,
    })
  }
  const said = rule.code === 'target/permission-denied' ? `: ${server.message}` : ''
  return new MigrationManagerError(rule.code, `${rule.message(place)}${said}${said === '' ? '' : '.'}`, {
    ...details,
    hint: rule.hint(place),
  })
}

function networkCode(cause: unknown): string {
  if (cause instanceof AggregateError) {
    // One error for each address that was tried: the last one tried is as good as any.
    const last: unknown = cause.errors.at(-1)
    return networkCode(last)
  }
  const code: unknown = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
  if (code === 'CONNECT_TIMEOUT') return 'ETIMEDOUT'
  return typeof code === 'string' ? code : ''
}
