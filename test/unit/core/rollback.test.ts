import { describe, expect, test } from 'vitest'
import type { Environment } from '../../../src/core/environment.ts'
import type { AppliedMigration } from '../../../src/core/history.ts'
import { readMigrations } from '../../../src/core/migration.ts'
import type { Migration } from '../../../src/core/migration.ts'
import { findHeldLater, newestApplied, planRollback } from '../../../src/core/rollback-plan.ts'
import type { RollbackSelection } from '../../../src/core/rollback-plan.ts'
import { findRollbackBlock } from '../../../src/core/rollback.ts'

describe('a rollback block', () => {
  test.each([
    '-- Rollback',
    '-- Rollback:',
    '--rollback',
    '-- ROLLBACK INSTRUCTIONS (comment):',
    '-- Rollback instructions (comment):',
    '-- Down',
    '  -- down migration:',
  ])('begins with %j and is what remains without the comment marks', (heading) => {
    const text = `CREATE TABLE a ();\n\n${heading}\n-- DROP TABLE a;\n--  SELECT 1;\n--\n-- SELECT 2;\nSELECT 3;\n`
    expect(findRollbackBlock(text, 'x.sql')).toEqual({
      sql: 'DROP TABLE a;\n SELECT 1;\n\nSELECT 2;',
      file: 'x.sql',
      firstLine: 4,
      marks: ['-- ', '-- ', '--', '-- '],
    })
  })

  test.each([
    '-- Rollback is not possible: the data is gone.\n-- DROP TABLE a;',
    '-- This goes down the road\n-- DROP TABLE a;',
    '-- Rollback:\nDROP TABLE a;',
    '-- Rollback:\n--\n--   \n',
    'SELECT 1; -- Rollback:\n-- DROP TABLE a;',
    '-- Rollback plan of the team\n-- DROP TABLE a;',
  ])('is not found in %j', (text) => {
    expect(findRollbackBlock(text, 'x.sql')).toBeNull()
  })

  test('that comes last counts, also inside of the own BEGIN and COMMIT', () => {
    const text = 'BEGIN;\n-- Rollback:\n-- SELECT 1;\nSELECT 0;\n-- Rollback:\n-- SELECT 2;\nCOMMIT;\n'
    expect(findRollbackBlock(text, 'x.sql')?.sql).toBe('SELECT 2;')
  })

  test('gives way to the twin file', () => {
    const read = readMigrations([
      { fileName: '001-a.sql', file: 'd/001-a.sql', content: { text: 'SELECT 1;\n-- Rollback:\n-- SELECT 2;\n' } },
      { fileName: '001-a.down.sql', file: 'd/001-a.down.sql', content: { text: 'SELECT 3;\n' } },
    ])
    expect('migrations' in read && read.migrations[0]?.down).toEqual({
      sql: 'SELECT 3;\n',
      file: 'd/001-a.down.sql',
      firstLine: 1,
    })
  })
})

function only(...names: readonly string[]): RollbackSelection {
  return { kind: 'names', names: new Set(names) }
}

function file(name: string, hasDown = true): Migration {
  const down = { sql: 'SELECT 1', file: `d/${name}.sql`, firstLine: 2 }
  return {
    version: name.slice(0, 3),
    name,
    file: `d/${name}.sql`,
    checksum: `sha256:${name}`,
    up: '',
    down: hasDown ? down : null,
    lines: 1,
  }
}

function row(name: string, changes: Partial<AppliedMigration> = {}): AppliedMigration {
  const appliedAt = new Date(0)
  return {
    name,
    checksum: `sha256:${name}`,
    status: 'applied',
    appliedAt,
    durationMs: 1,
    appliedBy: 'me',
    runId: null,
    step: null,
    ...changes,
  }
}

const FILES = [file('001-a'), file('002-b'), file('003-c')]
const ROWS = [row('002-b'), row('001-a'), row('003-c')]
const NOTHING: ReadonlySet<string> = new Set()

function codes(findings: readonly { readonly code: string; readonly severity: string }[]): readonly string[] {
  return findings.map(({ code, severity }) => `${severity} ${code}`)
}

