import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'

const GOOD = 'CREATE TABLE a (id int PRIMARY KEY);\n-- Rollback:\n-- DROP TABLE a;\n'

describe('check --reversible', () => {
  test('does not blame the next migration for what a rollback that failed had done step by step', async () => {
    await using project = createProject({
      files: {
        'database/001-index.sql': 'CREATE TABLE t (id int);\nCREATE INDEX i ON t (id);\n',
        'database/001-index.down.sql': 'DROP INDEX CONCURRENTLY i;\nDROP INDEX CONCURRENTLY nosuch;\n',
        'database/002-good.sql': GOOD,
      },
    })

    const checked = await project.run(['check', '--reversible', '--json'])

    expect(checked.exitCode).toBe(4)
    expect(checked.json()).toMatchObject({
      migrations: [
        { name: '001-index', status: 'failed' },
        { name: '002-good', status: 'reversible' },
      ],
    })
    const blocking = checked.json()['findings'].filter(({ severity }: Record<string, string>) => severity === 'block')
    expect(blocking).toMatchObject([{ code: 'rollback/failed', migration: '001-index' }])
  })

  test('names each object that a rollback leaves behind, takes away or does not put back, and tries the next', async () => {
    await using project = createProject({
      files: {
        'database/001-good.sql': GOOD,
        'database/002-leaves.sql': `CREATE TABLE IF NOT EXISTS b (id int);
CREATE INDEX IF NOT EXISTS b_id ON b (id);
CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';

-- Rollback:
-- DROP INDEX b_id;
`,
        'database/003-replaces.sql': `CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2';
-- Rollback:
-- CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 0';
`,
        'database/004-takes.sql': `ALTER TABLE a ADD COLUMN note text;
-- Rollback:
-- ALTER TABLE a DROP COLUMN note;
-- DROP TABLE b;
`,
        'database/005-none.sql': 'CREATE TABLE e ();\n',
        'database/006-prose.sql': 'CREATE TABLE g ();\n-- Rollback:\n-- just drop the table again\n',
        'database/007-fails.sql': 'CREATE TABLE h ();\n-- Rollback:\n-- DROP TABLE missing;\n',
      },
    })

    const json = await project.run(['check', '--reversible', '--json'])

    expect(json.exitCode).toBe(4)
    expect(json.json()).toMatchObject({
      status: 'blocked',
      migrations: [
        { name: '001-good', status: 'reversible' },
        { name: '002-leaves', status: 'failed' },
        { name: '003-replaces', status: 'failed' },
        { name: '004-takes', status: 'failed' },
        { name: '005-none', status: 'irreversible' },
        { name: '006-prose', status: 'failed' },
        { name: '007-fails', status: 'failed' },
      ],
    })
    const { findings } = json.json()
    const said = findings.map((finding: Record<string, string>) => [
      finding['code'],
      finding['migration'],
      finding['message'],
    ])
    expect(said).toEqual([
      ['sql/rollback-not-sql', '006-prose', expect.stringContaining('is not SQL')],
      ['rollback/incomplete', '002-leaves', 'The rollback of 002-leaves leaves behind column public.b.id.'],
      ['rollback/incomplete', '002-leaves', 'The rollback of 002-leaves leaves behind function public.f().'],
      ['rollback/incomplete', '002-leaves', 'The rollback of 002-leaves leaves behind table public.b.'],
      ['rollback/incomplete', '003-replaces', 'The rollback of 003-replaces does not put back function public.f().'],
      [
        'rollback/incomplete',
        '004-takes',
        'The rollback of 004-takes takes away, though it was there before, column public.b.id.',
      ],
      ['rollback/incomplete', '004-takes', expect.stringContaining('index public.b_id')],
      ['rollback/incomplete', '004-takes', expect.stringContaining('table public.b')],
      ['rollback/not-repeatable', '004-takes', expect.stringContaining('column public.b.id')],
      ['rollback/not-repeatable', '004-takes', expect.stringContaining('index public.b_id')],
      ['rollback/not-repeatable', '004-takes', expect.stringContaining('table public.b')],
      ['rollback/none', '005-none', '005-none has no rollback.'],
      ['rollback/failed', '007-fails', expect.stringContaining('table "missing" does not exist')],
    ])
  })

  test('says where a file fails on a fresh database, and what was not tried therefore', async () => {
    await using project = createProject({
      files: {
        'database/001-good.sql': GOOD,
        'database/002-bad.sql': 'CREATE TABLE b ();\nSELECT missing();\n',
        'database/003-next.sql': 'CREATE TABLE c ();\n',
      },
    })

    const { exitCode, stdout } = await project.run(['check', '--reversible'])

    expect(exitCode).toBe(4)
    expect(stdout).toContain('rehearsal/failed')
    expect(stdout).toContain('database/002-bad.sql:2:8')
    expect(stdout).toContain(
      '✓ 001-good  up, down and up again\n✗ 002-bad  fails on a fresh database\n? 003-next  not tried',
    )
  })

  test('is not kept from its work by a file without a statement, which may have been accepted long ago', async () => {
    await using project = createProject({
      files: { 'database/001-empty.sql': '-- nothing\n', 'database/002-good.sql': GOOD },
    })

    const result = await project.run(['check', '--reversible', '--json'])

    expect(result).toMatchObject({ exitCode: 0 })
    expect(result.json()).toMatchObject({
      migrations: [{ status: 'irreversible' }, { name: '002-good', status: 'reversible' }],
    })
  })

  test('finds a file that cannot run a second time after its rollback', async () => {
    await using project = createProject({
      files: {
        'database/001-role.sql': 'CREATE ROLE reader;\nCREATE TABLE a ();\n-- Rollback:\n-- DROP TABLE a;\n',
      },
    })

    const { exitCode, stdout } = await project.run(['check', '--reversible'])

    expect(exitCode).toBe(4)
    expect(stdout).toContain('The rollback of 001-role leaves behind role reader.')
    expect(stdout).toContain('001-role fails when it runs after its rollback: role "reader" already exists')
  })

  test('connects to no environment, writes nothing into the project, and leaves nothing behind', async () => {
    await using project = createProject({ files: { 'database/001-good.sql': GOOD } })
    const folders = (): readonly string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('mm-rehearsal-'))
    const before = new Set(folders())

    const { exitCode } = await project.run(['check', '--reversible'], {
      env: { PROD_DATABASE_URL: 'postgres://nobody:secret@127.0.0.1:1/app' },
    })

    expect(exitCode).toBe(0)
    expect(readdirSync(project.dir)).toEqual(['database'])
    await expect.poll(() => folders().filter((name) => !before.has(name)), { timeout: 20_000 }).toEqual([])
  })

  test('--env takes the folders of those environments alone', async () => {
    await using project = createProject({
      files: {
        'database/001-good.sql': GOOD,
        'edge/001-fails.sql': 'CREATE TABLE e ();\n-- Rollback:\n-- DROP TABLE missing;\n',
      },
      env: {
        DATABASE_URL: 'postgres://u:p@127.0.0.1:1/dev',
        EDGE_DATABASE_URL: 'postgres://u:p@127.0.0.1:1/edge',
        EDGE_MIGRATIONS_DIR: 'edge',
      },
    })

    const both = await project.run(['check', '--reversible'])
    const one = await project.run(['check', '--reversible', '--env', 'dev'])

    expect(both).toMatchObject({ exitCode: 4 })
    expect({ exitCode: one.exitCode, stderr: one.stderr }).toMatchObject({ exitCode: 0 })
    expect(one.stdout).not.toContain('edge/')
  })

  test('without --reversible says what there is, and ends with 2', async () => {
    await using project = createProject({ files: { 'database/001-good.sql': GOOD } })
    const { exitCode, stderr } = await project.run(['check'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('check --reversible')
  })
})

test.each(['database', 'examples/microsaas/database'])(
  'every rollback of %s gives back the schema that was',
  async (folder) => {
    await using project = createProject({ from: folder })
    const { exitCode, stdout } = await project.run(['check', '--reversible', '--dir', '.', '--json'])
    const statuses = JSON.parse(stdout).migrations.map(({ status }: { readonly status: string }) => status)
    expect(exitCode).toBe(0)
    expect(new Set(statuses.filter((status: string) => status !== 'irreversible'))).toEqual(new Set(['reversible']))
  },
)
