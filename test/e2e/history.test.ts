import { chmodSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import type { Parsed, TestProject } from '../support/cli.ts'
import { commitAll } from '../support/git.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

function projectOn(dev: TestDatabase, prod: TestDatabase): TestProject {
  return createProject({
    files: {
      'database/001-a.sql': 'CREATE TABLE a (id int);\n',
      'database/002-b.sql': 'CREATE TABLE b (id int);\n',
    },
    env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url, GITHUB_RUN_ID: '7', CI_JOB_URL: 'https://ci.example/7' },
  })
}

describe('history', () => {
  test('tells for every environment who applied what and when, failed attempts among them', async () => {
    await using dev = await createDatabase('dev')
    await using prod = await createDatabase('prod')
    await using project = projectOn(dev, prod)
    await project.run(['sync', '--yes'])
    project.write('database/003-c.sql', 'CREATE TABLE nonsense (x nonsense);\n')
    await project.run(['sync', '--yes'])

    const all = await project.run(['history', '--json'])
    const failed = await project.run(['history', '--failed', '--json'])
    const one = await project.run(['history', '--migration', '2', '--json'])
    const text = await project.run(['history'])

    expect(all.exitCode).toBe(0)
    const [first, second] = all.json()['environments']
    expect(first.entries.map(({ event, migration }: Record<string, unknown>) => [event, migration])).toEqual([
      ['init', null],
      ['apply', '001-a'],
      ['apply', '002-b'],
      ['fail', '003-c'],
    ])
    expect(first.entries[1]).toMatchObject({ outcome: 'applied', role: 'postgres', ciRun: 'https://ci.example/7' })
    expect(second.entries).toHaveLength(3)
    expect(failed.json()['environments'].map(({ entries }: { entries: unknown[] }) => entries.length)).toEqual([1, 0])
    expect(one.json()['environments'][1].entries).toMatchObject([{ migration: '002-b' }])
    expect(text.stdout).toMatch(/^001-a\n {2}dev .* apply +\d+ ms .*\n {2}prod/m)
    expect(text.stdout).toMatch(/003-c\n {2}dev .*failed \(42704\)/)
  })

  test('names the commit, with a + where the files were not what it holds, and the CI job', async () => {
    await using dev = await createDatabase('dev')
    await using prod = await createDatabase('prod')
    await using project = projectOn(dev, prod)
    const job = { env: { CI_JOB_NAME: 'migrate prod' } }
    const commit = commitAll(project.dir, 'Add a and b')
    await project.run(['sync', '--env', 'dev'], job)
    project.write('database/003-c.sql', 'SELECT 1;\n')
    await project.run(['sync', '--env', 'dev'])
    commitAll(project.dir, 'Add c')
    project.write('database/003-c.sql', 'SELECT 1;\r\n')
    project.write('notes.txt', 'not a migration')
    await project.run(['sync', '--yes'])

    const report = (await project.run(['history', '--check', '--json'])).json()
    const text = await project.run(['history'])
    const rows = await dev.query(`SELECT detail->'by' AS by FROM schema_migrations_log WHERE migration_name = '001-a'`)

    const [first, second] = report['environments']
    const marks = (entries: readonly Parsed[]): unknown =>
      entries.map(({ migration, gitDirty }) => [migration, gitDirty])
    expect(report['intact']).toBe(true)
    expect(marks(first.entries)).toEqual([
      [null, false],
      ['001-a', false],
      ['002-b', false],
      ['003-c', true],
    ])
    expect(marks(second.entries)).toEqual([
      [null, false],
      ['001-a', false],
      ['002-b', false],
      ['003-c', false],
    ])
    expect(first.entries[1]).toMatchObject({ gitCommit: commit, ciJob: 'migrate prod', detail: {} })
    expect(rows).toEqual([{ by: { gitDirty: false, ciJob: 'migrate prod' } }])
    const short = commit.slice(0, 8)
    expect(text.stdout).toMatch(
      new RegExp(`CI job migrate prod as postgres, ${short}  https://ci.example/7\n.*\n002-b`),
    )
    expect(text.stdout).toMatch(new RegExp(`003-c\n  dev .*, ${short}\\+  `))
  })

  test('asks git only when something is written', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({
      files: { 'database/001-a.sql': 'SELECT 1;\n' },
      env: { DATABASE_URL: dev.url },
    })
    commitAll(project.dir, 'Add a')
    project.write('bin/git', `#!/bin/sh\ntouch '${project.dir}/asked'\n`)
    chmodSync(join(project.dir, 'bin/git'), 0o755)
    const env = { PATH: `${join(project.dir, 'bin')}:${process.env['PATH']}` }
    const isAsked = (): boolean => existsSync(join(project.dir, 'asked'))

    await project.run(['status'], { env })
    await project.run(['plan'], { env })
    const before = isAsked()
    const first = await project.run(['sync'], { env })
    const during = isAsked()
    project.remove('asked')
    const second = await project.run(['sync'], { env })

    expect([first.exitCode, second.exitCode]).toEqual([0, 0])
    expect([before, during, isAsked()]).toEqual([false, true, false])
  })

  test('compares how long a migration took, and says where it took much longer', async () => {
    await using dev = await createDatabase('dev')
    await using prod = await createDatabase('prod')
    await using project = projectOn(dev, prod)
    await project.run(['sync', '--yes'])
    const forge = async (database: TestDatabase, ms: number): Promise<unknown> =>
      database.query(`UPDATE schema_migrations_log SET duration_ms = ${ms} WHERE migration_name = '002-b'`)
    await Promise.all([forge(dev, 200), forge(prod, 41_000)])

    const text = await project.run(['history', '--migration', '2'])
    const json = await project.run(['history', '--migration', '2', '--json'])

    expect(text.stdout).toMatch(/^ {2}dev {3}\S+ \S+ {2}apply {2}200 ms {2}\S+ as postgres/m)
    expect(text.stdout).toMatch(/^ {2}prod {2}\S+ \S+ {2}apply {2}41\.0 s {2}205 times dev {2}/m)
    expect(json.json()['durations']).toEqual({ '002-b': { dev: 200, prod: 41_000 } })
  })

  test('is data for a spreadsheet with --csv', async () => {
    await using dev = await createDatabase('dev')
    await using prod = await createDatabase('prod')
    await using project = projectOn(dev, prod)
    await project.run(['sync', '--yes'])

    const { exitCode, stdout } = await project.run(['history', '--csv', '--env', 'dev'])

    expect(exitCode).toBe(0)
    const [head, ...rows] = stdout.trim().split(/\r?\n/)
    expect(head).toBe(
      'environment,id,at,event,migration,outcome,durationMs,role,osUser,gitCommit,ciRun,runId,gitDirty,ciJob',
    )
    expect(rows).toHaveLength(3)
    expect(rows[1]).toMatch(/^dev,2,\d{4}-.*Z,apply,001-a,applied,\d+,postgres,/)
  })

  test('of a fresh database is empty, and whole', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({ env: { DATABASE_URL: dev.url } })

    const result = await project.run(['history', '--check', '--json'])

    expect(result.exitCode).toBe(0)
    expect(result.json()).toMatchObject({ intact: true, environments: [{ name: 'dev', entries: [] }] })
    expect(await dev.query("SELECT to_regclass('schema_migrations_log') AS log")).toEqual([{ log: null }])
  })

  test.each([
    ['edited', "UPDATE schema_migrations_log SET role = 'somebody else' WHERE id = 2", 2],
    ['edited in its detail', `UPDATE schema_migrations_log SET detail = '{"a":1}' WHERE id = 3`, 3],
    ['removed from the middle', 'DELETE FROM schema_migrations_log WHERE id = 2', 3],
    ['removed from the end', 'DELETE FROM schema_migrations_log WHERE id = 3', 3],
    ['removed from the beginning', 'DELETE FROM schema_migrations_log WHERE id = 1', 2],
    ['emptied', 'TRUNCATE schema_migrations_log', 1],
    ['dropped', 'DROP TABLE schema_migrations_log', 1],
    [
      'put in another order',
      'UPDATE schema_migrations_log SET id = -id WHERE id > 1; UPDATE schema_migrations_log SET id = 5 + id WHERE id < 0',
      2,
    ],
    [
      'made to hold a row more',
      "INSERT INTO schema_migrations_log SELECT 4, at, 'rollback', migration_name, checksum, 'done', duration_ms, run_id, role, os_user, git_commit, ci_run, detail, hash, hash FROM schema_migrations_log WHERE id = 3",
      4,
    ],
    [
      'put in another place',
      'UPDATE schema_migrations_log SET id = CASE id WHEN 2 THEN 30 ELSE 20 END WHERE id IN (2, 3)',
      20,
    ],
  ])('--check names the first row of a log that was %s', async (_what, tamper, id) => {
    await using dev = await createDatabase('dev')
    await using prod = await createDatabase('prod')
    await using project = projectOn(dev, prod)
    await project.run(['sync', '--yes'])
    const before = await project.run(['history', '--check'])
    await prod.query(tamper)

    const after = await project.run(['history', '--check', '--json'])

    expect(before.exitCode).toBe(0)
    expect(after.exitCode).toBe(4)
    expect(after.json()['environments']).toMatchObject([
      { name: 'dev', log: { intact: true } },
      { name: 'prod', log: { intact: false, id } },
    ])
  })

  test.each([[['history']], [['history', '--check']], [['history', '--log']]])(
    '%j shows the others where one environment cannot be read',
    async (command) => {
      await using dev = await createDatabase('dev')
      await using project = createProject({
        files: { 'database/001-a.sql': 'CREATE TABLE a (id int);\n' },
        env: { DATABASE_URL: dev.url },
      })
      await project.run(['sync', '--yes'])
      const env = { PROD_DATABASE_URL: 'postgres://postgres:x@127.0.0.1:1/app' }

      const text = await project.run(command, { env })
      const json = await project.run([...command, '--json'], { env })
      const csv = await project.run(['history', '--csv'], { env })

      expect([text.exitCode, json.exitCode]).toEqual([1, 1])
      expect(csv).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringContaining('prod could not be read') })
      expect(text.stdout).toContain('dev')
      expect(text.stdout).toContain('Nothing listens on 127.0.0.1, port 1.')
      expect(json.json()['environments']).toMatchObject([
        { name: 'dev', log: { intact: true } },
        { name: 'prod', error: { code: 'connection/refused' } },
      ])
    },
  )

  test('refuses a moment that it does not understand', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({ env: { DATABASE_URL: dev.url } })
    expect(await project.run(['history', '--since', 'tuesday'])).toMatchObject({ exitCode: 2 })
  })
})
