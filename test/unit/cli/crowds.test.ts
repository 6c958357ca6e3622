import { expect, test } from 'vitest'
import type { RunEvent } from '../../../src/core/event.ts'
import { hushCrowds } from '../../../src/cli/output/crowds.ts'

/** What is heard of these events. */
function heardOf(events: readonly RunEvent[]): readonly string[] {
  const heard: string[] = []
  const reporter = hushCrowds({ report: ({ type, environment }) => heard.push(`${type} ${environment}`), stop() {} })
  for (const event of events) reporter.report(event)
  return heard
}

const applied = (environment: string): RunEvent => ({
  type: 'migration-applied',
  environment,
  migration: '001-a',
  durationMs: 1,
})
const wave = (databases: number): RunEvent => ({
  type: 'wave-started',
  environment: 'prod',
  wave: 1,
  waves: 3,
  databases,
})

test('one database that is worked on alone is heard in full', () => {
  expect(heardOf([wave(1), applied('prod/a')])).toEqual(['wave-started prod', 'migration-applied prod/a'])
})

test('of many at once only what a person must hear', () => {
  const failed: RunEvent = { type: 'migration-failed', environment: 'prod/a', migration: '001-a' }
  const waiting: RunEvent = { type: 'waiting', environment: 'prod/a', what: 'a lock' }
  expect(heardOf([wave(10), applied('prod/a'), failed, waiting])).toEqual(['wave-started prod', 'waiting prod/a'])
})

test('an environment with one database is heard in full beside a crowd', () => {
  expect(heardOf([wave(10), applied('dev'), applied('staging/a')])).toEqual([
    'wave-started prod',
    'migration-applied dev',
    'migration-applied staging/a',
  ])
})
