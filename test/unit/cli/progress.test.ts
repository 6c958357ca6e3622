import { expect, test } from 'vitest'
import { createPlainProgress } from '../../../src/cli/output/progress.ts'
import type { RunEvent } from '../../../src/core/event.ts'

function linesOf(...events: readonly RunEvent[]): readonly string[] {
  const lines: string[] = []
  const progress = createPlainProgress(
    (line) => void lines.push(line),
    (text) => text,
  )
  for (const event of events) progress.report(event)
  return lines
}

function waiting(environment: string, seconds: number): RunEvent {
  return { type: 'waiting', environment, what: `waiting for pid 17, for ${seconds} s` }
}

test('several environments that wait at the same time each say so once', () => {
  expect(
    linesOf(waiting('dev', 1), waiting('prod', 1), waiting('dev', 2), waiting('prod', 2), waiting('dev', 3)),
  ).toEqual(['dev: waiting for pid 17, for 1 s\n', 'prod: waiting for pid 17, for 1 s\n'])
})

test('an environment that waits again after something was done says so again', () => {
  const done: RunEvent = { type: 'migration-applied', environment: 'dev', migration: '001-a', durationMs: 3 }
  expect(linesOf(waiting('dev', 1), done, waiting('dev', 1))).toEqual([
    'dev: waiting for pid 17, for 1 s\n',
    'dev: applied 001-a (3 ms)\n',
    'dev: waiting for pid 17, for 1 s\n',
  ])
})
