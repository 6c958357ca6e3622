import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { isInShard } from '../../../src/config/shard.ts'

const NAMES = Array.from({ length: 1_000 }, (_, at) => `prod/tenant-${at}`)

test.each([1, 2, 7, 10, 1_000])('with %i parts every database falls to one of them', (parts) => {
  for (const name of NAMES.slice(0, 50)) {
    const shards = Array.from({ length: parts }, (_, at) => at + 1).filter((part) => isInShard(name, { part, parts }))
    expect(shards).toHaveLength(1)
  }
})

test('the parts are about as large as each other', () => {
  for (let part = 1; part <= 10; part += 1) {
    const count = NAMES.filter((name) => isInShard(name, { part, parts: 10 })).length
    expect(count).toBeGreaterThan(60)
    expect(count).toBeLessThan(140)
  }
})

test('the part is the first 8 bytes of the SHA-256 of the whole name, modulo the number of parts, and 1', () => {
  const head = createHash('sha256').update('prod/acme').digest('hex').slice(0, 16)
  const part = Number(BigInt(`0x${head}`) % 10n) + 1
  expect(isInShard('prod/acme', { part, parts: 10 })).toBe(true)
  // Forever: shards of different versions may run beside each other.
  expect(part).toBe(2)
})
