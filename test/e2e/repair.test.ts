import { createHash } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { collect, createProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'

const WHY = ['--reason', "mended by hand after the incident; it's fine"] as const

describe('repair', () => {
  test('accepts the checksum of an edited file in one environment, and says so in the log', async () => {
    await using dev = await createDatabase('dev')
    await using prod = await createDatabase('prod')
    await using project = createProject({
      files: { 'database/001-a.sql': 'CREATE TABLE a (id int);\n' },
      env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url },
    })
    await project.run(['sync', '--yes'])
    project.write('database/001-a.sql', '-- a comment\nCREATE TABLE a (id int);\n')

    const result = await project.run(['repair', 'accept-checksum', '001-a', '--env', 'dev', '--yes', '--json', ...WHY])
    const status = await project.run(['status', '--json'])
    const log = await project.run(['history', '--check', '--json', '--env', 'dev'])

    expect(result.exitCode).toBe(0)
    expect(result.json()).toMatchObject({
      status: 'done',
      environment: 'dev',
      migration: '001-a',
      action: 'accept-checksum',
    })
    expect(result.json()['before'].checksum).not.toBe(result.json()['after'].checksum)
    expect(status.json()['migrations'][0].environments).toMatchObject({
      dev: { state: 'applied' },
      prod: { state: 'changed' },
    })
    expect(log.exitCode).toBe(0)
    expect(log.json()['environments'][0].entries.at(-1)).toMatchObject({
      event: 'accept-checksum',
      migration: '001-a',
      detail: { reason: WHY[1], before: { status: 'applied' }, after: { status: 'applied' } },
    })
  })

  test('marks as applied what was done by hand, and as not applied what was undone by hand', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({
      files: { 'database/001-a.sql': 'CREATE TABLE a (id int);\n', 'database/002-b.sql': 'CREATE TABLE b (id int);\n' },
      env: { DATABASE_URL: dev.url },
    })
    await dev.query('CREATE TABLE a (id int)')

    const marked = await project.run(['repair', 'mark-applied', '1', '--env', 'dev', '--yes', ...WHY])
    const synced = await project.run(['sync'])
    await dev.query('DROP TABLE b')
    const unmarked = await project.run(['repair', 'mark-not-applied', '002-b.sql', '--env', 'dev', '--yes', ...WHY])
    const again = await project.run(['sync', '--json'])

    expect([marked.exitCode, synced.exitCode, unmarked.exitCode, again.exitCode]).toEqual([0, 0, 0, 0])
    expect(again.json()).toMatchObject({ environments: [{ done: [{ name: '002-b' }] }] })
    expect(await dev.query('SELECT migration_name AS n FROM schema_migrations ORDER BY 1')).toEqual([
      { n: '001-a' },
      { n: '002-b' },
    ])
  })

  test.each([
    ['finish', ['001-a']],
    ['abandon', []],
  ])('%s decides about an unfinished migration', async (action, left) => {
    await using dev = await createDatabase('dev')
    await using project = createProject({
      files: { 'database/001-a.sql': 'CREATE TABLE IF NOT EXISTS a (id int);\n' },
      env: { DATABASE_URL: dev.url },
    })
    await project.run(['sync'])
    await dev.query("UPDATE schema_migrations SET status = 'started', applied_at = NULL")

    const stuck = await project.run(['sync'])
    const result = await project.run(['repair', action, '001-a', '--env', 'dev', '--yes', ...WHY])

    expect(stuck.exitCode).toBe(4)
    expect(stuck.stdout).toContain('repair finish 001-a --env dev --reason')
    expect(result.exitCode).toBe(0)
    expect(await dev.query('SELECT migration_name AS n FROM schema_migrations')).toEqual(left.map((n) => ({ n })))
    expect((await project.run(['sync'])).exitCode).toBe(0)
  })

  test.each([
    ['without a confirmation', ['mark-not-applied', '001-a', '--env', 'dev', ...WHY], 4],
    ['without a reason', ['mark-not-applied', '001-a', '--env', 'dev', '--yes'], 2],
    ['with an empty reason', ['mark-not-applied', '001-a', '--env', 'dev', '--yes', '--reason', ' '], 2],
    ['without an environment', ['mark-not-applied', '001-a', '--yes', ...WHY], 2],
    ['in two environments', ['mark-not-applied', '001-a', '--env', 'dev,prod', '--yes', ...WHY], 2],
    ['of a migration that nobody knows', ['mark-not-applied', '007', '--env', 'dev', '--yes', ...WHY], 2],
    ['that does not exist', ['mark-aplied', '001-a', '--env', 'dev', '--yes', ...WHY], 2],
    ['where there is nothing to repair', ['finish', '001-a', '--env', 'dev', '--yes', ...WHY], 2],
  ])('is refused %s, and nothing changes', async (_what, args, exitCode) => {
    await using dev = await createDatabase('dev')
    await using prod = await createDatabase('prod')
    await using project = createProject({
      files: { 'database/001-a.sql': 'CREATE TABLE a (id int);\n' },
      env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url },
    })
    await project.run(['sync', '--yes'])
    const everything =
      'SELECT (SELECT jsonb_agg(h) FROM schema_migrations h) AS h, (SELECT count(*)::int FROM schema_migrations_log) AS l'
    const before = await dev.query(everything)

    const result = await project.run(['repair', ...args])

    expect(result.exitCode).toBe(exitCode)
    expect(result.stdout + result.stderr).toContain('→')
    expect(await dev.query(everything)).toEqual(before)
  })

  test('in CI was refused because dev, which is open, was protected', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({
      files: { 'database/001-a.sql': 'CREATE TABLE a (id int);\n' },
      env: { DATABASE_URL: dev.url },
    })
    await project.run(['sync'])

    const result = await project.run(['repair', 'mark-not-applied', '001-a', '--env', 'dev', '--json', ...WHY])

    expect(result.exitCode).toBe(4)
    expect(result.json()['findings']).toMatchObject([
      {
        code: 'policy/confirmation-needed',
        environment: 'dev',
        message: 'A repair must be confirmed, and nobody is here to confirm.',
        hint: 'Nothing was written anywhere. Say --yes to confirm in advance.',
      },
    ])
  })

  test('by two people at once is done once', async () => {
    await using dev = await createDatabase('dev')
    await using project = createProject({
      files: { 'database/001-a.sql': 'CREATE TABLE a (id int);\n' },
      env: { DATABASE_URL: dev.url },
    })
    await project.run(['sync'])

    const args = ['repair', 'mark-not-applied', '001-a', '--env', 'dev', '--yes', ...WHY]
    const results = await Promise.all([project.run(args), project.run(args)])

    expect(results.filter(({ exitCode }) => exitCode === 0)).toHaveLength(1)
    expect(
      await dev.query("SELECT count(*)::int AS n FROM schema_migrations_log WHERE event = 'mark-not-applied'"),
    ).toEqual([{ n: 1 }])
  })

  test.each([
    ['one migration in two ways', ['mark-not-applied', '001-a'], ['accept-checksum', '001-a']],
    ['two migrations', ['mark-not-applied', '001-a'], ['mark-not-applied', '002-b']],
  ])('of %s by two people who have both looked before is done once, and the other is told', async (_what, ...both) => {
    await using dev = await createDatabase('dev')
    await using project = createProject({
      files: { 'database/001-a.sql': 'CREATE TABLE a (id int);\n', 'database/002-b.sql': 'CREATE TABLE b (id int);\n' },
      env: { DATABASE_URL: dev.url },
    })
    await project.run(['sync'])
    project.write('database/001-a.sql', '-- a comment\nCREATE TABLE a (id int);\n')
    const key = createHash('sha256').update('migration-manager:public').digest().readBigInt64BE(0)
    await dev.query(`SELECT pg_advisory_lock(${key})`)
    const people = both.map((args) => {
      const child = project.start(['repair', ...args, '--env', 'dev', '--yes', '--json', ...WHY])
      let said = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
      return { ended: collect(child), hasLooked: (): boolean => said.includes('another run is at work') }
    })
    await vi.waitUntil(() => people.every(({ hasLooked }) => hasLooked()), { timeout: 30_000, interval: 50 })
    await dev.query(`SELECT pg_advisory_unlock(${key})`)

    const results = await Promise.all(people.map(({ ended }) => ended))

    const ends = results.map((result) => `${result.exitCode} ${result.json()['status']}`)
    expect(new Set(ends)).toEqual(new Set(['0 done', '4 stale']))
    expect(await dev.query('SELECT count(*)::int AS n FROM schema_migrations_log WHERE detail ? $$reason$$')).toEqual([
      { n: 1 },
    ])
    expect((await project.run(['history', '--check'])).exitCode).toBe(0)
  })
})
