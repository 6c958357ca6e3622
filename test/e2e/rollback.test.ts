import { describe, expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { createAppliedPair } from '../support/applied-pair.ts'
import { takeSnapshot } from '../support/snapshot.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const FILES = {
  'database/001-a.sql': 'CREATE TABLE a (id int);\n-- Rollback:\n-- DROP TABLE a;\n',
  'database/002-b.sql': 'CREATE TABLE b (id int);\n-- Rollback:\n-- DROP TABLE b;\n',
  'database/003-c.sql': 'CREATE TABLE c (id int);\n',
  'database/003-c.down.sql': 'DROP TABLE c;\n',
}

/** The tables that migrations made, and the rows of the history. */
async function stateOf(database: TestDatabase): Promise<unknown> {
  const tables = await database.query(
    "SELECT relname AS n FROM pg_class WHERE relkind = 'r' AND relname IN ('a', 'b', 'c') ORDER BY 1",
  )
  const rows = await database.query('SELECT migration_name AS n FROM schema_migrations ORDER BY 1')
  return { tables: tables.map(({ n }) => n), rows: rows.map(({ n }) => n) }
}

const ALL = { tables: ['a', 'b', 'c'], rows: ['001-a', '002-b', '003-c'] }
const TWO = { tables: ['a', 'b'], rows: ['001-a', '002-b'] }

