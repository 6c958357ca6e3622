import { dirname, join, relative } from 'node:path'
import type { ParsedUrl } from '../../core/driver.ts'
import { Secret } from '../../core/secret.ts'
import { findWranglerConfig, findWranglerConfigsBelow } from './wrangler.ts'
import type { WranglerConfig, WranglerDatabase } from './wrangler.ts'

/** A database at Cloudflare, spoken to over the HTTP API. */
export interface RemoteEndpoint {
  readonly kind: 'remote'
  /** `https://api.cloudflare.com/client/v4`, without a slash at its end. */
  readonly apiBase: string
  readonly accountId: string
  readonly databaseId: string
  /** What wrangler's configuration calls it; null where it does not know this id. */
  readonly databaseName: string | null
  readonly token: Secret
}

/** A database of wrangler's local state. */
export interface LocalEndpoint {
  readonly kind: 'local'
  /** The folder that wrangler calls `.wrangler/state/v3/d1`, absolute. */
  readonly persistDir: string
  readonly databaseId: string
  /** Where the npm package miniflare is looked for first. */
  readonly projectDir: string
}

export type D1Endpoint = RemoteEndpoint | LocalEndpoint

export interface D1UrlContext {
  readonly projectDir: string
  readonly variable?: (name: string) => string | undefined
}

/** The schemes that `parseD1Url` understands. */
export const D1_SCHEMES: readonly string[] = ['d1', 'd1-local']

const CLOUDFLARE = 'https://api.cloudflare.com/client/v4'
const ID = /^[A-Za-z0-9][\w-]{0,63}$/
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

type Refusal = Extract<ParsedUrl, { ok: false }>

/**
 * Reads `d1://<database-id>` (with `CLOUDFLARE_ACCOUNT_ID`, `CLOUDFLARE_API_TOKEN` and, as wrangler has it,
 * `CLOUDFLARE_API_BASE_URL`) or `d1-local:<database-id or binding>`. Never throws.
 */
export function parseD1Url(url: string, context: D1UrlContext): ParsedUrl<D1Endpoint> {
  const remote = /^d1:\/\/(?<id>.*)$/isu.exec(url)?.groups?.['id']
  if (remote !== undefined) return parseRemote(remote, context)
  const local = /^d1-local:(?:\/\/)?(?<id>.*)$/isu.exec(url)?.groups?.['id']
  if (local !== undefined) return parseLocal(local, context)
  return refuse(
    'config/bad-url',
    'the value is not a D1 database.',
    'Write d1://<database-id> or d1-local:<database-id or binding>.',
  )
}

/** The same for every way to the database. */
export function identityOf(endpoint: D1Endpoint): string {
  return endpoint.kind === 'remote'
    ? `d1:${endpoint.apiBase}/${endpoint.accountId}/${endpoint.databaseId}`
    : `d1-local:${endpoint.persistDir}/${endpoint.databaseId}`
}

function parseRemote(id: string, { variable, projectDir }: D1UrlContext): ParsedUrl<RemoteEndpoint> {
  if (!ID.test(id)) {
    return refuse(
      'config/bad-url',
      'd1:// is not followed by the id of a database alone.',
      'Write d1://<database-id>, with the id that npx wrangler d1 list shows; account and token have variables of their own.',
    )
  }
  const valueOf = (name: string): string => variable?.(name)?.trim() ?? ''
  const missing = ['CLOUDFLARE_ACCOUNT_ID', 'CLOUDFLARE_API_TOKEN'].filter((name) => valueOf(name) === '')
  if (missing.length > 0) {
    return refuse(
      'config/missing-variable',
      `a d1:// database needs ${missing.join(' and ')}, which ${missing.length === 1 ? 'is' : 'are'} not set or empty.`,
      'Set both as for wrangler: the account id, and an API token that may edit D1. (For the local copy write d1-local:<binding>.)',
    )
  }
  const accountId = valueOf('CLOUDFLARE_ACCOUNT_ID')
  const token = valueOf('CLOUDFLARE_API_TOKEN')
  if (!/^[\w-]+$/.test(accountId) || !/^[\x21-\x7e]+$/.test(token)) {
    return refuse(
      'config/bad-value',
      'CLOUDFLARE_ACCOUNT_ID or CLOUDFLARE_API_TOKEN holds a character that neither can hold.',
      'Paste them again, without quotes and spaces.',
    )
  }
  const apiBase = readApiBase(variable?.('CLOUDFLARE_API_BASE_URL'))
  if (apiBase === null) {
    return refuse(
      'config/bad-value',
      'CLOUDFLARE_API_BASE_URL is not an address that the token may be sent to.',
      `Leave it out for ${CLOUDFLARE}, or write an https address (http only to this machine).`,
    )
  }
  const secret = new Secret(token)
  const databaseName = nameOf(id, projectDir)
  return {
    ok: true,
    endpoint: {
      kind: 'remote',
      apiBase,
      accountId,
      databaseId: id,
      databaseName,
      token: secret,
    },
    secrets: [secret],
    database: databaseName ?? id,
  }
}

