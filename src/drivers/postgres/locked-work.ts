import type { Locked } from '../../core/driver.ts'
import { amendHistory } from './amend.ts'
import { runSteps } from './apply.ts'
import { describeSessionFailure } from './errors.ts'
import { lostError, unknownError } from './failure.ts'
import { holdSteps } from './hold.ts'
import { isLoss } from './link.ts'
import { waitForLock } from './lock-wait.ts'
import { composeMessage, LEAVE, unlock } from './message.ts'
import { GUARD } from './message-context.ts'
import { followProgress } from './progress.ts'
import { recover } from './recovery.ts'
import { MAX_RECOVERIES } from './run.ts'
import type { Run } from './run.ts'
import { ServerFailure } from './session-failure.ts'

/*
 * All that writes to a database. It is loaded with the first thing that is written: a status does without.
 */

/** Does `work` as the only run on this database; the lock is taken with the first thing that it does. */
export async function workUnderLock<T>(run: Run, work: (locked: Locked) => Promise<T>): Promise<T> {
  const { link, lock } = run
  const locked: Locked = {
    async history() {
      if (!lock.isHeld) await takeLock(run)
      return (await link.refresh()).history
    },
    run: (steps, basis) => runSteps(run, steps, basis),
    amend: (repair, basis) => amendHistory(run, repair, basis),
    hold: (steps, basis) => holdSteps(run, steps, basis),
  }
  try {
    return await work(locked)
  } catch (cause) {
    // A session lock outlives the rollback of the transaction that took it, so an error may have left it behind.
    lock.isHeld = true
    throw cause
  } finally {
    if (lock.isHeld) await giveBack(run)
  }
}

/** Creates the history tables and registers the database, if that has not been done; returns whether it had to be. */
export async function prepareTables(run: Run, rename: boolean): Promise<boolean> {
  const { link, context, emit, lock } = run
  const { initialisedAs, state } = link.facts
  for (let recoveries = 0; ;) {
    const { progress, listener } = followProgress(context, [], emit)
    const message = composeMessage(context, {
      rollback: false,
      opening: { basis: null, rename, kinds: [] },
      parts: [],
      rows: 'written-out',
      holds: false,
      unlock: true,
    })
    try {
      await link.session.send(message.text, context.limits.connectMs + context.limits.lockTimeoutMs, listener)
      // The message has ended with an unlock.
      lock.isHeld = false
      return progress.hasPrepared
    } catch (cause) {
      if (isLoss(cause)) {
        if ((await recover(run)) === null) throw unknownError(run, 'init')
        const { facts } = link
        const isRegistered = rename ? facts.initialisedAs === context.owner : facts.initialisedAs !== null
        const isPrepared = isRegistered && facts.state === 'ours'
        // The opening is one transaction, and it ends with the registration.
        if (isPrepared || ++recoveries > MAX_RECOVERIES) await giveBack(run)
        else continue
        if (isPrepared) return state !== 'ours' || facts.initialisedAs !== initialisedAs
        throw lostError(run)
      }
      if (!(cause instanceof ServerFailure && cause.server.code === GUARD.locked)) {
        await giveBack(run)
        throw describeSessionFailure(cause, link.options.place)
      }
      await takeLock(run)
    }
  }
}

async function takeLock({ link, context, emit, signal, lock }: Run): Promise<void> {
  await waitForLock(link, context, emit, signal)
  lock.isHeld = true
}

async function giveBack({ link, context, lock }: Run): Promise<void> {
  lock.isHeld = false
  // At worst the lock stays until the connection ends, and that is soon.
  await link.session.ask(`${LEAVE}${unlock(context)}`, 2_000).catch(() => {})
}
