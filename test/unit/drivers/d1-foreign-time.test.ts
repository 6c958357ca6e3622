import { afterEach, beforeEach, expect, test } from 'vitest'
import { readTime } from '../../../src/drivers/d1/foreign-time.ts'

const before = process.env['TZ']

beforeEach(() => {
  process.env['TZ'] = 'America/New_York'
})

afterEach(() => {
  if (before === undefined) delete process.env['TZ']
  else process.env['TZ'] = before
})

test.each([
  [1_738_555_506, '2025-02-03T04:05:06.000Z'],
  [1_738_555_506_000, '2025-02-03T04:05:06.000Z'],
  ['2025-02-03 04:05:06', '2025-02-03T04:05:06.000Z'],
  ['2025-02-03 04:05:06.789', '2025-02-03T04:05:06.789Z'],
  ['2025-02-03T04:05:06', '2025-02-03T04:05:06.000Z'],
  ['2025-02-03T04:05:06.789Z', '2025-02-03T04:05:06.789Z'],
  ['2025-02-03 04:05', '2025-02-03T04:05:00.000Z'],
  ['2025-02-03', '2025-02-03T00:00:00.000Z'],
  ['2025-02-03 04:05:06+00:00', '2025-02-03T04:05:06.000Z'],
  ['2025-02-03 04:05:06 +0100', '2025-02-03T03:05:06.000Z'],
  ['2025-02-03 04:05:06.5-05', '2025-02-03T09:05:06.500Z'],
  ['2025-02-03 04:05:06 UTC', '2025-02-03T04:05:06.000Z'],
  ['Mon, 03 Feb 2025 04:05:06 GMT', '2025-02-03T04:05:06.000Z'],
])('%j was read in the time zone of whoever runs it, or not at all', (value, meant) => {
  expect(readTime(value)?.toISOString()).toBe(meant)
})

test.each([null, undefined, '', 'yesterday', 'Feb 3 2025', '2025-13-01 00:00:00', '1738555506', Number.NaN, {}])(
  '%j is no time',
  (value) => {
    expect(readTime(value)).toBeNull()
  },
)
