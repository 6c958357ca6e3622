import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createProject, MAIN } from '../support/cli.ts'
import type { TestProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const HISTORY_TABLES = ['schema_migrations', 'schema_migrations_log']

test('init makes the history tables in every environment, and may be run again', async () => {
  await using dev = await createDatabase('dev')
  await using prod = await createDatabase('prod')
  await using project = createProject({
    files: { 'database/001-items.sql': 'CREATE TABLE items ();\n' },
    env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url },
  })

  const first = await project.run(['init', '--yes', '--json'])
  const log = await logOf(prod)
  const second = await project.run(['init', '--json'])
  const status = await project.run(['status', '--json'])

  expect(first).toMatchObject({ exitCode: 0 })
  expect(first.json()).toEqual({
    status: 'applied',
    environments: [
      { name: 'dev', status: 'initialised', error: null },
      { name: 'prod', status: 'initialised', error: null },
    ],
    files: [],
    findings: [],
  })
  expect(second).toMatchObject({ exitCode: 0 })
  expect(second.json()).toMatchObject({
    status: 'up-to-date',
    environments: [{ status: 'up-to-date' }, { status: 'up-to-date' }],
  })
  expect(status.json()).toMatchObject({ environments: [{ initialised: true }, { initialised: true }] })
  expect(await tables(dev)).toEqual(HISTORY_TABLES)
  expect(await tables(prod)).toEqual(HISTORY_TABLES)
  expect(await logOf(prod)).toEqual(log)
  expect(log).toMatchObject([{ event: 'init', detail: { environment: 'prod' } }])
})

test('init of a protected environment that nobody confirms writes nothing anywhere', async () => {
  await using dev = await createDatabase('dev')
  await using prod = await createDatabase('prod')
  await using project = createProject({
    files: { 'database/001-items.sql': 'CREATE TABLE items ();\n' },
    env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url },
  })

  const result = await project.run(['init'])

  expect(result).toMatchObject({ exitCode: 4 })
  expect(result.stdout).toContain('prod is protected')
  expect(result.stdout).toContain('--yes')
  expect(await tables(dev)).toEqual([])
  expect(await tables(prod)).toEqual([])
})

test('init in an empty folder without any environment writes the first files, and overwrites none', async () => {
  await using project = createProject()

  const first = await project.run(['init'])
  const files = readdirSync(project.dir).toSorted()
  const script = join(project.dir, 'deploy-migrations.sh')
  const isExecutable = (statSync(script).mode & 0o111) !== 0
  execFileSync('bash', ['-n', script])
  project.write('.env.example', 'mine\n')
  project.write('deploy-migrations.sh', 'mine\n')
  const second = await project.run(['init', '--json'])

  expect(first).toMatchObject({ exitCode: 0, stderr: '' })
  for (const name of ['database/', '.env.example', 'deploy-migrations.sh']) expect(first.stdout).toContain(`+ ${name}`)
  expect(first.stdout).toContain('copy .env.example to .env')
  expect(files).toEqual(['.env.example', 'database', 'deploy-migrations.sh'])
  expect(isExecutable).toBe(true)
  expect(readdirSync(join(project.dir, 'database'))).toEqual([])
  expect(second).toMatchObject({ exitCode: 0 })
  expect(second.json()).toMatchObject({ status: 'up-to-date', files: [] })
  expect(project.read('.env.example')).toBe('mine\n')
  expect(project.read('deploy-migrations.sh')).toBe('mine\n')
})

test('init with an option that is wrong writes nothing', async () => {
  await using project = createProject()

  const result = await project.run(['init', '--allow', 'bogus'])

  expect(result).toMatchObject({ exitCode: 2, stdout: '' })
  expect(result.stderr).toContain('usage/unknown-code')
  expect(readdirSync(project.dir)).toEqual([])
})

test('the folder that init makes is the one that MIGRATIONS_DIR names', async () => {
  await using database = await createDatabase('folder')
  await using project = createProject({ env: { DATABASE_URL: database.url, MIGRATIONS_DIR: 'db/steps' } })

  const result = await project.run(['init', '--json'])
  const created = await project.run(['new', 'first'])

  expect(result).toMatchObject({ exitCode: 0 })
  expect(result.json()).toMatchObject({
    files: ['db/steps/', '.env.example', 'deploy-migrations.sh'],
    environments: [{ name: 'dev', status: 'initialised' }],
  })
  expect(created.stdout).toBe('+ db/steps/001-first.sql\n')
  expect(await tables(database)).toEqual(HISTORY_TABLES)
})

