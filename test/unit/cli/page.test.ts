import { expect, test } from 'vitest'
import { duration } from '../../../src/cli/output/page.ts'

test.each([
  [0.4, '0 ms'],
  [999.4, '999 ms'],
  [999.7, '1.0 s'],
  [1_240, '1.2 s'],
  [59_940, '59.9 s'],
  [59_960, '1 min 0 s'],
  [119_400, '1 min 59 s'],
  [119_600, '2 min 0 s'],
  [184_000, '3 min 4 s'],
])('%d ms are shown as %s', (milliseconds, shown) => {
  expect(duration(milliseconds)).toBe(shown)
})
