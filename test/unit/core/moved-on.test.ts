import { expect, test } from 'vitest'
import type { AppliedMigration } from '../../../src/core/history.ts'
import type { Migration } from '../../../src/core/migration.ts'
import { hasMovedOn } from '../../../src/core/moved-on.ts'

const RUN = '3f0c8a52-0000-4000-8000-000000000001'

test('a history in which only the run itself has changed anything has not moved on', () => {
  const before = [row('001-a'), row('002-b')]
  const after = [row('001-a'), row('003-c', { runId: RUN })]
  const done = [did('revert', '002-b'), did('apply', '003-c')]
  expect(hasMovedOn(before, after, { runId: RUN, done, underWay: null })).toBe(false)
})

test.each([
  ['what it applied was taken back', [row('001-a')]],
  ['what it applied is now of another run', [row('001-a'), row('002-b')]],
  ['what it applied has another checksum', [row('001-a'), row('002-b', { runId: RUN, checksum: 'sha256:x' })]],
  ['what it applied is being taken back', [row('001-a'), row('002-b', { runId: RUN, status: 'started' })]],
  ['what was there before is gone', [row('002-b', { runId: RUN })]],
  ['what was there before was edited', [row('001-a', { checksum: 'sha256:x' }), row('002-b', { runId: RUN })]],
  ['another migration has come', [row('001-a'), row('002-b', { runId: RUN }), row('003-c')]],
])('a history has moved on: %s', (_what, after) => {
  const doings = { runId: RUN, done: [did('apply', '002-b')], underWay: null }
  expect(hasMovedOn([row('001-a')], after, doings)).toBe(true)
})

test('what was taken back and is there again has moved on', () => {
  const doings = { runId: RUN, done: [did('revert', '001-a')], underWay: null }
  expect(hasMovedOn([row('001-a')], [row('001-a')], doings)).toBe(true)
  expect(hasMovedOn([row('001-a')], [], doings)).toBe(false)
})

test('the row of the migration that is under way may say anything', () => {
  const doings = { runId: RUN, done: [], underWay: '002-b' }
  expect(hasMovedOn([row('001-a')], [row('001-a'), row('002-b', { status: 'started', step: 2 })], doings)).toBe(false)
  expect(hasMovedOn([row('001-a')], [row('002-b', { status: 'started', step: 2 })], doings)).toBe(true)
})

function row(name: string, more: Partial<AppliedMigration> = {}): AppliedMigration {
  return {
    name,
    checksum: `sha256:${name}`,
    status: 'applied',
    step: null,
    appliedAt: null,
    durationMs: null,
    appliedBy: '',
    runId: null,
    ...more,
  }
}

function did(kind: 'apply' | 'revert', name: string): { kind: 'apply' | 'revert'; migration: Migration } {
  const migration: Migration = {
    version: name.slice(0, 3),
    name,
    file: `${name}.sql`,
    checksum: `sha256:${name}`,
    up: '',
    down: null,
    lines: 1,
  }
  return { kind, migration }
}