test('init made a folder that no environment uses, and then missed those that they use', async () => {
  await using dev = await createDatabase('dev')
  await using prod = await createDatabase('prod')
  await using project = createProject({
    env: {
      DATABASE_URL: dev.url,
      DEV_MIGRATIONS_DIR: 'db/dev',
      PROD_DATABASE_URL: prod.url,
      PROD_MIGRATIONS_DIR: 'db/prod',
    },
  })

  const result = await project.run(['init', '--yes', '--json'])

  expect(result).toMatchObject({ exitCode: 0 })
  expect(result.json()).toMatchObject({
    files: ['db/dev/', 'db/prod/', '.env.example', 'deploy-migrations.sh'],
    environments: [
      { name: 'dev', status: 'initialised' },
      { name: 'prod', status: 'initialised' },
    ],
  })
  expect(readdirSync(project.dir).toSorted()).toEqual(['.env.example', 'db', 'deploy-migrations.sh'])
})

test("a missing folder of one environment's own is named by its variable, and init makes it and nothing else", async () => {
  await using dev = await createDatabase('dev')
  await using edge = await createDatabase('edge')
  await using project = createProject({
    files: { 'database/001-items.sql': 'CREATE TABLE items ();\n', '.env': 'EDGE_MIGRATIONS_DIR=edge\n' },
    env: { DATABASE_URL: dev.url, EDGE_DATABASE_URL: edge.url },
  })

  const missing = await project.run(['status', '--json', '--dir', 'database'])
  const init = await project.run(['init', '--env', 'edge', '--yes', '--json'])
  const status = await project.run(['status', '--json'])

  expect(missing).toMatchObject({ exitCode: 2 })
  expect(missing.json()).toMatchObject({
    error: {
      code: 'migration/no-folder',
      message: `The folder edge is not there in ${project.dir}.`,
      hint: 'Run migration-manager init to make it, or name the right one with EDGE_MIGRATIONS_DIR (.env).',
    },
  })
  expect(init).toMatchObject({ exitCode: 0 })
  expect(init.json()).toMatchObject({ files: ['edge/'], environments: [{ name: 'edge', status: 'initialised' }] })
  expect(status).toMatchObject({ exitCode: 0 })
})

test('new writes the first migration from the template, which sync can run', async () => {
  await using database = await createDatabase('template')
  await using project = createProject({ env: { DATABASE_URL: database.url } })

  const result = await project.run(['new', 'add', 'user', 'settings'])
  const text = project.read('database/001-add-user-settings.sql')
  const early = await project.run(['sync', '--json'])
  project.write('database/001-add-user-settings.sql', text.replace('\n\n\n', '\nCREATE TABLE settings ();\n\n'))
  const sync = await project.run(['sync'])

  expect(result).toMatchObject({ exitCode: 0, stdout: '+ database/001-add-user-settings.sql\n' })
  expect(early).toMatchObject({ exitCode: 4 })
  expect(early.json()).toMatchObject({
    findings: [{ code: 'sql/empty', hint: expect.stringContaining('Write the SQL') }],
  })
  expect(text).toMatch(/^-- add user settings\n-- Created: \d{4}-\d\d-\d\d\n/)
  expect(text).toContain('\n-- Rollback:\n')
  expect(sync).toMatchObject({ exitCode: 0 })
  expect(await tables(database)).toEqual([...HISTORY_TABLES, 'settings'])
})

test('new writes where an environment looks, not into a folder that nobody uses', async () => {
  await using project = createProject({
    files: { '.env': 'LOCAL_DATABASE_URL=d1-local:DB\nLOCAL_MIGRATIONS_DIR=d1\n' },
  })

  const alone = await project.run(['new', 'add b'])
  const named = await project.run(['new', '--env', 'local', 'add c'])
  const unknown = await project.run(['new', '--env', 'loacl', 'add d'])

  expect(alone).toMatchObject({ exitCode: 0, stdout: '+ d1/001-add-b.sql\n' })
  expect(named).toMatchObject({ exitCode: 0, stdout: '+ d1/002-add-c.sql\n' })
  expect(unknown).toMatchObject({ exitCode: 2, stdout: '' })
  expect(readdirSync(project.dir).toSorted()).toEqual(['.env', 'd1'])
})

test('new names the author whom git knows', async () => {
  await using project = createProject()
  execFileSync('git', ['init', '--quiet'], { cwd: project.dir })
  execFileSync('git', ['config', 'user.name', 'Ada Lovelace'], { cwd: project.dir })

  const result = await project.run(['new', 'a'])

  expect(result).toMatchObject({ exitCode: 0 })
  expect(project.read('database/001-a.sql')).toContain('-- Author: Ada Lovelace\n')
})

