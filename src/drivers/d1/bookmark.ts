import type { Session } from './session.ts'
import { quoted } from '../../core/shell.ts'

/** How long asking for a bookmark may take, in milliseconds: nothing depends on it. */
const BOOKMARK_MS = 10_000

/** The Time Travel bookmark of this moment, for the log; null for a local database, or where none can be had. */
export async function takeBookmark({ client, target, signal }: Session): Promise<string | null> {
  if (target.environment.endpoint.kind === 'local') return null
  return client.bookmark({ withinMs: Math.min(BOOKMARK_MS, target.limits.connectMs), signal })
}

const announced = new WeakSet<Session>()

/** Says once a run how to get back to where the database was before it. */
export function announceWayBack(session: Session, bookmark: string | null): void {
  const { target, emit } = session
  const { endpoint, name } = target.environment
  if (endpoint.kind === 'local' || announced.has(session)) return
  announced.add(session)
  emit(
    bookmark === null
      ? {
          type: 'way-back',
          environment: name,
          what: 'Cloudflare gave no Time Travel bookmark; its restore by time still works',
        }
      : {
          type: 'way-back',
          environment: name,
          what: `the way back to now: npx wrangler d1 time-travel restore ${endpoint.databaseName === null ? '<name of the database>' : quoted(endpoint.databaseName)} --bookmark=${bookmark}`,
        },
  )
}
