import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import type { Parsed, TestProject } from '../support/cli.ts'
import { commitAll, git } from '../support/git.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const RAN = 'CREATE TABLE b (id int);\n'
const NOW = 'CREATE TABLE b (id bigint);\n'

interface Ground extends AsyncDisposable {
  readonly dev: TestDatabase
  readonly project: TestProject
}

/** One environment that has run two migrations; the folder is no repository yet. */
async function prepareGround(text = RAN): Promise<Ground> {
  const dev = await createDatabase('dev')
  const project = createProject({
    files: { 'database/001-a.sql': 'CREATE TABLE a (id int);\n', 'database/002-b.sql': text },
    env: { DATABASE_URL: dev.url },
  })
  const synced = await project.run(['sync'])
  expect(synced.exitCode).toBe(0)
  return {
    dev,
    project,
    async [Symbol.asyncDispose]() {
      await Promise.all([dev.drop(), project[Symbol.asyncDispose]()])
    },
  }
}

interface Look {
  readonly finding: Parsed
  readonly change: Parsed
  readonly text: string
}

/** The one finding of a run of status, and its one change. */
async function look(project: TestProject, cwd = '.'): Promise<Look> {
  const json = (await project.run(['status', '--diff', '--json'], { cwd })).json()
  expect(json['findings']).toHaveLength(1)
  expect(json['changes']).toHaveLength(1)
  const text = await project.run(['status', '--diff'], { cwd })
  return { finding: json['findings'][0], change: json['changes'][0], text: text.stdout }
}

