import { expect, test } from 'vitest'
import { createWorld } from '../support/d1/simulation.ts'
import { choose, createDice, SEED } from './campaign.ts'

/** How many seeds are all. */
const ALL = 100_000

test('the protocol of D1 over SQLite, with requests lost, delayed and doubled and two runs at once', async () => {
  const world = await createWorld()
  const all = Array.from({ length: ALL }, (_, index) => SEED + index)
  const seeds = choose(all, 2_000, createDice(SEED))
  const failures: string[] = []
  let faults = 0
  for (const seed of seeds) {
    const found = await world.simulate(seed)
    faults += found.faults
    if (found.violations.length > 0) failures.push(`D1_SEED=${seed}: ${found.violations.join('; ')}`)
  }
  process.stdout.write(
    `| D1 simulated | ${seeds.length} seeds from ${SEED} on | ${faults} faults | ${failures.length} violations |\n`,
  )
  expect(failures).toEqual([])
})
