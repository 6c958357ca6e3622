import { resolve } from 'node:path'
import { decodeUtf8 } from './url-password.ts'
import { optionsOf } from './url-reading.ts'
import { type Refusal, refuse } from './url-refusal.ts'

/** The options of a connection string that mean something here. `rootCert`: undefined = not given, null = the system's. */
export interface UrlOptions {
  readonly ok: true
  readonly sslmode: SslMode | undefined
  readonly rootCert: string | null | undefined
  readonly connectTimeoutMs: number | null
}

const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof SSL_MODES)[number]

/** They would quietly lead to another database than the string seems to name. */
const PARTS_OF_THE_STRING: ReadonlySet<string> = new Set(['host', 'hostaddr', 'user', 'password', 'port', 'dbname'])

/**
 * Options of other clients that may be dropped without breaking what they promise. A list of values: only these; any
 * other one asks for something that is not done here. `any`: it only tunes that client's pool or statement cache.
 */
const IGNORED: ReadonlyMap<string, 'any' | readonly string[]> = new Map<string, 'any' | readonly string[]>([
  ['pgbouncer', 'any'],
  ['connection_limit', 'any'],
  ['pool_timeout', 'any'],
  ['supa', 'any'],
  ['workaround', 'any'],
  ['uselibpqcompat', 'any'],
  ['schema', ['public']],
  ['channel_binding', ['disable', 'prefer']],
  ['gssencmode', ['disable', 'prefer']],
  ['target_session_attrs', ['any', 'read-write', 'primary', 'prefer-standby']],
])

const OWN: ReadonlySet<string> = new Set(['sslmode', 'sslrootcert', 'application_name', 'connect_timeout'])

/** How to say what a refused option meant. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['ssl', 'Write sslmode=verify-full or sslmode=require instead.'],
  ['options', 'Set it for the role: ALTER ROLE … SET …; or, for time-outs, in migration-manager.config.json.'],
  ['search_path', 'Name the schema in the migration files, or set it for the role: ALTER ROLE … SET search_path = ….'],
  ['schema', 'Remove it; MIGRATION_SCHEMA names the schema of the history table.'],
  ['statement_timeout', 'Set timeouts.statementSeconds in migration-manager.config.json instead.'],
  ['lock_timeout', 'Set timeouts.lockSeconds in migration-manager.config.json instead.'],
  ['channel_binding', 'Remove it, and leave out sslmode: then the certificate of the server is verified in full.'],
  ['gssencmode', 'Remove it: connections are encrypted with TLS.'],
  ['target_session_attrs', 'Remove it, and name a server that can be written to.'],
])

/** Whether the name of an option tells that a text is the query of a connection string; refused options count too. */
export function isKnownOption(name: string): boolean {
  return OWN.has(name) || IGNORED.has(name) || PARTS_OF_THE_STRING.has(name) || INSTEAD.has(name)
}

/** Reads the query of a connection string (without its `?`). Relative paths start at `projectDir`. */
export function readOptions(query: string | null, projectDir: string): UrlOptions | Refusal {
  const values = new Map<string, string>()
  for (const [name, written] of optionsOf(query)) {
    const value = decodeUtf8(written)
    if (value === undefined || /[#\s\0]/u.test(written) || value.includes('\0')) {
      return refuse(
        'config/url-option',
        `The value of the option ${name} in the connection string is not escaped as a URL wants it.`,
        'Write # as %23, a space as %20 and % as %25.',
      )
    }
    if (values.has(name)) {
      return refuse('config/url-option', `The connection string gives the option ${name} twice.`, `Remove one ${name}.`)
    }
    const refusal = refuseOption(name, value)
    if (refusal !== undefined) return refusal
    values.set(name, value)
  }
  const sslmode = values.get('sslmode')
  if (sslmode !== undefined && !isSslMode(sslmode)) return refuseSslMode(sslmode)
  const seconds = values.get('connect_timeout')
  if (seconds !== undefined && !/^\d{1,6}$/u.test(seconds)) {
    return refuse(
      'config/url-option',
      'The option connect_timeout in the connection string is not a whole number of seconds.',
      'Write, for example, connect_timeout=10.',
    )
  }
  return {
    ok: true,
    sslmode,
    rootCert: rootCertPath(values.get('sslrootcert'), projectDir),
    // libpq takes 0 as "for ever"; every wait has a limit here, so it means the default.
    connectTimeoutMs: Number(seconds ?? 0) * 1000 || null,
  }
}

/** A path from `sslrootcert` or `PGSSLROOTCERT`: undefined when not given, null for `system` (as in libpq). */
export function rootCertPath(written: string | undefined, projectDir: string): string | null | undefined {
  if (written === undefined || written === '') return undefined
  return written === 'system' ? null : resolve(projectDir, written)
}

function refuseOption(name: string, value: string): Refusal | undefined {
  if (OWN.has(name)) return undefined
  const ignored = IGNORED.get(name)
  if (ignored === 'any' || ignored?.includes(value) === true) return undefined
  if (PARTS_OF_THE_STRING.has(name)) {
    const socket =
      ' A socket directory is written in place of the host: postgres://user@%2Fvar%2Frun%2Fpostgresql/database.'
    return refuse(
      'config/url-option',
      `The connection string holds ${name} as an option; options must not say which database it is.`,
      `Write it in its place: postgres://user:password@host:5432/database, and remove ${name}.` +
        (name === 'host' ? socket : ''),
    )
  }
  return refuse(
    'config/url-option',
    ignored === undefined
      ? `The connection string holds the option ${name}, which is not understood here.`
      : `The connection string asks with the option ${name} for something that is not done here.`,
    INSTEAD.get(name) ?? `Remove ${name} from the connection string.`,
  )
}

function isSslMode(value: string): value is SslMode {
  return SSL_MODES.some((mode) => mode === value)
}

function refuseSslMode(value: string): Refusal {
  const hint =
    'Leave sslmode out to have the server verified in full, or write sslmode=require to accept an unverified server.'
  return value === 'prefer' || value === 'allow'
    ? refuse('config/tls-mode', `sslmode=${value} would go on without encryption when the server has none.`, hint)
    : refuse('config/tls-mode', `The sslmode of the connection string is none of ${SSL_MODES.join(', ')}.`, hint)
}
