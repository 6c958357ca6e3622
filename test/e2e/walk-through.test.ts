import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import type { TestProject } from '../support/cli.ts'
import { commitAll, git } from '../support/git.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

/*
 * The page "When a release goes wrong", done: what stands there is what is on the screen. What is lost in the middle
 * (a connection, a step) is held by test/faults and test/e2e/steps.test.ts; here are the stories that go the same way
 * every time.
 */

const ROOT = join(import.meta.dirname, '..', '..')
const PAGE = readFileSync(join(ROOT, 'docs', 'when-a-release-goes-wrong.md'), 'utf8')

const COUPONS = `-- Coupons that a user can redeem once
CREATE TABLE coupons (
  code       text PRIMARY KEY,
  percent    int NOT NULL CHECK (percent BETWEEN 1 AND 100),
  created_by uuid REFERENCES users (id)
);
ALTER TABLE coupons ENABLE ROW LEVEL SECURITY;

-- Rollback:
-- DROP TABLE coupons;
`

/** What the page shows for a command in one of its sections, as comparable lines. */
function shown(section: string, command: string): readonly string[] {
  const text = PAGE.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? ''
  const blocks = [...text.matchAll(/^```\n([^]*?)^```$/gm)].flatMap(([, block = '']) => block.split(/^\$ /m))
  const found = blocks.find((block) => block.startsWith(`migration-manager ${command}\n`))
  expect(found, `${section}: ${command}`).toBeDefined()
  return comparable(found ?? '').slice(1)
}

/** Lines without what is another every time: times, durations, commits, people, and the width of columns. */
function comparable(text: string): readonly string[] {
  return text
    .replaceAll(/\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?/g, 'THEN')
    .replaceAll(/\d+(?:\.\d)? (?:ms|s)\b/g, 'SO LONG')
    .replaceAll(/\b[0-9a-f]{8}\b/g, 'COMMIT')
    .replaceAll(/\S+ as postgres/g, 'SOMEBODY as postgres')
    .split('\n')
    .map((line) => line.replaceAll(/ +/g, ' ').trimEnd())
    .filter((line) => line !== '' && line !== '…')
}

/** Runs a command of a section and expects every line of the page, in this order, and this exit code. */
async function follow(project: TestProject, section: string, command: string, exitCode: number): Promise<void> {
  const result = await project.run(command.split(' '))
  const lines = comparable(`${result.stderr}\n${result.stdout}`)
  let at = 0
  for (const line of shown(section, command)) {
    const found = lines.indexOf(line, at)
    expect(found, `"${line}" of ${command}, after line ${at} of:\n${lines.join('\n')}`).toBeGreaterThanOrEqual(0)
    at = found + 1
  }
  expect(result.exitCode).toBe(exitCode)
}

interface Ground extends AsyncDisposable {
  readonly prod: TestDatabase
  readonly project: TestProject
}

/** The sample in two environments, and what is added to it. */
async function prepareGround(files: Readonly<Record<string, string>> = {}): Promise<Ground> {
  const dev = await createDatabase('dev')
  const prod = await createDatabase('prod')
  const sample = readdirSync(join(ROOT, 'database')).filter((name) => name.endsWith('.sql'))
  const texts = sample.map((name) => [`database/${name}`, readFileSync(join(ROOT, 'database', name), 'utf8')] as const)
  const project = createProject({
    files: { ...Object.fromEntries(texts), ...files },
    env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url },
  })
  commitAll(project.dir, 'Add coupons')
  expect((await project.run(['sync', '--yes'])).exitCode).toBe(0)
  return {
    prod,
    project,
    async [Symbol.asyncDispose]() {
      await Promise.all([dev.drop(), prod.drop(), project[Symbol.asyncDispose]()])
    },
  }
}

test('a migration fails', async () => {
  await using ground = await prepareGround()
  ground.project.write('database/005-coupons.sql', COUPONS.replace('users (id)', 'user (id)'))

  await follow(ground.project, 'A migration fails', 'sync --yes', 1)
  await follow(ground.project, 'A migration fails', 'history --failed', 0)

  ground.project.write('database/005-coupons.sql', COUPONS)
  expect((await ground.project.run(['sync', '--yes'])).exitCode).toBe(0)
})

test('a release has to be taken back', async () => {
  await using ground = await prepareGround({
    'database/005-coupons.sql': COUPONS,
    'database/006-usage-totals.sql':
      'CREATE TABLE usage_totals (day date);\n-- Rollback:\n-- DROP TABLE usage_totals;\n',
    'database/007-usage-averages.sql':
      'CREATE TABLE usage_averages (day date);\n-- Rollback:\n-- DROP TABLE usage_averages;\n',
  })

  await follow(ground.project, 'A release has to be taken back', 'rollback --to 005 --dry-run', 0)
  await follow(ground.project, 'A release has to be taken back', 'rollback --to 005 --yes', 0)

  ground.project.remove('database/006-usage-totals.sql')
  ground.project.remove('database/007-usage-averages.sql')
  expect((await ground.project.run(['status', '--check'])).exitCode).toBe(0)
})

test('a file was edited after it ran', async () => {
  await using ground = await prepareGround({ 'database/005-coupons.sql': COUPONS })
  const { project } = ground
  project.write('database/005-coupons.sql', COUPONS.replace('AND 100', 'AND 50'))
  const commit = git(project.dir, 'rev-parse', 'HEAD')

  await follow(project, 'A file was edited after it ran', 'sync --yes', 4)
  const section = 'A file was edited after it ran'
  const command = 'history --migration 005 --diff'
  // The failed attempt on the page is of the story before.
  const failed = shown(section, command).filter((line) => line.includes('failed'))
  const result = await project.run(command.split(' '))
  expect(failed).toHaveLength(1)
  expect(comparable(result.stdout)).toEqual(shown(section, command).filter((line) => !failed.includes(line)))

  git(project.dir, 'checkout', commit, '--', 'database/005-coupons.sql')
  await follow(project, section, 'status --check', 0)
})

test('the record was changed', async () => {
  await using ground = await prepareGround({ 'database/005-coupons.sql': COUPONS })
  const edited = "UPDATE schema_migrations_log SET git_commit = repeat('0', 40) WHERE migration_name = '005-coupons'"
  await ground.prod.query(edited)

  const result = await ground.project.run(['history', '--check'])

  const anyCount = (line: string): string => line.replace(/\d+ rows/, 'ROWS')
  expect(result.exitCode).toBe(4)
  expect(comparable(result.stdout).map(anyCount)).toEqual(
    shown('The record was changed', 'history --check').map(anyCount),
  )
})
