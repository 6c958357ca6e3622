import { describe, expect, test } from 'vitest'
import { explainFindings } from '../../../src/core/explanation.ts'
import type { Finding } from '../../../src/core/finding.ts'
import { planSync } from '../../../src/core/plan.ts'
import { SEARCH } from '../../../src/core/provenance.ts'
import { planRollback } from '../../../src/core/rollback-plan.ts'
import { describeEditedRollback } from '../../../src/core/rollback.ts'
import { quoted } from '../../../src/core/shell.ts'
import { migrationsOf, rowOf } from './samples.ts'

test.each([
  ['001-initial_setup', '001-initial_setup'],
  ['database/001-a.sql', 'database/001-a.sql'],
  ['', "''"],
  ['001-x&touch pwn', "'001-x&touch pwn'"],
  ['001-x#(~)!', "'001-x#(~)!'"],
  ["1';id;'", String.raw`'1'\'';id;'\'''`],
])('the shell reads %j as one word', (word, expected) => {
  expect(quoted(word)).toBe(expected)
})

const HOSTILE = '001-x&touch pwn'
const WORD = `'${HOSTILE}'`
const EDITED = { checksum: 'sha256:edited' } as const
const BEGUN = { status: 'started', appliedAt: null, durationMs: null, step: 2 } as const
const HALF_BACK = { ...BEGUN, step: -3 } as const

function sync(files: readonly string[], row: Parameters<typeof rowOf>[1]): readonly Finding[] {
  return planSync('dev', migrationsOf(...files), [rowOf(HOSTILE, row)], { allow: new Set() }).findings
}

function rollback(row: Parameters<typeof rowOf>[1]): readonly Finding[] {
  const selection = { kind: 'names', names: new Set([HOSTILE]) } as const
  return planRollback('dev', migrationsOf(HOSTILE), [rowOf(HOSTILE, row)], selection, new Set()).findings
}

describe('a command in a hint runs nothing that stands in the name of a migration', () => {
  test.each([
    ['that was edited', sync([HOSTILE], EDITED), `repair accept-checksum ${WORD} --env`],
    ['that was edited half-way', sync([HOSTILE], { ...BEGUN, ...EDITED }), `repair abandon ${WORD} --env`],
    ['that is gone half-way', sync([], BEGUN), `repair abandon ${WORD} --env`],
    ['that is gone half-way back', sync([], HALF_BACK), `repair finish ${WORD} --env`],
    ['that was never finished', sync([HOSTILE], { ...BEGUN, step: null }), `repair finish ${WORD} --env`],
    ['that a rollback finds half-way', rollback(BEGUN), `repair abandon ${WORD} --env`],
    ['whose rollback was edited', [describeEditedRollback(HOSTILE, 'd/a b.sql', 'dev', 2)], `repair finish ${WORD} --`],
    ['whose rollback lies at a path', [describeEditedRollback(HOSTILE, 'a&b.sql', 'dev', 2)], "git log -- 'a&b.sql'"],
  ])('%s', (_what, findings, command) => {
    expect(findings.map(({ hint }) => hint)).toContainEqual(expect.stringContaining(command))
  })

  test('that a database has and no file', () => {
    expect(SEARCH.gone("1';id;'")).toBe(String.raw`git log --all -- '*1'\'';id;'\''.sql'`)
    expect(SEARCH.gone('001-a')).toBe("git log --all -- '*001-a.sql'")
  })

  test('whose difference can be shown', () => {
    const [current] = migrationsOf(HOSTILE)
    if (current === undefined) throw new Error('no file')
    const version = {
      commit: '1f0c93ab'.padEnd(40, '0'),
      author: 'Ana',
      date: new Date(0),
      subject: 'Add x',
      file: current.file,
      isMoved: false,
      text: '',
    }
    const change = {
      migration: HOSTILE,
      current,
      file: current.file,
      checksum: 'sha256:edited',
      environments: ['dev'],
      provenance: { found: true, version },
    } as const

    const [finding] = explainFindings(sync([HOSTILE], EDITED), [change])

    expect(finding?.hint).toContain(`history --migration ${WORD} --diff`)
    expect(finding?.hint).toContain(`git checkout 1f0c93ab -- 'database/${HOSTILE}.sql'`)
  })
})
