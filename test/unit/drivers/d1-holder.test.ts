import { hostname } from 'node:os'
import { expect, test } from 'vitest'
import { describeHolder, holderOf, isGone } from '../../../src/drivers/d1/holder.ts'

const TARGET = { actor: { osUser: 'ana' }, runId: 'run-1' }

/** What this process writes, and the same of another process. */
function written(change: Readonly<Record<string, unknown>> = {}): string {
  const own: unknown = JSON.parse(holderOf(TARGET))
  return JSON.stringify({ ...(typeof own === 'object' ? own : {}), ...change })
}

/** Larger than any pid that Linux or macOS gives out. */
const NO_PID = 2 ** 30

test('a holder is described by its user, host, pid and run', () => {
  expect(describeHolder(written())).toBe(`ana on ${hostname()}, pid ${process.pid}, run run-1`)
})

test('only a process of this machine that is gone is gone', () => {
  expect(isGone(written())).toBe(false)
  expect(isGone(written({ pid: NO_PID }))).toBe(true)
  expect(isGone(written({ pid: NO_PID, machine: 'another' }))).toBe(false)
  expect(isGone(written({ pid: NO_PID, machine: undefined }))).toBe(false)
})

test.each([null, '', 'nonsense', '[]', '{"pid":-1}', '{"pid":0}', 'null'])(
  'what nobody can read is nobody that is gone: %j',
  (holder) => {
    expect(isGone(holder)).toBe(false)
    expect(describeHolder(holder)).toBe('somebody who left no name')
  },
)
