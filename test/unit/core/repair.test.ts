import { describe, expect, test } from 'vitest'
import { isRepaired, planRepair, REPAIRS } from '../../../src/core/repair.ts'
import type { RepairKind } from '../../../src/core/repair.ts'
import type { AppliedMigration } from '../../../src/core/history.ts'
import type { Migration } from '../../../src/core/migration.ts'

const FILE: Migration = {
  version: '001',
  name: '001-a',
  file: 'database/001-a.sql',
  checksum: 'sha256:file',
  up: '',
  down: null,
  lines: 0,
}

function row(status: 'started' | 'applied', checksum: string): AppliedMigration {
  return { name: '001-a', checksum, status, appliedAt: null, durationMs: null, appliedBy: '', runId: null, step: null }
}

const APPLIED = row('applied', 'sha256:row')
const STARTED = row('started', 'sha256:row')

describe('a repair', () => {
  test.each([
    ['accept-checksum', APPLIED, { status: 'applied', checksum: 'sha256:file' }],
    ['mark-applied', undefined, { status: 'applied', checksum: 'sha256:file' }],
    ['mark-not-applied', APPLIED, null],
    ['finish', STARTED, { status: 'applied', checksum: 'sha256:row' }],
    ['abandon', STARTED, null],
  ] as const)('%s changes the row to what it says', (kind, before, after) => {
    const planned = planRepair(kind, '001-a', FILE, before, 'why')
    expect(planned.after).toEqual(after)
    expect(planned.before).toEqual(before === undefined ? null : { status: before.status, checksum: before.checksum })
  })

  test.each([
    ['accept-checksum', undefined],
    ['accept-checksum', STARTED],
    ['accept-checksum', row('applied', 'sha256:file')],
    ['mark-applied', APPLIED],
    ['mark-applied', STARTED],
    ['mark-not-applied', undefined],
    ['mark-not-applied', STARTED],
    ['finish', APPLIED],
    ['finish', undefined],
    ['abandon', APPLIED],
    ['abandon', undefined],
  ] as const)('%s is refused where there is nothing to repair', (kind, before) => {
    expect(() => planRepair(kind, '001-a', FILE, before, 'why')).toThrow(
      expect.objectContaining({ code: 'repair/not-needed' }),
    )
  })

  test.each([
    ['mark-applied', row('applied', 'sha256:file'), 'The history is right as it is.'],
    ['finish', row('applied', 'sha256:file'), 'The history is right as it is.'],
    ['finish', APPLIED, 'Look at status. Did you mean repair accept-checksum?'],
    ['accept-checksum', row('applied', 'sha256:file'), 'The history is right as it is.'],
    ['abandon', undefined, 'Nothing is there to take away: sync applies it.'],
    ['mark-not-applied', undefined, 'Nothing is there to take away: sync applies it.'],
    ['abandon', APPLIED, 'Look at status. Did you mean repair mark-not-applied?'],
    ['mark-not-applied', STARTED, 'Look at status. Did you mean repair abandon?'],
    ['mark-applied', STARTED, 'Look at status. Did you mean repair finish?'],
    ['finish', undefined, 'Look at status. Did you mean repair mark-applied?'],
  ] as const)('%s that is refused names no repair that would be refused as well or do harm', (kind, before, hint) => {
    expect(() => planRepair(kind, '001-a', FILE, before, 'why')).toThrow(expect.objectContaining({ hint }))
  })

  test('is found again in the history that it was to change', () => {
    const removed = planRepair('mark-not-applied', '001-a', FILE, APPLIED, 'why')
    expect([isRepaired(removed, [APPLIED]), isRepaired(removed, [])]).toEqual([false, true])
    const accepted = planRepair('accept-checksum', '001-a', FILE, APPLIED, 'why')
    expect([isRepaired(accepted, [APPLIED]), isRepaired(accepted, [row('applied', FILE.checksum)])]).toEqual([
      false,
      true,
    ])
  })

  test('that takes its checksum from the file needs the file; the others do not', () => {
    const without = (kind: RepairKind, before: AppliedMigration | undefined): (() => unknown) => {
      return () => planRepair(kind, '001-a', undefined, before, 'why')
    }
    expect(without('accept-checksum', APPLIED)).toThrow(expect.objectContaining({ code: 'repair/no-file' }))
    expect(without('mark-applied', undefined)).toThrow(expect.objectContaining({ code: 'repair/no-file' }))
    expect(without('mark-not-applied', APPLIED)).not.toThrow()
    expect(without('finish', STARTED)).not.toThrow()
    expect(REPAIRS).toHaveLength(5)
  })
})
