import { expect } from 'vitest'

/** Nothing that reads what a person wrote may take longer, however it is written. */
const LONGEST_MS = 1_000

/** Does `work` and fails when it has taken more than a second of this process's time. Returns what it returns. */
export function inTime<T>(work: () => T): T {
  const before = process.cpuUsage()
  const result = work()
  expectInTime(before)
  return result
}

/** The same of a promise. */
export async function resolvesInTime<T>(work: () => Promise<T>): Promise<T> {
  const before = process.cpuUsage()
  const result = await work()
  expectInTime(before)
  return result
}

/** The process's own time, as the machine may be busy with other things. */
function expectInTime(since: NodeJS.CpuUsage): void {
  const { user, system } = process.cpuUsage(since)
  expect((user + system) / 1_000).toBeLessThan(LONGEST_MS)
}