/** The name that wrangler's commands take. */
function nameOf(id: string, projectDir: string): string | null {
  try {
    const known = findWranglerConfig(projectDir)?.databases.find(({ databaseId }) => databaseId === id)
    return known?.databaseName ?? known?.binding ?? null
  } catch {
    // Only for a hint: a configuration that cannot be read is not needed for a remote database.
    return null
  }
}

/** Null for what the token must not be sent to. An empty value is not "the default": it may be a variable that is not set. */
function readApiBase(value: string | undefined): string | null {
  if (value === undefined) return CLOUDFLARE
  const address = value.trim()
  if (!URL.canParse(address)) return null
  const { protocol, hostname, username, password, search, hash } = new URL(address)
  const isLoopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname)
  const isSafe = protocol === 'https:' || (protocol === 'http:' && isLoopback)
  if (!isSafe || username !== '' || password !== '' || search !== '' || hash !== '') return null
  return address.replace(/\/+$/, '')
}

function parseLocal(name: string, { projectDir }: D1UrlContext): ParsedUrl<LocalEndpoint> {
  if (!/^[\w.-]{1,128}$/.test(name)) {
    return refuse(
      'config/bad-url',
      'd1-local: is not followed by the id or the binding of a database.',
      'Write d1-local:<binding>, with the binding of wrangler.toml or wrangler.jsonc, or d1-local:<database-id>.',
    )
  }
  let config: WranglerConfig | null
  try {
    config = findWranglerConfig(projectDir)
  } catch {
    // What the parser says may hold a piece of the file.
    return refuse(
      'config/unreadable-file',
      'wrangler.toml (or wrangler.json, wrangler.jsonc) could not be read, so the binding is not known.',
      'Mend it: npx wrangler whoami tells where wrangler does not understand it. Or write d1-local:<database-id> in a folder without it.',
    )
  }
  const local = config === null ? idWithoutConfig(name, projectDir) : localId(name, config)
  if (typeof local !== 'string') return local
  const base = config === null ? projectDir : dirname(config.file)
  const persistDir = join(base, '.wrangler', 'state', 'v3', 'd1')
  const endpoint: LocalEndpoint = { kind: 'local', persistDir, databaseId: local, projectDir }
  return { ok: true, endpoint, secrets: [], database: name }
}

/** The id under which wrangler keeps the local copy. */
function localId(name: string, config: WranglerConfig): string | Refusal {
  if (config.databases.length === 0) return name
  const named = config.databases.filter((database) => isCalled(name, database))
  const atTop = named.filter(({ environment }) => environment === null)
  const ids = [...new Set((atTop.length > 0 ? atTop : named).map((database) => database.localId))]
  const [only, ...others] = ids
  if (only !== undefined && others.length === 0) return only
  if (only !== undefined) {
    return refuse(
      'config/ambiguous-value',
      `${name} is the binding of several databases in wrangler's configuration.`,
      `Write the id of one of them: ${ids.map((id) => `d1-local:${id}`).join(', ')}.`,
    )
  }
  // An id may be of a database that this configuration does not bind.
  if (UUID.test(name)) return name
  return refuse(
    'config/unknown-binding',
    `wrangler's configuration has no D1 database ${name}.`,
    `It has ${[...new Set(config.databases.map(describe))].join(', ')}.`,
  )
}

/** Any id will do. A binding or a name of a project below would be a new, empty database here. */
function idWithoutConfig(name: string, projectDir: string): string | Refusal {
  if (UUID.test(name)) return name
  const below = findWranglerConfigsBelow(projectDir)
  const file = below.find(({ databases }) => databases.some((database) => isCalled(name, database)))?.file
  if (file === undefined) return name
  const shown = relative(projectDir, file)
  return refuse(
    'config/unknown-binding',
    `there is no wrangler.toml, wrangler.json or wrangler.jsonc here or above, and ${name} is a D1 database of ${shown}.`,
    `Run migration-manager in ${dirname(shown)}: its local copy is there, and here would be a new, empty database.`,
  )
}

function isCalled(name: string, { binding, databaseName, databaseId, localId: id }: WranglerDatabase): boolean {
  return name === binding || name === databaseName || name === databaseId || name === id
}

function describe({ binding, databaseName }: WranglerDatabase): string {
  return databaseName === null ? binding : `${binding} (${databaseName})`
}

function refuse(code: Refusal['code'], message: string, hint: string): Refusal {
  return { ok: false, code, message, hint }
}
