import { describe, expect, test } from 'vitest'
import { explainFindings } from '../../../src/core/explanation.ts'
import type { Finding } from '../../../src/core/finding.ts'
import { SEARCH } from '../../../src/core/provenance.ts'
import type { Change, FileVersion, GitGap } from '../../../src/core/provenance.ts'

const VERSION: FileVersion = {
  commit: '1f0c93ab'.padEnd(40, '0'),
  author: 'Ana',
  date: new Date('2026-11-01T08:00:00Z'),
  subject: 'Add b',
  file: 'database/002-b.sql',
  isMoved: false,
  text: 'SELECT 1;\n',
}

function changeOf(file: string, version: Partial<FileVersion> = {}): Change {
  return {
    migration: '002-b',
    current: { version: '002', name: '002-b', file, checksum: 'sha256:2', up: '', down: null, lines: 1 },
    file,
    checksum: 'sha256:1',
    environments: ['prod'],
    provenance: { found: true, version: { ...VERSION, ...version } },
  }
}

function findingOf(file: string, more: Partial<Finding> = {}): Finding {
  return {
    code: 'history/changed',
    severity: 'block',
    environment: 'prod',
    migration: '002-b',
    message: 'It was edited.',
    hint: `Put it back (${SEARCH.edited(file)}).`,
    ...more,
  }
}

describe('a finding about an edited file', () => {
  test('names the commit that ran and the command that brings it back', () => {
    const file = 'database/002-b.sql'

    const [finding] = explainFindings([findingOf(file)], [changeOf(file)])

    expect(finding?.message).toBe('It was edited. What ran in prod is commit 1f0c93ab of 2026-11-01 by Ana ("Add b").')
    expect(finding?.hint).toBe(
      'See the difference: migration-manager history --migration 002-b --diff. Put it back (git checkout 1f0c93ab -- database/002-b.sql).',
    )
  })

  test.each([
    ['a space', 'my files/002-b.sql', {}, "git checkout 1f0c93ab -- 'my files/002-b.sql'"],
    ['a quote', "ana's/002-b.sql", {}, String.raw`git checkout 1f0c93ab -- 'ana'\''s/002-b.sql'`],
    ['a pattern of a replacement', '$&/002-b.sql', {}, "git checkout 1f0c93ab -- '$&/002-b.sql'"],
    [
      'another path at the time',
      'database/002-b.sql',
      { file: 'old sql/002-b.sql', isMoved: true },
      "git show '1f0c93ab:old sql/002-b.sql' > database/002-b.sql",
    ],
  ])('has a command that a shell understands for a path with %s', (_what, file, version, command) => {
    const [finding] = explainFindings([findingOf(file)], [changeOf(file, version)])

    expect(finding?.hint).toContain(`Put it back (${command}).`)
  })
})

describe('a finding about a file of which git knows nothing', () => {
  const file = 'database/002-b.sql'
  const explain = (gap: GitGap, hint: string): string | undefined =>
    explainFindings(
      [findingOf(file, { code: 'history/missing-file', hint })],
      [{ ...changeOf(file), provenance: { found: false, gap } }],
    )[0]?.hint

  test.each(['no-git', 'no-repository', 'not-trusted', 'not-committed'] as const)(
    'does not advise to look with git where that finds nothing: %s',
    (gap) => {
      expect(explain(gap, `Put it back (${SEARCH.edited(file)}) and go on.`)).toBe('Put it back and go on.')
      expect(explain(gap, `Bring it back (${SEARCH.gone('002-b')}).`)).toBe('Bring it back.')
    },
  )

  test.each(['shallow-clone', 'partial-clone', 'timed-out', 'too-large', 'failed'] as const)(
    'keeps the advice where a person may still find it: %s',
    (gap) => {
      const hint = `Put it back (${SEARCH.edited(file)}).`
      expect(explain(gap, hint)).toBe(hint)
    },
  )
})

describe('where git has no version of what ran', () => {
  const file = 'database/002-b.sql'

  function hintFor(gap: GitGap, more: Partial<Finding> = {}): string | undefined {
    return explainFindings([findingOf(file, more)], [{ ...changeOf(file), provenance: { found: false, gap } }])[0]?.hint
  }

  test.each(['not-committed', 'no-repository'] as const)(
    'the hint offers no search in git, but names the repair of a draft that ran: %s',
    (gap) => {
      expect(hintFor(gap)).toBe(
        'Put it back. If what ran did nothing (an empty file), or you have undone it by hand, say that it is not applied: migration-manager repair mark-not-applied 002-b --env prod --reason "…". Then sync runs the file as it is now.',
      )
    },
  )

  test('the hint stays where git could still find it, and where the file is gone', () => {
    expect(hintFor('shallow-clone')).toBe('Put it back (git log -- database/002-b.sql).')
    expect(hintFor('not-committed', { code: 'history/missing-file', hint: 'Bring it back.' })).toBe('Bring it back.')
  })
})

test('findings about another environment, another migration or another matter stay as they are', () => {
  const file = 'database/002-b.sql'
  const others = [
    findingOf(file, { environment: 'dev' }),
    findingOf(file, { migration: '001-a' }),
    findingOf(file, { code: 'history/out-of-order' }),
  ]

  expect(explainFindings(others, [changeOf(file)])).toEqual(others)
})
