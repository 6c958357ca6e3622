import { createHash } from 'node:crypto'

/**
 * The key of the migration lock: an advisory lock is one per database, so the key only has to tell history schemas
 * apart, and us from other users of advisory locks. 64 bits, signed, as decimal text.
 */
export function lockKey(historySchema: string): string {
  return createHash('sha256').update(`migration-manager:${historySchema}`).digest().readBigInt64BE(0).toString()
}

/**
 * A condition: some other session holds the lock. It asks the function behind the view pg_locks, and nothing is joined:
 * of a free lock, as it mostly is, no more need be known.
 */
export function lockHeldCondition(key: string): string {
  return `EXISTS (SELECT FROM pg_catalog.pg_lock_status() l WHERE ${lockCondition(key)})`
}

/**
 * A query for one row (pid, application, role, state, age in seconds) about who holds the lock, as text columns.
 */
export function lockHolderQuery(key: string): string {
  return `SELECT pg_catalog.jsonb_build_object('pid', l.pid, 'application', a.application_name, 'role', a.usename, 'state', a.state,
  'client', pg_catalog.host(a.client_addr), 'seconds', EXTRACT(epoch FROM pg_catalog.clock_timestamp() - a.backend_start)::int)
FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE ${lockCondition(key)} LIMIT 1`
}

/** pg_locks splits a 64-bit key into `classid` and `objid` (PostgreSQL manual, "pg_locks"). */
function lockCondition(key: string): string {
  const unsigned = BigInt.asUintN(64, BigInt(key))
  const high = unsigned >> 32n
  const low = unsigned & 0xffff_ffffn
  return `l.locktype = 'advisory' AND l.granted AND l.pid <> pg_catalog.pg_backend_pid() AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND l.classid = ${high}::oid AND l.objid = ${low}::oid`
}

/** Who holds the lock in words, from the JSON of `lockHolderQuery`; a server may answer anything. */
export function describeHolder(holder: unknown): string {
  const fields: Readonly<Record<string, unknown>> = typeof holder === 'object' && holder !== null ? { ...holder } : {}
  const text = (name: string): string | null => {
    const value = fields[name]
    return typeof value === 'string' && value !== '' ? value : null
  }
  const { pid, seconds } = fields
  const role = text('role')
  const client = text('client')
  const details = [
    text('application'),
    role === null ? null : `as ${role}`,
    client === null ? null : `from ${client}`,
    typeof seconds === 'number' ? `connected for ${seconds} s` : null,
    text('state'),
  ].filter((detail) => detail !== null)
  return `pid ${typeof pid === 'number' ? pid : '?'}${details.length === 0 ? '' : ` (${details.join(', ')})`}`
}
