import { describe, expect, test } from 'vitest'
import { digestHistory } from '../../../src/core/history.ts'
import type { AppliedMigration } from '../../../src/core/history.ts'
import { isBlocked, planSync } from '../../../src/core/plan.ts'
import type { Plan, Selection } from '../../../src/core/plan.ts'
import { migrationsOf, rowOf } from './samples.ts'

interface Case {
  readonly files: readonly string[]
  readonly history: readonly AppliedMigration[]
  readonly selection?: Partial<Selection>
  readonly steps: readonly string[]
  /** `severity code migration` of each finding. */
  readonly findings: readonly string[]
}

const EDITED = { checksum: 'sha256:edited' } as const
const STARTED = { status: 'started', appliedAt: null, durationMs: null } as const

function plan(
  files: readonly string[],
  history: readonly AppliedMigration[],
  selection: Partial<Selection> = {},
): Plan {
  return planSync('prod', migrationsOf(...files), history, { allow: new Set(), ...selection })
}

const CASES: Record<string, Case> = {
  'nothing at all': { files: [], history: [], steps: [], findings: [] },
  'a fresh database': { files: ['2-b', '10-c', '1-a'], history: [], steps: ['1-a', '2-b', '10-c'], findings: [] },
  'everything applied': { files: ['1-a', '2-b'], history: [rowOf('2-b'), rowOf('1-a')], steps: [], findings: [] },
  'one pending': { files: ['1-a', '2-b'], history: [rowOf('1-a')], steps: ['2-b'], findings: [] },
  'a late arrival': {
    files: ['1-a', '2-b', '3-c', '4-d'],
    history: [rowOf('1-a'), rowOf('3-c')],
    steps: ['2-b', '4-d'],
    findings: ['block history/out-of-order 2-b'],
  },
  'a late arrival before a file that is gone': {
    files: ['1-a'],
    history: [rowOf('2-b')],
    steps: ['1-a'],
    findings: ['block history/missing-file 2-b', 'block history/out-of-order 1-a'],
  },
  'numbers that text would sort otherwise': {
    files: ['9-a', '10-b'],
    history: [rowOf('9-a')],
    steps: ['10-b'],
    findings: [],
  },
  'an edited file': {
    files: ['1-a'],
    history: [rowOf('1-a', EDITED)],
    steps: [],
    findings: ['block history/changed 1-a'],
  },
  'a file that is gone': {
    files: [],
    history: [rowOf('1-a')],
    steps: [],
    findings: ['block history/missing-file 1-a'],
  },
  'a row of another tool, without digits': {
    files: ['1-a'],
    history: [rowOf('init')],
    steps: ['1-a'],
    findings: ['block history/missing-file init'],
  },
  'a migration that never finished': {
    files: ['1-a', '2-b'],
    history: [rowOf('1-a', STARTED)],
    steps: ['2-b'],
    findings: ['block history/unfinished 1-a'],
  },
  'one that never finished, edited since': {
    files: ['1-a'],
    history: [rowOf('1-a', { ...STARTED, ...EDITED })],
    steps: [],
    findings: ['block history/unfinished 1-a'],
  },
  'one that never finished, its file gone': {
    files: [],
    history: [rowOf('1-a', STARTED)],
    steps: [],
    findings: ['block history/unfinished 1-a'],
  },
  'one that was cut off between its steps, before others that are applied': {
    files: ['1-a', '2-b'],
    history: [rowOf('1-a', { ...STARTED, step: 2 }), rowOf('2-b')],
    steps: ['1-a'],
    findings: ['warn history/unfinished 1-a'],
  },
  'one that was cut off between its steps, edited since': {
    files: ['1-a'],
    history: [rowOf('1-a', { ...STARTED, ...EDITED, step: 2 })],
    steps: [],
    findings: ['block history/unfinished 1-a'],
  },
  '--to a version': {
    files: ['1-a', '2-b', '3-c'],
    history: [rowOf('1-a')],
    selection: { to: '02' },
    steps: ['2-b'],
    findings: [],
  },
  '--to a version before all': { files: ['1-a'], history: [], selection: { to: '0' }, steps: [], findings: [] },
  '--to leaves a late arrival behind it out of the findings': {
    files: ['1-a', '2-b', '3-c'],
    history: [rowOf('3-c')],
    selection: { to: '1' },
    steps: ['1-a'],
    findings: ['block history/out-of-order 1-a'],
  },
  '--only the next': { files: ['1-a', '2-b'], history: [], selection: { only: '1' }, steps: ['1-a'], findings: [] },
  '--only a later one': {
    files: ['1-a', '2-b', '3-c'],
    history: [],
    selection: { only: '003' },
    steps: ['3-c'],
    findings: ['warn plan/skips-pending 3-c'],
  },
  '--only one behind a migration that stopped in its middle': {
    files: ['1-a', '2-b', '3-c'],
    history: [rowOf('1-a', { ...STARTED, step: 1 })],
    selection: { only: '3' },
    steps: ['3-c'],
    findings: ['block history/unfinished 1-a', 'warn plan/skips-pending 3-c'],
  },
  '--only the one that stopped in its middle': {
    files: ['1-a', '2-b'],
    history: [rowOf('1-a', { ...STARTED, step: 1 })],
    selection: { only: '1' },
    steps: ['1-a'],
    findings: ['warn history/unfinished 1-a'],
  },
  '--only one that is applied': {
    files: ['1-a', '2-b'],
    history: [rowOf('2-b')],
    selection: { only: '2' },
    steps: [],
    findings: [],
  },
  '--allow one of two': {
    files: ['1-a', '2-b', '3-c'],
    history: [rowOf('2-b'), rowOf('3-c', EDITED)],
    selection: { allow: new Set(['history/changed']) },
    steps: ['1-a'],
    findings: ['warn history/changed 3-c', 'block history/out-of-order 1-a'],
  },
}