describe('what ran', () => {
  test('in a commit of a date that is none is named without it', async () => {
    await using ground = await prepareGround()
    const { project } = ground
    const first = commitAll(project.dir, 'Add b')
    const tree = git(project.dir, 'rev-parse', `${first}^{tree}`)
    project.write(
      'commit',
      `tree ${tree}\nauthor Ana <ana@example.com> 400000000000 +0000\ncommitter Ana <ana@example.com> 1700000000 +0000\n\nAdd b\n`,
    )
    const commit = git(project.dir, 'hash-object', '-t', 'commit', '-w', 'commit')
    git(project.dir, 'reset', '-q', '--soft', commit)
    git(project.dir, 'reflog', 'expire', '--expire=now', '--all')
    project.remove('commit')
    project.write('database/002-b.sql', NOW)

    const { finding, text } = await look(project)

    expect(finding['message']).toContain(`What ran in dev is commit ${commit.slice(0, 8)} by Ana ("Add b").`)
    expect(finding['git']).toMatchObject({ found: true, commit, date: null })
    expect(text).toContain(commit.slice(0, 8))
  })

  test('is named with its commit wherever an edited file is, and --diff shows the difference', async () => {
    await using ground = await prepareGround()
    const { project } = ground
    const commit = commitAll(project.dir, 'Add b')
    project.write('database/002-b.sql', NOW)
    commitAll(project.dir, 'Make it a bigint')

    const { finding, change, text } = await look(project)
    const blocked = await project.run(['sync', '--json'])
    const plan = await project.run(['plan'])
    const rollback = await project.run(['rollback', '--json'])
    const verify = await project.run(['verify', '--json'])
    const history = await project.run(['history', '--migration', '2', '--diff', '--json'])
    const other = await project.run(['history', '--migration', '1', '--diff'])

    const version = {
      found: true,
      commit,
      author: 'Ana',
      date: '2026-11-01T08:00:00.000Z',
      subject: 'Add b',
      file: 'database/002-b.sql',
    }
    const diff = '@@ -1 +1 @@\n-CREATE TABLE b (id int);\n+CREATE TABLE b (id bigint);'
    expect(finding).toMatchObject({
      code: 'history/changed',
      git: version,
      message: expect.stringContaining(
        `What ran in dev is commit ${commit.slice(0, 8)} of 2026-11-01 by Ana ("Add b").`,
      ),
      hint: expect.stringContaining(`(git checkout ${commit.slice(0, 8)} -- database/002-b.sql)`),
    })
    expect(change).toMatchObject({ migration: '002-b', environments: ['dev'], git: version, diff })
    expect(text).toContain(diff)
    expect(blocked.exitCode).toBe(4)
    expect(blocked.json()['findings']).toMatchObject([{ code: 'history/changed', git: version }])
    expect(plan.stdout).toContain(commit.slice(0, 8))
    expect(verify.json()['findings']).toMatchObject([{ code: 'history/changed', git: version }])
    expect(rollback.json()['findings'].filter(({ git: known }: { git?: unknown }) => known !== undefined)).toHaveLength(
      1,
    )
    expect(history.json()['changes']).toEqual([change])
    expect(other.stdout).toContain('Every file is what ran.')
  })

  test('comes back with the command of the hint', async () => {
    await using ground = await prepareGround()
    commitAll(ground.project.dir, 'Add b')
    ground.project.write('database/002-b.sql', NOW)
    commitAll(ground.project.dir, 'Make it a bigint')

    const { finding } = await look(ground.project)
    const [, args = ''] = /\(git (checkout [^)]+)\)/.exec(finding['hint']) ?? []
    git(ground.project.dir, ...args.split(' '))

    expect((await ground.project.run(['status', '--check'])).exitCode).toBe(0)
  })

  test('is found behind an amend, and in other line endings', async () => {
    await using ground = await prepareGround('CREATE TABLE b (\n  id int\n);\n')
    const { project } = ground
    project.write('database/002-b.sql', '\uFEFFCREATE TABLE b (\r\n  id int\r\n);\r\n')
    const commit = commitAll(project.dir, 'Add b')
    project.write('database/002-b.sql', 'CREATE TABLE b (\n  id bigint\n);\n')
    git(project.dir, 'commit', '-q', '-a', '--amend', '-m', 'Add b, better')

    const { finding, change } = await look(project)

    expect(finding).toMatchObject({ git: { found: true, commit, subject: 'Add b' } })
    expect(change).toMatchObject({ diff: '@@ -1,3 +1,3 @@\n CREATE TABLE b (\n-  id int\n+  id bigint\n );' })
  })

  test('is found on another branch', async () => {
    await using ground = await prepareGround()
    const { project } = ground
    project.write('database/002-b.sql', NOW)
    commitAll(project.dir, 'Make it a bigint')
    git(project.dir, 'checkout', '-q', '-b', 'side')
    project.write('database/002-b.sql', RAN)
    const commit = commitAll(project.dir, 'Make it an int')
    git(project.dir, 'checkout', '-q', '-')

    const { finding } = await look(project)

    expect(finding).toMatchObject({ git: { found: true, commit } })
  })

  test('is found under the path that it had, and the hint does not bring that path back', async () => {
    await using ground = await prepareGround()
    const { project } = ground
    project.write('sql/002-b.sql', RAN)
    project.remove('database')
    const commit = commitAll(project.dir, 'In sql')
    project.write('database/001-a.sql', 'CREATE TABLE a (id int);\n')
    project.write('database/002-b.sql', `${RAN}-- a word more\n`)
    project.remove('sql')
    commitAll(project.dir, 'In database')

    const { finding } = await look(project)

    expect(finding).toMatchObject({
      git: { commit, file: 'sql/002-b.sql' },
      hint: expect.stringContaining(`(git show ${commit.slice(0, 8)}:sql/002-b.sql > database/002-b.sql)`),
    })
  })

  test('of a file that is gone is named with the command that brings it back', async () => {
    await using ground = await prepareGround()
    const { project } = ground
    const commit = commitAll(project.dir, 'Add b')
    project.remove('database/002-b.sql')
    commitAll(project.dir, 'Remove b')

    const { finding, change } = await look(project)

    expect(finding).toMatchObject({
      code: 'history/missing-file',
      git: { commit },
      hint: expect.stringContaining(`git checkout ${commit.slice(0, 8)} -- database/002-b.sql`),
    })
    expect(change).toMatchObject({ git: { commit }, diff: null })
  })

  test('of a migration that was begun and edited in its middle is named, too', async () => {
    await using ground = await prepareGround()
    const { project, dev } = ground
    project.write('database/003-c.sql', 'CREATE INDEX CONCURRENTLY i ON a (id);\nVACUUM b;\n')
    const commit = commitAll(project.dir, 'Add c')
    await project.run(['sync'])
    await dev.query(
      "UPDATE schema_migrations SET status = 'started', applied_at = NULL, step = 1 WHERE migration_name = '003-c'",
    )
    project.write('database/003-c.sql', 'CREATE INDEX CONCURRENTLY i ON a (id);\nVACUUM a;\n')

    const { finding, change } = await look(project)

    expect(finding).toMatchObject({
      code: 'history/unfinished',
      severity: 'block',
      git: { commit },
      hint: expect.stringContaining(`git checkout ${commit.slice(0, 8)} -- database/003-c.sql`),
    })
    expect(change).toMatchObject({ diff: expect.stringContaining('-VACUUM b;\n+VACUUM a;') })
  })

  test('is told apart between environments', async () => {
    await using ground = await prepareGround()
    await using prod = await createDatabase('prod')
    const { project } = ground
    const first = commitAll(project.dir, 'Add b')
    project.write('database/002-b.sql', NOW)
    const second = commitAll(project.dir, 'Make it a bigint')
    const both = { env: { PROD_DATABASE_URL: prod.url } }
    const allowed = ['sync', '--yes', '--allow', 'history/changed,history/not-promoted']
    expect((await project.run(allowed, both)).exitCode).toBe(0)
    project.write('database/002-b.sql', 'CREATE TABLE b (id text);\n')

    const json = (await project.run(['status', '--diff', '--json'], both)).json()

    expect(json['changes']).toMatchObject([
      { environments: ['dev'], git: { commit: first } },
      { environments: ['prod'], git: { commit: second } },
    ])
    const found = json['findings'].map(({ code, git: known }: { code: string; git: { commit: string } }) => [
      code,
      known.commit,
    ])
    expect(found).toEqual([
      ['history/changed', first],
      ['history/changed', second],
      ['history/differs-between-environments', second],
    ])
  })
})

