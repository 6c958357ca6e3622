import { describe, expect, test } from 'vitest'
import { parseSince } from '../../../src/commands/history.ts'
import type { AppliedMigration } from '../../../src/core/history.ts'
import { findLogBreak, readLogEntry } from '../../../src/core/log.ts'
import type { LogEntry } from '../../../src/core/log.ts'

/** A log of these events, whole and in order. */
function log(...events: readonly (readonly [event: string, migration: string | null, outcome?: string])[]): LogEntry[] {
  return events.map(([event, migration, outcome = 'applied'], index) => ({
    id: index + 1,
    at: new Date(index),
    event,
    migration,
    checksum: null,
    outcome,
    durationMs: null,
    runId: null,
    role: 'me',
    osUser: null,
    gitCommit: null,
    gitDirty: null,
    ciRun: null,
    ciJob: null,
    detail: {},
    previousHash: index === 0 ? '' : `hash ${index}`,
    hash: `hash ${index + 1}`,
    isIntact: true,
  }))
}

function history(...names: readonly string[]): AppliedMigration[] {
  return names.map((name) => ({
    name,
    checksum: 'sha256:x',
    status: 'applied',
    appliedAt: new Date(0),
    durationMs: 1,
    appliedBy: 'me',
    runId: null,
    step: null,
  }))
}

const WHOLE = log(['init', null], ['apply', '001-a'], ['fail', '002-b', 'failed'], ['apply', '002-b'])

describe('a log', () => {
  test('fits when every row is intact, follows its predecessor and accounts for the history', () => {
    expect(findLogBreak(WHOLE, history('001-a', '002-b'))).toBeNull()
    expect(findLogBreak([], [])).toBeNull()
  })

  test.each(['x', '', '14645-06-30T03:06:40.000Z', null, 7])('row with the time %j is none that was written', (at) => {
    expect(readLogEntry({ id: 1, at, isIntact: true })).toMatchObject({ at: null, isIntact: false })
    expect(readLogEntry({ id: 1, at: '2026-11-01T08:00:00.000Z', isIntact: true })).toMatchObject({
      at: new Date('2026-11-01T08:00:00Z'),
      isIntact: true,
    })
  })

  test('names the first row that was edited', () => {
    const edited = WHOLE.map((entry) => (entry.id >= 2 ? { ...entry, isIntact: false } : entry))
    expect(findLogBreak(edited, [])).toEqual({ id: 2, reason: 'edited', migration: '001-a' })
  })

  test('misses rows that were removed from its middle or its beginning', () => {
    expect(
      findLogBreak(
        WHOLE.filter(({ id }) => id !== 2),
        [],
      ),
    ).toMatchObject({ id: 3, reason: 'removed' })
    expect(findLogBreak(WHOLE.slice(1), [])).toMatchObject({ id: 2, reason: 'removed' })
  })

  test('sees rows that changed places, though each is intact', () => {
    const [first, second, third, fourth] = WHOLE
    if (first === undefined || second === undefined || third === undefined || fourth === undefined) throw new Error()
    const swapped = [first, { ...third, id: 2 }, { ...second, id: 3 }, fourth]
    expect(findLogBreak(swapped, [])).toMatchObject({ id: 2, reason: 'moved' })
  })

  test('misses an end that was cut off, by what the history says is applied', () => {
    expect(findLogBreak(WHOLE.slice(0, 2), history('001-a', '002-b'))).toEqual({
      id: 3,
      reason: 'cut-off',
      migration: '002-b',
    })
  })

  test('a failed attempt does not account for an applied migration, and a rollback takes it back', () => {
    expect(findLogBreak(WHOLE.slice(0, 3), history('002-b'))).toMatchObject({ reason: 'cut-off', migration: '002-b' })
    const undone = log(['init', null], ['apply', '001-a'], ['rollback', '001-a', 'done'])
    expect(findLogBreak(undone, history('001-a'))).toMatchObject({ reason: 'cut-off' })
    expect(findLogBreak(undone, [])).toBeNull()
  })
})

describe('--since', () => {
  const now = new Date('2026-11-20T12:00:00Z')
  test.each([
    ['30m', '2026-11-20T11:30:00.000Z'],
    ['2d', '2026-11-18T12:00:00.000Z'],
    ['1w', '2026-11-13T12:00:00.000Z'],
    ['2026-11-03', '2026-11-03T00:00:00.000Z'],
    ['2026-11-03T08:30:00Z', '2026-11-03T08:30:00.000Z'],
    ['2026-11-03T08:30:15.250+01:00', '2026-11-03T07:30:15.250Z'],
    ['2026-11-03 08:30+0530', '2026-11-03T03:00:00.000Z'],
    ['2026-11-03 08:30:00+00', '2026-11-03T08:30:00.000Z'],
    ['2028-02-29 08:30 UTC', '2028-02-29T08:30:00.000Z'],
  ])('%s', (text, expected) => {
    expect(parseSince(text, now).toISOString()).toBe(expected)
  })

  test.each(['2026-11-03T08:30', '2026-11-03 08:30', '2026-11-03 08:30:00'])(
    '%s is UTC, as the times that are shown, wherever the machine stands',
    (text) => {
      const home = process.env['TZ']
      process.env['TZ'] = 'America/New_York'
      try {
        expect(parseSince(text, now).toISOString()).toBe('2026-11-03T08:30:00.000Z')
      } finally {
        if (home === undefined) delete process.env['TZ']
        else process.env['TZ'] = home
      }
    },
  )

  test.each([
    '',
    'yesterday',
    '3',
    '2026-13-45',
    '-1d',
    '2026-02-31',
    '2027-02-29T08:00Z',
    '2026-11-03T25:00',
    '2026-11-03x',
  ])('refuses %j', (text) => {
    expect(() => parseSince(text, now)).toThrow(/no moment that is understood/)
  })
})
