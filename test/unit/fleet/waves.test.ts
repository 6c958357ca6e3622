import { expect, test } from 'vitest'
import { planWaves } from '../../../src/fleet/waves.ts'

test.each([
  [0, []],
  [1, [1]],
  [2, [1, 1]],
  [11, [1, 10]],
  [12, [1, 10, 1]],
  [1000, [1, 10, 989]],
])('%i databases go in waves of %j, each once and in their order', (number, sizes) => {
  const items = Array.from({ length: number }, (_, index) => index)
  const waves = planWaves(items)
  expect(waves.map((wave) => wave.length)).toEqual(sizes)
  expect(waves.flat()).toEqual(items)
})