describe('what ran is said to be unknown', () => {
  test.each([
    ['where there is no repository', 'no-repository', 'in no git repository', () => {}],
    [
      'where it was never committed',
      'not-committed',
      'never committed',
      (project: TestProject): void => {
        project.write('database/002-b.sql', NOW)
        commitAll(project.dir, 'Too late')
      },
    ],
  ])('%s', async (_where, reason, words, prepare) => {
    await using ground = await prepareGround()
    prepare(ground.project)
    ground.project.write('database/002-b.sql', NOW)

    const { finding, change, text } = await look(ground.project)

    expect(finding).toMatchObject({ git: { found: false, reason }, message: expect.stringContaining(words) })
    expect(finding['hint']).toContain('migration-manager repair mark-not-applied 002-b --env dev')
    expect(finding['hint']).not.toContain('git log')
    expect(change).toMatchObject({ git: { found: false, reason }, diff: null })
    expect(text).toContain(words)
  })

  test('where git is not installed', async () => {
    await using ground = await prepareGround()
    ground.project.write('database/002-b.sql', NOW)
    const bare = { env: { PATH: join(ground.project.dir, 'no-programs') } }

    const result = await ground.project.run(['status', '--diff', '--json'], bare)

    expect(result.exitCode).toBe(0)
    expect(result.json()['findings']).toMatchObject([{ git: { found: false, reason: 'no-git' } }])
  })

  test('where git does not answer', async () => {
    await using ground = await prepareGround()
    const { project } = ground
    commitAll(project.dir, 'Add b')
    project.write('database/002-b.sql', NOW)
    project.write('database/003-c.sql', 'SELECT 1;\n')
    // Its child keeps the pipe open when it is ended.
    project.write('bin/git', '#!/bin/sh\nsleep 30\n')
    chmodSync(join(project.dir, 'bin/git'), 0o755)
    const env = { PATH: `${join(project.dir, 'bin')}:${process.env['PATH']}` }

    const status = await project.run(['status', '--json'], { env })
    const synced = await project.run(['sync', '--allow', 'history/changed', '--json'], { env })
    const log = await project.run(['history', '--migration', '3', '--json'])

    expect(status.json()['findings']).toMatchObject([{ git: { found: false, reason: 'timed-out' } }])
    expect(synced.exitCode).toBe(0)
    expect(log.json()['environments'][0].entries).toMatchObject([{ migration: '003-c', gitDirty: null }])
  })

  test('in a partial clone, which is not made to fetch anything', async () => {
    await using ground = await prepareGround()
    const { project } = ground
    commitAll(project.dir, 'Add b')
    project.write('database/002-b.sql', NOW)
    commitAll(project.dir, 'Make it a bigint')
    git(project.dir, 'config', 'uploadpack.allowFilter', 'true')
    git(project.dir, 'clone', '-q', '--filter=blob:none', `file://${project.dir}`, 'clone')

    const { finding, text } = await look(project, 'clone')

    expect(finding).toMatchObject({ git: { found: false, reason: 'partial-clone' } })
    expect(text).toContain('git fetch --refetch --no-filter')
  })

  test('in a shallow clone, which says how to get the rest', async () => {
    await using ground = await prepareGround()
    const { project } = ground
    commitAll(project.dir, 'Add b')
    project.write('database/002-b.sql', NOW)
    commitAll(project.dir, 'Make it a bigint')
    git(project.dir, 'clone', '-q', '--depth', '1', `file://${project.dir}`, 'clone')

    const shallow = await look(project, 'clone')
    git(join(project.dir, 'clone'), 'fetch', '-q', '--unshallow')
    const whole = await look(project, 'clone')

    expect(shallow.finding).toMatchObject({ git: { found: false, reason: 'shallow-clone' } })
    expect(shallow.text).toContain('git fetch --unshallow')
    expect(whole.finding).toMatchObject({ git: { found: true, subject: 'Add b' } })
  })
})