test.for([
  ['the width of the newest', ['0001-a.sql', '0009-b.sql'], '0010-next-step.sql'],
  ['the separator of the newest', ['001-a.sql', '002_b.sql'], '003_next_step.sql'],
  ['the next number when it gets wider', ['99-a.sql'], '100-next-step.sql'],
  ['the next number behind a gap', ['1-a.sql', '7-b.sql'], '8-next-step.sql'],
] as const)('new keeps to %s', async ([, existing, expected]) => {
  await using project = createProject({
    files: Object.fromEntries(existing.map((name) => [`database/${name}`, 'SELECT 1;\n'])),
  })

  const result = await project.run(['new', 'Next step!', '--json'])

  expect(result).toMatchObject({ exitCode: 0 })
  expect(result.json()).toEqual({ file: `database/${expected}`, name: expected.replace('.sql', '') })
  expect(filesOf(project)).toEqual([...existing, expected].toSorted())
})

test('new goes on with time stamps where versions are time stamps', async () => {
  await using project = createProject({ files: { 'database/20250101120000_a.sql': 'SELECT 1;\n' } })
  const before = stampOf(new Date())

  const result = await project.run(['new', 'next'])

  const [, created = ''] = filesOf(project)
  const stamp = created.slice(0, 14)
  expect(result).toMatchObject({ exitCode: 0 })
  expect(created).toMatch(/^\d{14}_next\.sql$/)
  expect(stamp >= before && stamp <= stampOf(new Date())).toBe(true)
})

test.for(['', '---', '  ', '!?'])('new refuses the description %j, which holds nothing', async (description) => {
  await using project = createProject()

  const result = await project.run(['new', description])

  expect(result).toMatchObject({ exitCode: 2, stdout: '' })
  expect(result.stderr).toContain('migration-manager new "')
  expect(readdirSync(project.dir)).toEqual([])
})

test.for(['', '  '])('new refuses the folder %j, which would be the root of the file system', async (dir) => {
  await using project = createProject()

  const result = await project.run(['new', 'x', '--dir', dir])

  expect(result).toMatchObject({ exitCode: 2, stdout: '' })
  expect(result.stderr).toContain('--dir was given without a folder.')
  expect(readdirSync(project.dir)).toEqual([])
})

test('a description cannot leave the comment, nor the folder', async () => {
  await using database = await createDatabase('description')
  await using project = createProject({ env: { DATABASE_URL: database.url } })

  const result = await project.run(['new', '../../up\nCREATE TABLE escaped ();'])
  const sync = await project.run(['sync', '--json', '--allow', 'sql/empty'])

  expect(result).toMatchObject({ exitCode: 0 })
  expect(filesOf(project)).toEqual(['001-up-create-table-escaped.sql'])
  expect(sync).toMatchObject({ exitCode: 0 })
  expect(await tables(database)).toEqual(HISTORY_TABLES)
})

test('new makes different files when it runs twice at once, or says that it lost', async () => {
  await using project = createProject()

  const results = await Promise.all([project.run(['new', 'same']), project.run(['new', 'same'])])

  const codes = results.map(({ exitCode }) => Number(exitCode)).toSorted((a, b) => a - b)
  const files = filesOf(project)
  expect([
    [0, 0],
    [0, 2],
  ]).toContainEqual(codes)
  expect(files).toHaveLength(codes.filter((code) => code === 0).length)
})

test('the completion script loads in bash and offers commands and options', async () => {
  const complete = (words: string): string =>
    execFileSync(
      'bash',
      [
        '--norc',
        '-euc',
        `source <("$NODE" "$MAIN" completion bash)
         COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _migration_manager; echo "\${COMPREPLY[*]}"
         complete -p migration-manager`,
      ],
      { encoding: 'utf8', env: { PATH: process.env['PATH'], NODE: process.execPath, MAIN } },
    )

  expect(complete('migration-manager st')).toMatch(/^status\n/)
  expect(complete('migration-manager sync --dry')).toMatch(/^--dry-run\n/)
  expect(complete('migration-manager status --')).toContain('--check')
  expect(complete('migration-manager status --')).not.toContain('--dry-run')
  expect(complete('migration-manager st')).toContain('-F _migration_manager')
})

test.for(['zsh', 'fish'])('there is a completion script for %s', async (shell) => {
  await using project = createProject()

  const result = await project.run(['completion', shell])
  const guessed = await project.run(['completion'], { env: { SHELL: `/usr/bin/${shell}` } })

  expect(result).toMatchObject({ exitCode: 0, stderr: '' })
  expect(result.stdout).toContain('migration-manager')
  expect(result.stdout).toContain('status')
  expect(guessed.stdout).toBe(result.stdout)
})

function filesOf(project: TestProject): readonly string[] {
  return readdirSync(join(project.dir, 'database')).toSorted()
}

function stampOf(date: Date): string {
  return date.toISOString().replace(/\D/g, '').slice(0, 14)
}

async function tables(database: TestDatabase): Promise<readonly unknown[]> {
  const rows = await database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
  return rows.map((row) => row['tablename'])
}

function logOf(database: TestDatabase): Promise<readonly Record<string, unknown>[]> {
  return database.query('SELECT * FROM schema_migrations_log ORDER BY id')
}
