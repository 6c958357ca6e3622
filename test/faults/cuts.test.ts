import { expect, inject, test } from 'vitest'
import { choose, createDice, runCampaign, SEED } from './campaign.ts'
import { FAULTS } from './proxy.ts'
import type { Fault } from './proxy.ts'
import { SCENARIOS } from './scenario.ts'
import { prepareGround } from './arena.ts'
import type { Ground } from './arena.ts'
import { tryCase } from './trial.ts'
import type { FaultCase } from './trial.ts'

/** How many cuts of each scenario a sample takes. */
const SAMPLE = 15

/** Those who wait for a server that is silent or gone cost time and no work. */
const WIDTH = 6

test.each(SCENARIOS)(
  '$name: wherever the connection is cut, what was said is true and a rerun completes',
  async (scenario) => {
    await using ground = await prepareGround(inject('server'), scenario)
    const messages = await countMessages(ground)
    const every = Array.from({ length: messages }, (_, index) => index + 1).flatMap((at) =>
      FAULTS.map((fault) => ({ name: `${fault} at message ${at} of ${messages}`, ...caseOf(at, fault) })),
    )
    const cases = choose(every, SAMPLE, createDice(SEED))
    const failures = await runCampaign(`cuts, ${scenario.name} (of ${every.length})`, cases, WIDTH, (one) =>
      tryCase(ground, one),
    )
    expect(failures).toEqual([])
  },
)

function caseOf(at: number, fault: Fault): FaultCase {
  return { strike: { at, fault }, ...(fault === 'gone' ? { isImpatient: true } : {}) }
}

/** A run without a strike, to see how many messages there are; how they mix differs a little from run to run. */
async function countMessages(ground: Ground): Promise<number> {
  const { violations, trace } = await tryCase(ground, {})
  if (violations.length > 0) throw new Error(`without any fault: ${violations.join('; ')}`)
  return trace.length
}