test('a repository’s configuration and attributes start no program, and a text that it holds commands no terminal', async () => {
  await using ground = await prepareGround()
  const { project } = ground
  commitAll(project.dir, 'Add b \u001B[2J')
  project.write('database/002-b.sql', '-- \u001B]0;owned\u0007\nCREATE TABLE b (id bigint);\n')
  project.write('.gitattributes', '*.sql filter=evil diff=evil\n')
  const trap = `touch ${join(project.dir, 'sprung')}; cat`
  for (const name of [
    'core.fsmonitor',
    'core.pager',
    'core.sshCommand',
    'pager.log',
    'diff.external',
    'diff.evil.command',
    'diff.evil.textconv',
    'filter.evil.clean',
    'filter.evil.smudge',
    'gpg.program',
    'interactive.diffFilter',
  ]) {
    git(project.dir, 'config', name, trap)
  }
  git(project.dir, 'config', 'log.showSignature', 'true')
  project.write('database/003-c.sql', 'SELECT 1;\n')

  const { finding, text } = await look(project)
  const synced = await project.run(['sync', '--allow', 'history/changed'])

  expect(finding).toMatchObject({ git: { found: true } })
  expect(text).toContain(String.raw`+-- \x1b]0;owned\x07`)
  expect(text + synced.stdout).not.toContain('\u001B')
  expect(synced.exitCode).toBe(0)
  expect(() => project.read('sprung')).toThrow('ENOENT')
})

test('a connection string’s password is not shown: not in a difference, above it, or in a commit', async () => {
  // Git shows the first 80 bytes of the nearest line above a difference, which would end within the password.
  const long = `DO $$ /*${' '.repeat(60)}lighthouse-7-canary */ BEGIN END $$;\n`
  const text = `${long}${'SELECT 1;\n'.repeat(8).replaceAll('S', ' S')}${RAN}`
  await using ground = await prepareGround(text)
  const { project } = ground
  commitAll(project.dir, `Add b ${'x'.repeat(45)} lighthouse-7-canary`)
  project.write('database/002-b.sql', `${text}CREATE ROLE r PASSWORD 'lighthouse-7-canary';\n`)
  const env = { STAGING_DATABASE_URL: 'postgresql://u:lighthouse-7-canary@127.0.0.1:1/nowhere' }

  const results = [
    await project.run(['status', '--diff'], { env }),
    await project.run(['status', '--diff', '--json'], { env }),
  ]

  for (const { stdout, stderr } of results) {
    expect(stdout).toContain('CREATE ROLE r')
    expect(stdout + stderr).not.toContain('light')
  }
})
