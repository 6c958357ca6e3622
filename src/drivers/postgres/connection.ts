import { randomBytes } from 'node:crypto'
import type { Connection, Reading, Target } from '../../core/driver.ts'
import { ownerOf } from '../../core/environment.ts'
import type { Emit } from '../../core/event.ts'
import { MigrationManagerError } from '../../core/errors.ts'
import type { Finding } from '../../core/finding.ts'
import { findLostTables } from '../../core/lost-tables.ts'
import { quoted } from '../../core/shell.ts'
import { describeSessionFailure } from './errors.ts'
import type { Place } from './session-failure.ts'
import { cancelWhenAborted, interruptedReading } from './interruption.ts'
import { openLink } from './link.ts'
import type { Link } from './link.ts'
import type { Facts } from './reading.ts'
import { lockKey } from './lock.ts'
import { settingsOf } from './message-context.ts'
import type { MessageContext } from './message-context.ts'
import { parseLog, readLogMessage } from './log.ts'
import { quoteIdentifier } from './quote.ts'
import { logIn } from './login.ts'
import type { Run } from './run.ts'
import { tablesOf } from './tables.ts'
import type { Author } from './tables.ts'
import type { PostgresEndpoint } from './url.ts'

/** Opens a connection to a PostgreSQL database; its first message, which reads everything, goes with the login. */
export async function connectPostgres(
  target: Target<PostgresEndpoint>,
  emit: Emit,
  signal: AbortSignal,
): Promise<Connection> {
  const { environment, historySchema, limits } = target
  const { login, release } = await logIn(target, emit, signal)
  const place: Place = {
    environment: environment.name,
    host: login.host,
    port: login.port,
    user: login.user,
    database: login.database,
    origin: environment.origin,
    passwordDecoded: environment.endpoint.kind === 'server' && environment.endpoint.passwordDecoded,
  }
  const tables = tablesOf(historySchema)
  const key = lockKey(historySchema)
  const wanted = environment.endpoint.kind === 'server' ? environment.endpoint.connectTimeoutMs : null
  const connectMs = wanted ?? limits.connectMs
  let link: Link | undefined
  try {
    link = await openLink({ place, login, tables, key, connectMs, expected: target.expected }, signal)
    refuseForeignTable(link, target)
    return createConnection(target, link, key, emit, signal, release)
  } catch (cause) {
    link?.session.close()
    release()
    throw cause
  }
}

function createConnection(
  target: Target<PostgresEndpoint>,
  link: Link,
  key: string,
  emit: Emit,
  signal: AbortSignal,
  release: () => void,
): Connection {
  const { environment, limits } = target
  const marker = `mm-${randomBytes(6).toString('hex')}`
  let isFresh = true

  const context = (author: Author): MessageContext => ({
    tables: link.options.tables,
    key,
    environment: environment.name,
    owner: ownerOf(environment),
    runId: target.runId,
    author,
    limits,
    serverVersion: link.facts.version,
    hasSession: link.hasSession,
    sessionSettings: settingsOf({ hasSession: link.hasSession, onLinux: link.facts.onLinux }),
    marker,
  })
  const lock = { isHeld: false }
  const run = async (): Promise<Run> => {
    const isTreeDirty = await target.actor.isTreeDirty()
    return { link, context: context({ ...target.actor, isTreeDirty }), emit, signal, lock }
  }

  return {
    async read(): Promise<Reading> {
      // The login has brought everything, and nothing was done over this connection since.
      const facts = isFresh ? link.facts : await link.refresh()
      isFresh = false
      return {
        databaseId: facts.databaseId,
        initialisedAs: facts.initialisedAs,
        history: facts.history,
        keepsSession: link.hasSession,
        lockHolder: facts.lockHolder,
        findings: findNotable(target, facts),
      }
    },

    async log() {
      try {
        return parseLog(await link.session.ask(readLogMessage(link.options.tables), limits.connectMs))
      } catch (cause) {
        throw describeSessionFailure(cause, link.options.place)
      }
    },

    async snapshot() {
      const { parseSnapshot, snapshotMessage } = await import('./catalog.ts')
      try {
        const asked = link.session.ask(snapshotMessage(link.options.tables), limits.statementTimeoutMs)
        return parseSnapshot(await cancelWhenAborted(link.session, signal, asked))
      } catch (cause) {
        if (signal.aborted) throw interruptedReading(link.options.place)
        throw describeSessionFailure(cause, link.options.place)
      }
    },

    async verify(migrations) {
      const { verifyMigrations } = await import('./verification.ts')
      return verifyMigrations(link, limits, migrations, signal)
    },

    async prepare({ rename }) {
      isFresh = false
      const [{ prepareTables }, begun] = await Promise.all([import('./locked-work.ts'), run()])
      return prepareTables(begun, rename)
    },

    async withLock(work) {
      isFresh = false
      // Git is asked while the code is loaded.
      const [{ workUnderLock }, begun] = await Promise.all([import('./locked-work.ts'), run()])
      return workUnderLock(begun, work)
    },

    async leave() {
      await link.session.leave()
      release()
    },

    async [Symbol.asyncDispose]() {
      link.session.close()
      release()
    },
  }
}

