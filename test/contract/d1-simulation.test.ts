import { expect, test } from 'vitest'
import { createWorld } from '../support/d1/simulation.ts'

/** A sample; `npm run test:faults` runs many more. `D1_SEED=<seed>` runs a single one again. */
const SEEDS = process.env['D1_SEED'] === undefined ? 150 : 1
const FIRST = Number(process.env['D1_SEED'] ?? Math.floor(Math.random() * 1e9))

test('the protocol over a network that loses, delays and doubles: no false answer, none wedged', async () => {
  const world = await createWorld()
  let faults = 0
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const found = await world.simulate(seed)
    expect(found.violations, `D1_SEED=${seed}`).toEqual([])
    faults += found.faults
  }
  expect(faults).toBeGreaterThan(SEEDS)
}, 180_000)