describe('planRollback', () => {
  test('takes back what is above a version, newest first', () => {
    const plan = planRollback('dev', FILES, ROWS, { kind: 'to', version: '1' }, NOTHING)
    expect(plan.steps.map(({ kind, migration }) => `${kind} ${migration.name}`)).toEqual([
      'revert 003-c',
      'revert 002-b',
    ])
    expect(plan.findings).toEqual([])
  })

  test('does nothing in an environment that does not hold the migration', () => {
    const plan = planRollback('dev', FILES, [row('001-a')], only('003-c'), NOTHING)
    expect(plan).toMatchObject({ steps: [], findings: [] })
  })

  test.each([
    ['has no rollback', [file('003-c', false)], ROWS, '003-c', ['block rollback/none']],
    ['was edited since it ran', FILES, [row('003-c', { checksum: 'sha256:old' })], '003-c', ['block history/changed']],
    ['has lost its file', [], [row('003-c')], '003-c', ['block history/missing-file']],
    [
      'is unfinished',
      FILES,
      [row('003-c', { status: 'started', appliedAt: null })],
      '003-c',
      ['block history/unfinished'],
    ],
    ['is below others that stay', FILES, ROWS, '002-b', ['block rollback/not-latest']],
  ])('blocks a migration that %s', (_what, files, rows, name, expected) => {
    expect(codes(planRollback('dev', files, rows, only(name), NOTHING).findings)).toEqual(expected)
  })

  test('goes on with one that was cut off on its way back, and not with one on its way there', () => {
    const name = '003-c'
    const started = { status: 'started', appliedAt: null } as const
    const back = planRollback('dev', FILES, [row(name, { ...started, step: -3 })], only(name), NOTHING)
    const there = planRollback('dev', FILES, [row(name, { ...started, step: 2 })], only(name), NOTHING)

    expect(back.steps).toMatchObject([{ kind: 'revert', resumeAt: 2 }])
    expect(codes(back.findings)).toEqual(['warn history/unfinished'])
    expect(codes(there.findings)).toEqual(['block history/unfinished'])
  })

  test('was up to date where the file of a half taken back migration is gone', () => {
    const name = '003-c'
    const history = [row('002-b'), row(name, { status: 'started', appliedAt: null, step: -3 })]
    const plan = planRollback('dev', [file('002-b')], history, only(name), new Set(['history/unfinished']))

    expect(codes(plan.findings)).toEqual(['block history/unfinished'])
    expect(plan.findings[0]?.hint).toMatch(/^Bring 003-c\.sql back .* at step 3\..*repair finish 003-c --env dev/u)
  })

  test.each([
    ['edited', [file('002-b'), { ...file('003-c'), checksum: 'sha256:other' as const }], /^Put the file back/u],
    ['gone', [file('002-b')], /^Bring 003-c\.sql back/u],
  ])('sent to sync, which refuses it, who had begun a file that is %s since', (_what, files, hint) => {
    const name = '003-c'
    const history = [row('002-b'), row(name, { status: 'started', appliedAt: null, step: 2 })]
    const plan = planRollback('dev', files, history, only(name), NOTHING)

    expect(codes(plan.findings)).toContain('block history/unfinished')
    expect(plan.findings.find(({ code }) => code === 'history/unfinished')?.hint).toMatch(hint)
  })

  test('takes a migration out of the middle when that is allowed by name', () => {
    const plan = planRollback('dev', FILES, ROWS, only('002-b'), new Set(['rollback/not-latest']))
    expect(codes(plan.findings)).toEqual(['warn rollback/not-latest'])
    expect(plan.steps).toHaveLength(1)
  })

  test('advised to take back all environments where one was named', () => {
    const [finding] = planRollback('dev', FILES, ROWS, only('002-b'), NOTHING).findings

    expect(finding?.hint).toContain('migration-manager rollback --to 001 --env dev. ')
  })
})

test('the newest migration is the newest of all environments, by version', () => {
  expect(newestApplied([[row('009-x')], [row('010-y'), row('001-a')], []])).toBe('010-y')
  expect(newestApplied([[]])).toBeNull()
})

describe('an environment may not lose what the one behind it keeps', () => {
  const environment = (name: string, order: number): Environment => ({
    name,
    engine: 'postgres',
    endpoint: null,
    secrets: [],
    protected: false,
    order,
    origin: '',
    migrationsDir: 'd',
  })
  const columns = [
    { environment: environment('dev', 0), history: ROWS },
    { environment: environment('prod', 1), history: ROWS },
  ]
  const plan = (name: string): ReturnType<typeof planRollback> =>
    planRollback(name, FILES, ROWS, only('003-c'), NOTHING)

  test('so dev alone is refused, prod alone and both are not', () => {
    expect(codes(findHeldLater(columns, [plan('dev')]))).toEqual(['block rollback/held-later'])
    expect(findHeldLater(columns, [plan('prod')])).toEqual([])
    expect(findHeldLater(columns, [plan('prod'), plan('dev')])).toEqual([])
  })
})