describe('rollback', () => {
  test('takes the last migration back in all environments, prod first, and sync applies it again', async () => {
    await using ground = await createAppliedPair(FILES)
    const { dev, prod, project } = ground

    const result = await project.run(['rollback', '--yes', '--json'])
    const states = [await stateOf(dev), await stateOf(prod)]
    const again = await project.run(['sync', '--yes'])
    const log = await project.run(['history', '--check', '--json'])

    expect(result.exitCode).toBe(0)
    expect(result.json()).toMatchObject({
      status: 'applied',
      environments: [
        { name: 'prod', status: 'applied', done: [{ name: '003-c' }], failed: null, left: [] },
        { name: 'dev', status: 'applied', done: [{ name: '003-c' }] },
      ],
    })
    expect(states).toEqual([TWO, TWO])
    expect(again.exitCode).toBe(0)
    expect(await stateOf(prod)).toEqual(ALL)
    expect(log.exitCode).toBe(0)
    const events = log.json()['environments'][0].entries.map(({ event }: { event: string }) => event)
    expect(events).toEqual(['init', 'apply', 'apply', 'apply', 'rollback', 'apply'])
  })

  test('--to takes back everything above a version, --to 0 everything', async () => {
    await using ground = await createAppliedPair(FILES)
    const { dev, prod, project } = ground

    const two = await project.run(['rollback', '--to', '001', '--yes'])
    const state = await stateOf(prod)
    const all = await project.run(['rollback', '--to', '0', '--yes'])

    expect([two.exitCode, all.exitCode]).toEqual([0, 0])
    expect(state).toEqual({ tables: ['a'], rows: ['001-a'] })
    expect(await stateOf(dev)).toEqual({ tables: [], rows: [] })
  })

  test.each([
    ['its name', '003-c'],
    ['its file', '003-c.sql'],
    ['the path of its file', 'database/003-c.sql'],
    ['the path as a shell completes it', './database/003-c.sql'],
  ])('did not know a migration by %s that sync knows it by', async (_what, wanted) => {
    await using ground = await createAppliedPair(FILES)

    const result = await ground.project.run(['rollback', '--only', wanted, '--yes'])

    expect(result.exitCode).toBe(0)
    expect([await stateOf(ground.dev), await stateOf(ground.prod)]).toEqual([TWO, TWO])
  })

  test('--only with a number takes back the migration of each folder that has it', async () => {
    await using dev = await createDatabase('dev')
    await using edge = await createDatabase('edge')
    await using project = createProject({
      files: {
        'database/003-c.sql': 'CREATE TABLE c (id int);\n-- Rollback:\n-- DROP TABLE c;\n',
        'edge/0003_c.sql': 'CREATE TABLE c (id bigint);\n-- Rollback:\n-- DROP TABLE c;\n',
      },
      env: { DATABASE_URL: dev.url, EDGE_DATABASE_URL: edge.url, EDGE_MIGRATIONS_DIR: 'edge' },
    })
    const synced = await project.run(['sync', '--only', './edge/0003_c.sql', '--yes'])
    const before = [await stateOf(dev), await stateOf(edge)]

    const result = await project.run(['rollback', '--only', '3', '--yes'])

    expect([synced.exitCode, result.exitCode]).toEqual([0, 0])
    expect(before).toEqual([
      { tables: ['c'], rows: ['003-c'] },
      { tables: ['c'], rows: ['0003_c'] },
    ])
    expect([await stateOf(dev), await stateOf(edge)]).toEqual([
      { tables: [], rows: [] },
      { tables: [], rows: [] },
    ])
  })

  test('a version that one environment holds twice is asked for by its name', async () => {
    await using ground = await createAppliedPair(FILES)
    const { dev, project } = ground
    await dev.query(
      "INSERT INTO schema_migrations SELECT '003-old', checksum, applied_at, status, step, duration_ms, applied_by, run_id FROM schema_migrations WHERE migration_name = '003-c'",
    )
    const result = await project.run(['rollback', '--only', '3', '--env', 'dev', '--yes'])

    expect(result.exitCode).toBe(2)
    expect(result.stderr).toMatch(/--only 3 could be 003-(?:c or 003-old|old or 003-c)\./)
    expect(await stateOf(dev)).toMatchObject({ tables: ['a', 'b', 'c'] })
  })

  test('leaves an environment alone that is behind and does not hold the migration', async () => {
    await using ground = await createAppliedPair(FILES)
    const { dev, prod, project } = ground
    await project.run(['rollback', '--env', 'prod', '--yes'])

    const result = await project.run(['rollback', '--yes', '--json'])

    expect(result.json()).toMatchObject({
      environments: [
        { name: 'prod', status: 'up-to-date' },
        { name: 'dev', status: 'applied' },
      ],
    })
    expect(await stateOf(dev)).toEqual(TWO)
    expect(await stateOf(prod)).toEqual(TWO)
  })

  test('that fails half-way leaves the migration applied, and the environments behind it untouched', async () => {
    await using ground = await createAppliedPair({
      ...FILES,
      'database/003-c.down.sql': 'DROP TABLE c;\n\n  DROP TABLE not_there;\n',
    })
    const { dev, prod, project } = ground

    const result = await project.run(['rollback', '--yes', '--json'])
    const text = await project.run(['rollback', '--yes'])

    expect(result.exitCode).toBe(1)
    expect(result.json()).toMatchObject({
      status: 'failed',
      environments: [
        {
          name: 'prod',
          status: 'failed',
          failed: { name: '003-c', error: { code: '42P01', file: 'database/003-c.down.sql', line: 3, column: 3 } },
        },
        { name: 'dev', status: 'skipped', left: [{ name: '003-c' }] },
      ],
    })
    expect(text.stdout).toContain('003-c not taken back')
    expect(await stateOf(prod)).toEqual(ALL)
    expect(await stateOf(dev)).toEqual(ALL)
  })

  test('tells the line of a block in the migration’s own file', async () => {
    await using ground = await createAppliedPair({
      'database/001-a.sql': 'CREATE TABLE a (id int);\n\n-- Rollback:\n-- DROP TABLE a;\n-- DROP TABLE not_there;\n',
    })

    const result = await ground.project.run(['rollback', '--yes'])

    expect(result.exitCode).toBe(1)
    expect(result.stdout).toContain(`database/001-a.sql:5:4\n    5 | -- DROP TABLE not_there;\n${' '.repeat(11)}^\n`)
  })

  test.each([
    [
      'a rollback block that is prose',
      { 'database/004-d.sql': 'SELECT 1;\n-- Rollback:\n-- restore the backup of last night\n' },
      ['rollback'],
      'sql/rollback-not-sql',
      3,
    ],
    ['no rollback at all', { 'database/004-d.sql': 'SELECT 1;\n' }, ['rollback'], 'rollback/none', undefined],
    [
      'an atomic rollback that cannot run in a transaction',
      { 'database/004-d.sql': 'CREATE INDEX i ON a (id);\n-- Rollback:\n-- DROP INDEX CONCURRENTLY i;\n' },
      ['rollback', '--atomic'],
      'sql/not-atomic',
      undefined,
    ],
    ['a migration below others', {}, ['rollback', '--only', '002'], 'rollback/not-latest', undefined],
    [
      'one environment that would lose what the next keeps',
      {},
      ['rollback', '--env', 'dev'],
      'rollback/held-later',
      undefined,
    ],
  ])('is refused before anything is written for %s', async (_what, files, args, code, line) => {
    await using ground = await createAppliedPair({ ...FILES, ...files })
    const before = [await stateOf(ground.dev), await stateOf(ground.prod)]

    const result = await ground.project.run([...args, '--yes', '--json'])

    expect(result.exitCode).toBe(4)
    const [finding] = result.json()['findings'].filter(({ severity }: { severity: string }) => severity === 'block')
    expect(finding).toMatchObject({ code, ...(line === undefined ? {} : { line }) })
    expect([await stateOf(ground.dev), await stateOf(ground.prod)]).toEqual(before)
  })

  test('that cannot be atomic was advised to sync, which applies migrations', async () => {
    const files = { 'database/004-d.sql': 'CREATE INDEX i ON a (id);\n-- Rollback:\n-- DROP INDEX CONCURRENTLY i;\n' }
    await using ground = await createAppliedPair({ ...FILES, ...files })

    const result = await ground.project.run(['rollback', '--atomic', '--env', 'prod', '--yes', '--json'])

    expect(result.exitCode).toBe(4)
    expect(result.json()['findings']).toContainEqual(
      expect.objectContaining({
        code: 'sql/not-atomic',
        hint: 'Take it back first without --atomic: migration-manager rollback --only 004 --env prod',
      }),
    )
  })

  test('of a file that was edited since it ran is refused', async () => {
    await using ground = await createAppliedPair(FILES)
    ground.project.write('database/002-b.sql', 'CREATE TABLE b (id int);\n-- Rollback:\n-- DROP TABLE a;\n')

    const result = await ground.project.run(['rollback', '--to', '1', '--yes', '--json'])

    expect(result.exitCode).toBe(4)
    expect(result.json()['findings'][0]).toMatchObject({ code: 'history/changed', migration: '002-b' })
    expect(await stateOf(ground.prod)).toEqual(ALL)
  })

  test('asks for protected environments, and --dry-run changes nothing', async () => {
    await using ground = await createAppliedPair(FILES)

    const unasked = await ground.project.run(['rollback'])
    const dry = await ground.project.run(['rollback', '--dry-run', '--json'])

    expect(unasked.exitCode).toBe(4)
    expect(unasked.stdout).toContain('prod is protected')
    expect(dry.json()).toMatchObject({ status: 'planned', environments: [{ left: [{ name: '003-c' }] }, {}] })
    expect([await stateOf(ground.dev), await stateOf(ground.prod)]).toEqual([ALL, ALL])
  })

  test('--atomic takes back in all environments or in none', async () => {
    await using ground = await createAppliedPair(FILES)
    const { dev, prod, project } = ground
    await dev.query('CREATE VIEW rests_on_c AS SELECT * FROM c')

    const failed = await project.run(['rollback', '--atomic', '--yes', '--json'])
    const states = [await stateOf(dev), await stateOf(prod)]
    await dev.query('DROP VIEW rests_on_c')
    const done = await project.run(['rollback', '--atomic', '--yes'])

    expect(failed.exitCode).toBe(1)
    expect(states).toEqual([ALL, ALL])
    expect(done.exitCode).toBe(0)
    expect(done.stderr).toMatch(/^prod: took back 003-c .*\ndev: took back 003-c /m)
    expect([await stateOf(dev), await stateOf(prod)]).toEqual([TWO, TWO])
  })
})

