import type { LinkOptions } from './link.ts'
import { GIST_SOURCE_LENGTH, gistOf } from './query-gist.ts'
import { openSession } from './session.ts'

/** Who keeps a backend waiting, as pg_stat_activity tells it. */
interface Blocker {
  readonly pid: number
  readonly application: string | null
  readonly role: string | null
  readonly state: string | null
  readonly seconds: number | null
  readonly query: string | null
}

/**
 * Asks, over a connection of its own, who keeps a backend from getting a lock (`pg_blocking_pids`, PostgreSQL manual,
 * "Session Information Functions"). Returns it in words, or null when nobody does or nobody can be asked.
 */
export async function findBlocker(
  options: LinkOptions,
  backendPid: number,
  signal: AbortSignal,
): Promise<string | null> {
  const query = `SELECT pg_catalog.jsonb_build_object('pid', a.pid, 'application', a.application_name, 'role', a.usename, 'state', a.state,
  'seconds', EXTRACT(epoch FROM pg_catalog.clock_timestamp() - COALESCE(a.xact_start, a.backend_start))::int, 'query', pg_catalog.left(a.query, ${GIST_SOURCE_LENGTH}))::text
FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(${backendPid})) AS blocking (pid) JOIN pg_catalog.pg_stat_activity a ON a.pid = blocking.pid LIMIT 1`
  try {
    const { session, rows } = await openSession(options.login, query, { connectMs: options.connectMs, signal })
    session.close()
    const found: unknown = JSON.parse(rows[0]?.[0] ?? 'null')
    return isBlocker(found) ? describe(found) : null
  } catch {
    // A courtesy: not to know who it is must not disturb the run.
    return null
  }
}

function isBlocker(value: unknown): value is Blocker {
  return typeof value === 'object' && value !== null && 'pid' in value
}

function describe({ pid, application, role, state, seconds, query }: Blocker): string {
  const shown = gistOf(query ?? '')
  const details = [
    application === null || application === '' ? null : application,
    role === null ? null : `as ${role}`,
    state,
    seconds === null ? null : `for ${seconds} s`,
    shown === '' ? null : `last said: ${shown}`,
  ].filter((detail) => detail !== null)
  return `pid ${pid}${details.length === 0 ? '' : ` (${details.join(', ')})`}`
}
