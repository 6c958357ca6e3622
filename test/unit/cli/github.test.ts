import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { reportToGitHub } from '../../../src/cli/github.ts'
import { renderError } from '../../../src/cli/output/errors.ts'
import { createRedactor } from '../../../src/cli/output/redactor.ts'
import { createWriter } from '../../../src/cli/output/writer.ts'
import { MigrationManagerError, ProblemsError } from '../../../src/core/errors.ts'
import type { Finding } from '../../../src/core/finding.ts'
import { buildMatrix } from '../../../src/core/matrix.ts'
import type { Matrix } from '../../../src/core/matrix.ts'
import type { Summary } from '../../../src/reporters/github.ts'
import { environmentOf, migrationsOf, rowOf } from '../core/samples.ts'

/** The lines that the runner of GitHub Actions is given, and the summary page. */
function reported(summary: Summary, env: Readonly<Record<string, string>> = {}): { lines: string[]; page: string } {
  const folder = mkdtempSync(join(tmpdir(), 'mm-github-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const page = join(folder, 'page.md')
  const all = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: page, ...env }
  let text = ''
  const stream = {
    on: () => undefined,
    write(chunk: string, callback: () => void) {
      text += chunk
      callback()
      return true
    },
  }
  reportToGitHub(summary, createWriter({ stdout: stream, stderr: stream, redactor: createRedactor(), env: all }), all)
  let written = ''
  try {
    written = readFileSync(page, 'utf8')
  } catch {
    // Nothing was to be told.
  }
  return { lines: text.split('\n').slice(0, -1), page: written }
}

const FINDING: Finding = {
  code: 'verify/false',
  severity: 'block',
  message: 'It does not hold.',
  migration: '001-a',
  at: { file: 'database/001-a.sql', line: 3, column: 5 },
}

test('in a monorepo annotations named files from the working directory, which GitHub takes from the root', () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'mm-workspace-')))
  onTestFinished(() => rmSync(root, { recursive: true }))
  mkdirSync(join(root, 'services', 'shop'), { recursive: true })
  const before = process.cwd()
  process.chdir(join(root, 'services', 'shop'))
  onTestFinished(() => process.chdir(before))
  const outside = { ...FINDING, at: { file: '../../../elsewhere/001-a.sql', line: 3, column: 5 } }

  const { lines } = reported({ findings: [FINDING, outside], errors: [] }, { GITHUB_WORKSPACE: root })

  expect(lines).toEqual([
    '::error title=verify/false,file=services/shop/database/001-a.sql,line=3,col=5::It does not hold.',
    '::error title=verify/false::It does not hold.',
  ])
})

test('in a container the workspace may be a folder of the host: files stay as they are', () => {
  const { lines } = reported({ findings: [FINDING], errors: [] }, { GITHUB_WORKSPACE: '/nowhere/on/this/machine' })
  expect(lines).toEqual(['::error title=verify/false,file=database/001-a.sql,line=3,col=5::It does not hold.'])
})

test('without a workspace files are as they are, and a finding without a line is on its file', () => {
  const { at: _, ...placeless } = FINDING
  const files = new Map([['001-a', 'database/001-a.sql']])

  expect(reported({ files, findings: [FINDING, { ...placeless, severity: 'warn' }], errors: [] }).lines).toEqual([
    '::error title=verify/false,file=database/001-a.sql,line=3,col=5::It does not hold.',
    '::warning title=verify/false,file=database/001-a.sql,line=1,col=1::It does not hold.',
  ])
})

test('several problems were one annotation, without their places and hints', () => {
  const first = new MigrationManagerError('migration/unreadable', 'One.', {
    hint: 'Mend it.',
    at: { file: 'database/001-a.sql', line: 2, column: 1 },
  })
  const summary = {
    findings: [],
    errors: [new ProblemsError([first, { code: 'migration/bad-name', message: 'Two.' }])],
  }

  const { lines, page } = reported(summary)

  expect(lines).toEqual([
    '::error title=migration/unreadable,file=database/001-a.sql,line=2,col=1::One.%0AMend it.',
    '::error title=migration/bad-name::Two.',
  ])
  expect(page).toBe('### Migrations\n\n- **migration/unreadable** One.\n- **migration/bad-name** Two.\n\n')
})

test('a file with a bad name is annotated at its beginning, and no line of it is shown elsewhere', () => {
  const error = new ProblemsError([{ code: 'migration/bad-name', message: 'Bad.', file: 'database/x.sql' }])

  expect(reported({ findings: [], errors: [error] }).lines).toEqual([
    '::error title=migration/bad-name,file=database/x.sql,line=1,col=1::Bad.',
  ])
  expect(renderError(error, { paint: (_, text) => text, width: 80, all: false, redact: (text) => text })).toBe(
    'error migration/bad-name\n  Bad.',
  )
})

test('the commands of a release show one matrix on the summary page, and each its own findings', () => {
  const migrations = migrationsOf('001-a', '002-b')
  const matrixOf = (...applied: readonly string[]): Matrix =>
    buildMatrix(
      [{ dir: 'database', migrations }],
      [{ environment: environmentOf('dev'), history: applied.map((name) => rowOf(name)) }],
    )
  const folder = mkdtempSync(join(tmpdir(), 'mm-release-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const env = { GITHUB_STEP_SUMMARY: join(folder, 'release.md') }
  const after = { matrix: matrixOf('001-a', '002-b'), errors: [] }

  reported({ matrix: matrixOf('001-a'), findings: [], errors: [] }, env)
  reported({ ...after, findings: [] }, env)
  reported({ ...after, findings: [] }, env)
  reported({ ...after, findings: [FINDING] }, env)

  const page = readFileSync(env.GITHUB_STEP_SUMMARY, 'utf8')
  expect(page.match(/^\| 002-b \|.*$/gm)).toEqual(['| 002-b | pending |', '| 002-b | ✓ |'])
  expect(page.endsWith('| 002-b | ✓ |\n\n### Migrations\n\n- **verify/false** It does not hold.\n\n')).toBe(true)
})

test('where there is nothing to tell, nothing is on the summary page', () => {
  expect(reported({ findings: [], errors: [] })).toEqual({ lines: [], page: '' })
  expect(reported({ findings: [FINDING], errors: [] }, { GITHUB_ACTIONS: 'false' })).toEqual({ lines: [], page: '' })
})
