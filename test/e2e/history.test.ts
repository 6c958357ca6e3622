import { describe, expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import type { TestProject } from '../support/cli.ts'
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
    expect(text.stdout).toMatch(/^001-a\n {2}dev .* apply {2}\d+ ms .*\n {2}prod/m)
    expect(text.stdout).toMatch(/003-c\n {2}dev .*fail failed/)
  })

  test('is data for a spreadsheet with --csv', async () => {
    await using dev = await createDatabase('dev')
    await using prod = await createDatabase('prod')
    await using project = projectOn(dev, prod)
    await project.run(['sync', '--yes'])

    const { exitCode, stdout } = await project.run(['history', '--csv', '--env', 'dev'])

    expect(exitCode).toBe(0)
    const [head, ...rows] = stdout.trim().split(/\r?\n/)
    expect(head).toBe('environment,id,at,event,migration,outcome,durationMs,role,osUser,gitCommit,ciRun,runId')
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

  test('refuses a moment that it does not understand', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({ env: { DATABASE_URL: dev.url } })
    expect(await project.run(['history', '--since', 'tuesday'])).toMatchObject({ exitCode: 2 })
  })
})
