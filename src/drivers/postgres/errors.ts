import { MigrationManagerError } from '../../core/errors.ts'
import { findServerRule } from './server-rules.ts'
import { LostConnection, ServerFailure } from './session-failure.ts'
import type { Place, Rule, ServerError } from './session-failure.ts'

/** What `openSocket` destroys a socket with whose other end does not speak PostgreSQL's protocol. */
export const NOT_POSTGRES = 'NOT_POSTGRES'

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
  [NOT_POSTGRES]: {
    code: 'connection/not-postgres',
    message: ({ host, port }) => `What answers on ${host}, port ${port}, is not PostgreSQL.`,
    hint: CHECK_URL,
  },
  EACCES: {
    code: 'connection/refused',
    message: ({ host }) => `This user may not open the server socket in ${host}.`,
    hint: CHECK_URL,
  },
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
    rule?.message(place) ?? `The connection to ${place.host}, port ${place.port}, broke before the first answer.`,
    { hint: rule?.hint(place) ?? CHECK_URL(place), engineCode: code || undefined, environment: place.environment },
  )
}

/** What went wrong on a session that had answered before, as an error for people. */
export function describeSessionFailure(cause: unknown, place: Place): MigrationManagerError {
  if (!(cause instanceof LostConnection)) return describeConnectFailure(cause, place)
  return new MigrationManagerError(
    'connection/lost',
    `The connection to ${place.host}, port ${place.port}, was lost: ${cause.message}.`,
    { hint: 'Look at the network and the server, then run again.', environment: place.environment, cause },
  )
}

/** An error that the server reported and that is not the fault of a migration's own statement. */
export function describeServerFailure(server: ServerError, place: Place): MigrationManagerError {
  const details = { environment: place.environment, engineCode: server.code }
  const rule = findServerRule(server)
  if (rule === undefined) {
    return new MigrationManagerError('target/server-error', `${place.environment}: ${server.message}`, {
      ...details,
      hint: server.hint ?? undefined,
    })
  }
  const said = rule.quotesServer === true ? ` The server said: ${server.message}` : ''
  return new MigrationManagerError(rule.code, `${rule.message(place)}${said}`, { ...details, hint: rule.hint(place) })
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