test.each(Object.entries(CASES))('the plan of %s', (_, { files, history, selection, steps, findings }) => {
  const made = plan(files, history, selection)

  expect(made.steps.map(({ migration }) => migration.name)).toEqual(steps)
  expect(made.findings.map((each) => `${each.severity} ${each.code} ${each.migration}`)).toEqual(findings)
  expect(made.findings.every((each) => each.environment === 'prod')).toBe(true)
  expect(isBlocked(made)).toBe(findings.some((each) => each.startsWith('block')))
  expect(made.basis).toBe(digestHistory(history))
})

describe('the words of a finding', () => {
  test('a renamed file is told by its content, with the name that it must have', () => {
    const [renamed] = migrationsOf('2-new')
    const { steps, findings } = plan(['2-new'], [rowOf('1-old', { checksum: renamed?.checksum ?? '' })])

    expect(steps.map(({ migration }) => migration.name)).toEqual(['2-new'])
    expect(findings).toMatchObject([
      {
        code: 'history/missing-file',
        message: '1-old is applied in prod, but its file is now called database/2-new.sql.',
        hint: 'Name it 1-old.sql again: a new name would run it a second time.',
      },
    ])
  })

  test('a file of the same content that is applied itself is not taken for the renamed one', () => {
    const [copy] = migrationsOf('2-copy')
    const { findings } = plan(['2-copy'], [rowOf('1-old', { checksum: copy?.checksum ?? '' }), rowOf('2-copy')])

    expect(findings).toMatchObject([{ message: '1-old is applied in prod, but its file is gone.' }])
  })

  test('an edited file is named with the day on which it ran, where that is known', () => {
    const [known, unknown] = [EDITED, { ...EDITED, appliedAt: null }].map(
      (change) => plan(['1-a'], [rowOf('1-a', change)]).findings[0]?.message,
    )

    expect(known).toBe('database/1-a.sql was edited after prod ran it on 2026-01-02.')
    expect(unknown).toBe('database/1-a.sql was edited after prod ran it.')
  })

  test('--only names all that it leaves behind', () => {
    const [finding] = plan(['1-a', '2-b', '3-c'], [], { only: '3' }).findings

    expect(finding?.message).toBe('--only 3 leaves 1-a, 2-b pending in prod.')
  })
})

test('a plan cannot be changed', () => {
  const made = plan(['1-a'], [])

  expect([made, made.steps, made.findings, made.steps[0]].every(Object.isFrozen)).toBe(true)
})

test('a step goes on where an earlier run was cut off, and begins at the beginning otherwise', () => {
  const { steps } = plan(['1-a', '2-b'], [rowOf('1-a', { ...STARTED, step: 2 })])

  expect(steps.map(({ resumeAt }) => resumeAt)).toEqual([2, null])
})
