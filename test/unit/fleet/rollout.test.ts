import { expect, test } from 'vitest'
import type { RunEvent } from '../../../src/core/event.ts'
import type { Outcome } from '../../../src/core/outcome.ts'
import { planSync } from '../../../src/core/plan.ts'
import { createMemoryDatabase, memoryDriver } from '../../../src/drivers/memory.ts'
import type { MemoryDatabase } from '../../../src/drivers/memory.ts'
import { rollOut } from '../../../src/fleet/rollout.ts'
import type { RolloutOptions } from '../../../src/fleet/rollout.ts'
import { createTurns } from '../../../src/runner/turns.ts'
import { connectTo } from '../../contract/suite.ts'
import { migrationsOf } from '../core/samples.ts'

const FILES = migrationsOf('001-a', '002-b')

/** So many databases of the fleet `prod`; those that are named fail. */
function createFleet(number: number, failing: readonly number[] = []): readonly MemoryDatabase[] {
  return Array.from({ length: number }, (_, index) => {
    const database = createMemoryDatabase(`d${index + 1}`)
    if (failing.includes(index + 1)) database.fateOf = () => 'fails'
    return database
  })
}

interface Rollout {
  readonly outcomes: readonly Outcome[]
  readonly events: readonly RunEvent[]
}

async function rollOutOver(
  databases: readonly MemoryDatabase[],
  options: Partial<RolloutOptions> = {},
): Promise<Rollout> {
  const events: RunEvent[] = []
  const targets = await Promise.all(
    databases.map(async (database) => {
      const connection = await connectTo(memoryDriver, database)
      const name = `prod/${database.id}`
      const plan = planSync(name, FILES, database.history, { allow: new Set() })
      const replan: (history: MemoryDatabase['history']) => typeof plan = (history) =>
        planSync(name, FILES, history, { allow: new Set() })
      return { connection, server: 'one', plan, replan }
    }),
  )
  const outcomes = await rollOut(targets, {
    fleet: 'prod',
    maxFailures: 0,
    failures: 0,
    takeTurn: createTurns(10),
    emit: (event) => events.push(event),
    signal: new AbortController().signal,
    ...options,
  })
  return { outcomes, events }
}

function countStatuses(outcomes: readonly Outcome[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { status } of outcomes) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

test('every database gets what it lacks, once, and the outcomes come in the order given', async () => {
  const databases = createFleet(30)
  const { outcomes } = await rollOutOver(databases)
  expect(outcomes.map(({ environment }) => environment)).toEqual(databases.map(({ id }) => `prod/${id}`))
  expect(countStatuses(outcomes)).toEqual({ applied: 30 })
  for (const { effects } of databases) expect(effects).toEqual(['001-a', '002-b'])
})

test('a canary that fails leaves all others untouched', async () => {
  const databases = createFleet(30, [1])
  const { outcomes } = await rollOutOver(databases)
  expect(countStatuses(outcomes)).toEqual({ failed: 1, skipped: 29 })
  expect(databases.slice(1).every(({ effects }) => effects.length === 0)).toBe(true)
})

test('a failure in the second wave lets nobody of the third begin', async () => {
  const databases = createFleet(30, [5])
  const { outcomes } = await rollOutOver(databases)
  expect(databases.slice(11).every(({ effects }) => effects.length === 0)).toBe(true)
  expect(countStatuses(outcomes.slice(11))).toEqual({ skipped: 19 })
  expect(outcomes[4]?.status).toBe('failed')
})

test('up to maxFailures databases may fail, and all others are brought to their end', async () => {
  const databases = createFleet(30, [2, 20])
  expect(countStatuses((await rollOutOver(databases, { maxFailures: 2 })).outcomes)).toEqual({ applied: 28, failed: 2 })
})

test('one failure more than maxFailures, and no other database is begun', async () => {
  const databases = createFleet(30, [1, 2, 3])
  const { outcomes } = await rollOutOver(databases, { maxFailures: 2, takeTurn: createTurns(1) })
  expect(countStatuses(outcomes)).toEqual({ failed: 3, skipped: 27 })
})

test('databases that could not be read count as failures', async () => {
  const databases = createFleet(30, [1])
  const { outcomes } = await rollOutOver(databases, { maxFailures: 1, failures: 1 })
  expect(countStatuses(outcomes)).toEqual({ failed: 1, skipped: 29 })
})

test('a second run goes on where the first one stopped', async () => {
  const databases = createFleet(30, [5])
  const first = await rollOutOver(databases, { takeTurn: createTurns(1) })
  expect(countStatuses(first.outcomes)).toEqual({ applied: 4, failed: 1, skipped: 25 })
  for (const database of databases) database.fateOf = () => 'commits'
  const second = await rollOutOver(databases)
  expect(countStatuses(second.outcomes)).toEqual({ 'up-to-date': 4, applied: 26 })
  for (const { effects } of databases) expect(effects).toEqual(['001-a', '002-b'])
})

test('an interruption lets nobody begin any more, whatever may fail', async () => {
  const databases = createFleet(30)
  const interruption = new AbortController()
  const { outcomes } = await rollOutOver(databases, {
    maxFailures: 1000,
    signal: interruption.signal,
    emit: (event) => event.type === 'database-finished' && event.finished === 3 && interruption.abort(),
    takeTurn: createTurns(1),
  })
  expect(countStatuses(outcomes)).toEqual({ applied: 3, skipped: 27 })
})

test('each wave and each end of a database is told', async () => {
  const { events } = await rollOutOver(createFleet(12))
  expect(events.filter(({ type }) => type === 'wave-started')).toEqual([
    { type: 'wave-started', environment: 'prod', wave: 1, waves: 3, databases: 1 },
    { type: 'wave-started', environment: 'prod', wave: 2, waves: 3, databases: 10 },
    { type: 'wave-started', environment: 'prod', wave: 3, waves: 3, databases: 1 },
  ])
  const finished = events.flatMap((event) => (event.type === 'database-finished' ? [event.finished] : []))
  expect(finished).toEqual(Array.from({ length: 12 }, (_, index) => index + 1))
})