describe('a rollback that cannot run in a transaction', () => {
  const INDEXES = {
    'database/004-indexes.sql':
      'CREATE INDEX CONCURRENTLY a_id ON a (id);\nCREATE INDEX CONCURRENTLY b_id ON b (id);\nCREATE TABLE extra ();\n',
    'database/004-indexes.down.sql':
      'DROP TABLE extra;\nDROP INDEX CONCURRENTLY a_id;\nDROP INDEX CONCURRENTLY b_id;\n',
  }

  async function lookAt(database: TestDatabase): Promise<unknown> {
    const indexes = await database.query(
      "SELECT relname AS n FROM pg_class WHERE relname IN ('a_id', 'b_id', 'extra') ORDER BY 1",
    )
    const [row] = await database.query(
      "SELECT status, step, applied_at IS NOT NULL AS dated FROM schema_migrations WHERE migration_name = '004-indexes'",
    )
    return { objects: indexes.map(({ n }) => n), row }
  }
  /** Its rollback fails at the third of four steps. */
  const STUCK = {
    ...FILES,
    ...INDEXES,
    'database/004-indexes.down.sql':
      'DROP TABLE extra;\nDROP INDEX CONCURRENTLY a_id;\nDROP TABLE missing;\nDROP INDEX CONCURRENTLY b_id;\n',
  }

  test('is carried out step by step, and sync applies the migration again', async () => {
    await using ground = await createAppliedPair({ ...FILES, ...INDEXES })
    const { dev, prod, project } = ground

    const back = await project.run(['rollback', '--yes', '--json'])
    const states = [await lookAt(dev), await lookAt(prod)]
    const [logged] = await prod.query("SELECT outcome, detail FROM schema_migrations_log WHERE event = 'rollback'")
    const again = await project.run(['sync', '--yes'])
    const log = await project.run(['history', '--check'])

    expect([back.exitCode, again.exitCode, log.exitCode]).toEqual([0, 0, 0])
    expect(back.json()).toMatchObject({
      status: 'applied',
      environments: [
        { name: 'prod', done: [{ name: '004-indexes' }], left: [] },
        { name: 'dev', done: [{ name: '004-indexes' }], left: [] },
      ],
      findings: [{ code: 'sql/non-transactional', severity: 'info', file: 'database/004-indexes.down.sql', line: 2 }],
    })
    expect(states).toEqual([{ objects: [] }, { objects: [] }])
    expect(logged).toEqual({ outcome: 'done', detail: { steps: 3 } })
  })

  test('that fails in its middle keeps its place: sync is refused, and the same rollback goes on there', async () => {
    await using ground = await createAppliedPair(STUCK)
    const { prod, project } = ground
    const only = ['--env', 'prod']

    const failed = await project.run(['rollback', '--yes', '--json', ...only])
    const halfway = await lookAt(prod)
    const status = await project.run(['status', '--json'])
    const refused = await project.run(['sync', '--yes', '--json'])
    project.write(
      'database/004-indexes.down.sql',
      'DROP TABLE extra;\nDROP INDEX CONCURRENTLY a_id;\nDROP TABLE IF EXISTS missing;\nDROP INDEX CONCURRENTLY b_id;\n',
    )
    const again = await project.run(['rollback', '--yes', ...only])

    expect(failed.exitCode).toBe(1)
    expect(failed.json()['environments'][0].failed).toMatchObject({
      name: '004-indexes',
      error: {
        code: '42P01',
        file: 'database/004-indexes.down.sql',
        line: 3,
        hint: expect.stringContaining('Steps 1 to 2 of 4 are done. Mend what stopped it and run rollback again'),
      },
    })
    expect(halfway).toEqual({ objects: ['b_id'], row: { status: 'started', step: -3, dated: false } })
    expect(status.json()['migrations'][3].environments.prod).toMatchObject({ state: 'started' })
    expect(refused.exitCode).toBe(4)
    expect(refused.json()['findings']).toContainEqual(
      expect.objectContaining({
        code: 'history/unfinished',
        severity: 'block',
        message: 'The rollback of 004-indexes was cut off in prod after 2 of its steps.',
        hint: 'Run the same rollback again: it goes on at step 3.',
      }),
    )
    expect(again.exitCode).toBe(0)
    expect(await lookAt(prod)).toEqual({ objects: [] })
  })

  test.each([
    ['another step in place of one that was done', 'DROP TABLE other;\nDROP INDEX CONCURRENTLY a_id;\n', 1],
    ['nothing that must run step by step any more', 'DROP TABLE IF EXISTS extra;\nDROP INDEX a_id;\n', 4],
    ['fewer steps than were done', 'DROP INDEX CONCURRENTLY b_id;\n', 4],
  ])('that stopped in its middle does not go on in a file with %s', async (_, edited, exitCode) => {
    await using ground = await createAppliedPair(STUCK)
    const { prod, project } = ground
    const rollback = ['rollback', '--yes', '--json', '--env', 'prod']

    await project.run(rollback)
    project.write('database/004-indexes.down.sql', edited)
    const refused = await project.run(rollback)
    const after = await lookAt(prod)
    const repaired = await project.run(['repair', 'abandon', '004', '--env', 'prod', '--reason', 'by hand', '--yes'])

    expect(refused.exitCode).toBe(exitCode)
    const told = {
      code: 'rollback/edited',
      message: 'database/004-indexes.down.sql is not what it was when steps 1 to 2 of it were carried out in prod.',
      hint: expect.stringContaining('repair abandon if nothing is'),
    }
    const json = refused.json()
    expect(exitCode === 4 ? json['findings'] : [json['environments'][0].failed.error]).toContainEqual(
      expect.objectContaining(told),
    )
    expect(after).toEqual({ objects: ['b_id'], row: { status: 'started', step: -3, dated: false } })
    expect(repaired.exitCode).toBe(0)
  })

  test('that stopped in its middle, and whose file is gone since, was taken for up to date', async () => {
    await using ground = await createAppliedPair(STUCK)
    const { prod, project } = ground
    const rollback = ['rollback', '--yes', '--json', '--env', 'prod']

    await project.run(rollback)
    for (const file of ['004-indexes.sql', '004-indexes.down.sql']) project.remove(`database/${file}`)
    const refused = await project.run(rollback)

    expect(refused.exitCode).toBe(4)
    expect(refused.json()).toMatchObject({
      status: 'blocked',
      findings: [
        {
          code: 'history/unfinished',
          severity: 'block',
          environment: 'prod',
          migration: '004-indexes',
          hint: expect.stringMatching(/^Bring 004-indexes\.sql back/u),
        },
      ],
    })
    expect(await lookAt(prod)).toEqual({ objects: ['b_id'], row: { status: 'started', step: -3, dated: false } })
  })

  test('that fails at its first step leaves the migration applied, as it was', async () => {
    await using ground = await createAppliedPair({
      ...FILES,
      ...INDEXES,
      'database/004-indexes.down.sql': 'DROP TABLE missing;\nDROP INDEX CONCURRENTLY a_id;\n',
    })
    const { prod, project } = ground
    const READ =
      "SELECT applied_at, run_id, status, duration_ms FROM schema_migrations WHERE migration_name = '004-indexes'"
    const [before] = await prod.query(READ)
    const [logged] = await prod.query("SELECT at FROM schema_migrations_log WHERE migration_name = '004-indexes'")

    const failed = await project.run(['rollback', '--yes', '--env', 'prod'])

    expect(failed.exitCode).toBe(1)
    expect(failed.stdout).toContain('004-indexes not taken back')
    expect(await prod.query(READ)).toEqual([{ ...before, applied_at: logged?.['at'] }])
    expect((await project.run(['sync', '--yes', '--json'])).json()).toMatchObject({ status: 'up-to-date' })
  })

  test('of a migration that stopped on its way there is refused', async () => {
    await using ground = await createAppliedPair(FILES)
    const { project } = ground
    project.write('database/004-stops.sql', 'CREATE INDEX CONCURRENTLY a_id ON a (id);\nDROP TABLE missing;\n')
    project.write('database/004-stops.down.sql', 'DROP INDEX CONCURRENTLY a_id;\n')
    await project.run(['sync', '--yes', '--env', 'dev'])

    const refused = await project.run(['rollback', '--yes', '--json'])

    expect(refused.exitCode).toBe(4)
    expect(refused.json()['findings']).toContainEqual(
      expect.objectContaining({
        code: 'history/unfinished',
        severity: 'block',
        hint: expect.stringContaining('Run sync first: it goes on at step 2.'),
      }),
    )
  })
})

test.each([
  ['database', 'the main sample', undefined],
  ['examples/microsaas/database', 'the micro-SaaS sample', '000'],
])(
  'every file of %s goes up, down and up again in dev and prod, and leaves no trace (%s)',
  async (folder, _what, oneWay) => {
    await using dev = await createDatabase('dev')
    await using prod = await createDatabase('prod')
    await using project = createProject({
      from: folder,
      env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url, MIGRATIONS_DIR: '.' },
    })
    const look = (): Promise<readonly Snapshot[]> => Promise.all([takeSnapshot(dev), takeSnapshot(prod)])

    const empty = await look()
    const up = await project.run(['sync', '--yes'])
    const full = await look()
    const down = await project.run(['rollback', '--to', oneWay ?? '0', '--yes'])
    const bare = await look()
    const again = await project.run(['sync', '--yes'])

    expect([up.exitCode, down.exitCode, again.exitCode]).toEqual([0, 0, 0])
    expect(full[0]).not.toEqual(empty[0])
    expect(full[0]).toEqual(full[1])
    expect(bare).toEqual(empty)
    expect(await look()).toEqual(full)
  },
)