/** Other tools keep a table of this name: say whose it may be, and touch nothing. */
function refuseForeignTable(link: Link, { environment, historySchema }: Target): void {
  const { state, columns } = link.facts
  if (state !== 'foreign') return
  throw new MigrationManagerError(
    'target/foreign-history',
    `${environment.name} has a table ${historySchema}.schema_migrations of another tool (${likelyOwner(columns)}; columns: ${columns.join(', ')}).`,
    {
      environment: environment.name,
      hint: 'It is left as it is. Keep our history in a schema of its own, which is then that of all environments: MIGRATION_SCHEMA=migrations. Where there is one in another schema already, that is said, with what moves it.',
    },
  )
}

function likelyOwner(columns: readonly string[]): string {
  if (columns.includes('dirty')) return 'golang-migrate, it seems'
  if (columns.includes('statements')) return "Supabase's CLI, it seems"
  if (columns.length === 1 && columns[0] === 'version') return 'dbmate or Rails, it seems'
  return 'which one cannot be told'
}

/** Everything would be applied once more. */
function historyElsewhere(environment: string, schema: string, elsewhere: readonly string[]): Finding {
  const [first = ''] = elsewhere
  const move = ['schema_migrations', 'schema_migrations_log'].map(
    (table) => `ALTER TABLE ${quoteIdentifier(first)}.${table} SET SCHEMA ${quoteIdentifier(schema)};`,
  )
  return {
    code: 'history/elsewhere',
    severity: 'block',
    environment,
    message: `${environment} has no history in the schema ${schema}, but one of migration-manager in ${elsewhere.join(', ')}.`,
    hint: `Was MIGRATION_SCHEMA=${quoted(first)} meant? To move it: CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(schema)}; ${move.join(' ')} If that is another project's, and this one begins here: migration-manager init --env ${environment} --allow history/elsewhere`,
  }
}

/**
 * What a person should know of the way there (an unverified server, a transaction pooler, a time-out of the role), and of
 * our own tables where they do not fit together.
 */
function findNotable(
  { environment, historySchema, limits }: Target<PostgresEndpoint>,
  facts: Facts,
): readonly Finding[] {
  const { endpoint, name, origin } = environment
  const warnings = endpoint.kind === 'server' ? endpoint.warnings : []
  const findings = warnings.map(({ code, message, hint }): Finding => ({
    code,
    severity: 'warn',
    environment: name,
    message: `${name} (${origin}): ${message}`,
    hint,
  }))
  const { statementTimeoutMs } = facts
  // Another run may have made the tables while the catalogs were looked through.
  const elsewhere = facts.elsewhere.filter((schema) => schema !== historySchema)
  if (elsewhere.length > 0) findings.push(historyElsewhere(name, historySchema, elsewhere))
  findings.push(...findLostTables(name, { ...facts, hasRows: facts.history.length > 0 }))
  if (statementTimeoutMs === 0 || statementTimeoutMs >= limits.statementTimeoutMs) return findings
  return [
    ...findings,
    {
      code: 'target/role-statement-timeout',
      severity: 'info',
      environment: name,
      message: `${name}: a statement of this role may run for ${statementTimeoutMs / 1000} s, a statement of a migration for ${limits.statementTimeoutMs / 1000} s.`,
      hint: 'Nothing to do: migrations set their own limit, timeouts.statementSeconds in migration-manager.config.json.',
    },
  ]
}
