import type { AppliedMigration } from '../../core/history.ts'
import type { Step } from '../../core/plan.ts'
import { reach } from '../../core/kill-point.ts'
import { pause } from '../pause.ts'
import { waitForLock } from './lock-wait.ts'
import { LostConnection } from './session-failure.ts'
import { LEAVE } from './message.ts'
import type { Run } from './run.ts'

/** Between two attempts to connect again, in milliseconds. */
const SHORTEST_WAIT = 200
const LONGEST_WAIT = 5_000

/**
 * After a lost connection: connects again, takes the lock, and only then reads the history. The lock proves that the
 * old backend has ended, so that what it was doing is committed or gone for good; a row that is not there before
 * that may still appear. Returns null if this could not be had within `limits.recoverWaitMs`.
 */
export async function recover({ link, context, emit }: Run): Promise<readonly AppliedMigration[] | null> {
  const { environment, limits } = context
  const deadline = Date.now() + limits.recoverWaitMs
  // Not the run's own signal: an interrupted run must find out, too, what became of what it sent.
  const signal = AbortSignal.timeout(limits.recoverWaitMs)
  for (let wait = SHORTEST_WAIT; Date.now() < deadline; wait = Math.min(wait * 2, LONGEST_WAIT)) {
    emit({ type: 'waiting', environment, what: 'the connection was lost; connecting again to see what was done' })
    try {
      reach('recovering')
      await link.reopen(signal)
      // A standby's locks and rows prove nothing about the primary.
      if (link.facts.isStandby) throw new LostConnection('only a standby can be reached')
      await waitForLock(link, { ...context, limits: { ...limits, lockWaitMs: deadline - Date.now() } }, emit, signal)
      return (await link.refresh()).history
    } catch {
      // Whatever it is now, the next attempt tells; the deadline ends it.
      await pause(wait * (0.5 + Math.random() / 2), signal)
    }
  }
  return null
}

/**
 * Whether a step is committed after all, by its row: asked when an error came behind its last statement. The backend
 * has answered, so nothing of it is under way any more.
 */
export async function isCommitted({ link, context }: Run, { kind, migration }: Step): Promise<boolean> {
  await link.session.ask(LEAVE, context.limits.connectMs)
  const { history } = await link.refresh()
  const row = history.find(({ name }) => name === migration.name)
  return kind === 'revert' ? row === undefined : row?.status === 'applied' && row.runId === context.runId
}
