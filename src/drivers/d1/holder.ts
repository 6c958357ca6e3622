import { hostname } from 'node:os'
import { systemErrorCode } from '../../core/errors.ts'
import type { Actor } from '../../core/driver.ts'
import { machineName } from '../machine.ts'

/** What is written of a holder. */
interface HolderFacts {
  readonly actor: Pick<Actor, 'osUser'>
  readonly runId: string
}

/** Who holds the lock, as it is written beside it: JSON, so that those who wait can look whether it still lives. */
export function holderOf({ actor, runId }: HolderFacts): string {
  return JSON.stringify({
    user: actor.osUser,
    host: hostname(),
    machine: machineName(),
    pid: process.pid,
    run: runId,
  })
}

/** Who holds the lock, in words. */
export function describeHolder(holder: string | null): string {
  const { user, host, pid, run } = parse(holder)
  if (typeof host !== 'string' || typeof pid !== 'number') return 'somebody who left no name'
  const who = typeof user === 'string' ? `${user} on ${host}` : host
  return `${who}, pid ${pid}${typeof run === 'string' ? `, run ${run}` : ''}`
}

/** Whether the holder was a process of this machine that is gone: then nobody need wait until its time runs out. */
export function isGone(holder: string | null): boolean {
  const { machine, pid } = parse(holder)
  if (machine !== machineName() || typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (cause) {
    return systemErrorCode(cause) === 'ESRCH'
  }
}

function parse(holder: string | null): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(holder ?? 'null')
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
