import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { prepareGround } from './arena.ts'
import type { Ground } from './arena.ts'
import { choose, createDice, runCampaign, SEED } from './campaign.ts'
import type { Strike } from './proxy.ts'
import { ATOMIC, ATOMIC_ROLLBACK, INIT, MIXED, ROLLBACK, STEPWISE_ROLLBACK, TRANSACTIONAL } from './scenario.ts'
import { tryCase } from './trial.ts'

const SIGNALS = ['SIGKILL', 'SIGTERM', 'SIGINT'] as const

/** How many kills of each scenario a sample takes. */
const SAMPLE = 6

const WIDTH = 3

test.each([TRANSACTIONAL, MIXED, INIT, ATOMIC, ROLLBACK, ATOMIC_ROLLBACK, STEPWISE_ROLLBACK])(
  '$name: wherever the process is killed or interrupted, what was said is true and a rerun completes',
  async (scenario) => {
    await using ground = await prepareGround(inject('server'), scenario)
    const every = casesOf(await listMoments(ground, null), null)
    const cases = choose(every, SAMPLE, createDice(SEED))
    const failures = await runCampaign(`kills, ${scenario.name} (of ${every.length})`, cases, WIDTH, (one) =>
      tryCase(ground, one),
    )
    expect(failures).toEqual([])
  },
)

test.each([TRANSACTIONAL, MIXED, ROLLBACK, STEPWISE_ROLLBACK])(
  '$name: killed or interrupted while it looks what became of a lost connection',
  async (scenario) => {
    await using ground = await prepareGround(inject('server'), scenario)
    // The fourth commit is that of the first migration; the word of it gets lost.
    const strike: Strike = { at: { message: 'server: C (complete COMMIT)', time: 4 }, fault: 'before' }
    const moments = await listMoments(ground, strike)
    const every = casesOf(moments.slice(moments.indexOf('recovering')), strike)
    const cases = choose(every, SAMPLE, createDice(SEED))
    const failures = await runCampaign(
      `kills after a cut, ${scenario.name} (of ${every.length})`,
      cases,
      WIDTH,
      (one) => tryCase(ground, one),
    )
    expect(failures).toEqual([])
  },
)

/** The moments of a whole run, in order, as often as they come. */
async function listMoments(ground: Ground, strike: Strike | null): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'mm-moments-'))
  try {
    const env = { MM_FAULT_TRACE: join(folder, 'moments') }
    const { violations } = await tryCase(ground, strike === null ? { env } : { env, strike })
    if (violations.length > 0) throw new Error(`without any kill: ${violations.join('; ')}`)
    return readFileSync(env.MM_FAULT_TRACE, 'utf8').trim().split('\n')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Kill {
  readonly name: string
  readonly env: Readonly<Record<string, string>>
  readonly strike?: Strike
}

/** Each moment, each time that it comes, with each signal. */
function casesOf(moments: readonly string[], strike: Strike | null): readonly Kill[] {
  const times = new Map<string, number>()
  return moments.flatMap((moment) => {
    const occurrence = (times.get(moment) ?? 0) + 1
    times.set(moment, occurrence)
    return SIGNALS.map((signal) => ({
      name: `${signal} at ${moment}, time ${occurrence}`,
      env: { MM_FAULT: `${moment}:${occurrence}:${signal}` },
      ...(strike === null ? {} : { strike }),
    }))
  })
}
