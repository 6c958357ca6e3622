import { expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import type { CliResult } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const FILES = { 'database/001-items.sql': 'CREATE TABLE items (id int PRIMARY KEY);\n' }

test('without any environment the error says which variables to set', async () => {
  await using project = createProject({ files: FILES })

  const text = await project.run(['status'])
  const json = await project.run(['sync', '--json'])

  expect(text).toMatchObject({ exitCode: 2, stdout: '' })
  expect(text.stderr).toContain('DATABASE_URL')
  expect(text.stderr).toContain('.env')
  expect(json).toMatchObject({ exitCode: 2, stderr: '' })
  expect(json.json()).toMatchObject({ status: 'error', error: { code: 'config/no-environment' } })
})

test('in the folder of the migrations the message leads to the folder above', async () => {
  await using dev = await createDatabase('dev')
  await using project = createProject({ files: { ...FILES, '.env': `DATABASE_URL=${dev.url}\n` } })
  const inside = { cwd: 'database' }

  const withFile = await project.run(['status'], inside)
  project.remove('.env')
  const bare = await project.run(['status'], inside)
  const exported = await project.run(['status'], { ...inside, env: { DATABASE_URL: dev.url } })
  const right = await project.run(['status'], { env: { DATABASE_URL: dev.url } })

  expect(withFile).toMatchObject({ exitCode: 2 })
  expect(words(withFile.stderr)).toContain(`${project.dir} has .env: run it there.`)
  expect(words(withFile.stderr)).toContain(`configured in ${project.dir}/database:`)
  expect(words(bare.stderr)).toContain(`${project.dir} has database/: run it there.`)
  expect(exported).toMatchObject({ exitCode: 2 })
  expect(words(exported.stderr)).toContain(`The folder database is not there in ${project.dir}/database.`)
  expect(words(exported.stderr)).toContain(`${project.dir} has it: run it there. Else: Run migration-manager init`)
  expect(right).toMatchObject({ exitCode: 0 })
})

test('an unknown --env is refused with the nearest name', async () => {
  await using dev = await createDatabase('dev')
  await using staging = await createDatabase('staging')
  await using project = createProject({
    files: FILES,
    env: { DATABASE_URL: dev.url, STAGING_DATABASE_URL: staging.url },
  })

  const result = await project.run(['sync', '--yes', '--env', 'dev,stagign'])

  expect(result).toMatchObject({ exitCode: 2, stdout: '' })
  expect(result.stderr).toContain('stagign')
  expect(result.stderr).toContain('Did you mean staging?')
  expect(await tables(dev)).toEqual([])
  expect(await tables(staging)).toEqual([])
})

test('--env may be repeated, and chooses what is written to', async () => {
  await using dev = await createDatabase('dev')
  await using staging = await createDatabase('staging')
  await using prod = await createDatabase('prod')
  await using project = createProject({
    files: FILES,
    env: { DATABASE_URL: dev.url, STAGING_DATABASE_URL: staging.url, PROD_DATABASE_URL: prod.url },
  })

  const result = await project.run(['sync', '--yes', '--json', '--env', 'dev', '--env', 'staging'])

  expect(result).toMatchObject({ exitCode: 0 })
  expect(statuses(result.json())).toEqual({ dev: 'applied', staging: 'applied' })
  expect(await appliedNames(dev)).toEqual(['001-items'])
  expect(await appliedNames(staging)).toEqual(['001-items'])
  expect(await tables(prod)).toEqual([])
})

test('MIGRATION_ENVIRONMENTS says who takes part, and in which order', async () => {
  await using first = await createDatabase('first')
  await using second = await createDatabase('second')
  await using leftOut = await createDatabase('left_out')
  await using project = createProject({
    files: FILES,
    env: {
      MIGRATION_ENVIRONMENTS: 'zebra, dev',
      DATABASE_URL: second.url,
      ZEBRA_DATABASE_URL: first.url,
      STAGING_DATABASE_URL: leftOut.url,
    },
  })

  const result = await project.run(['sync', '--yes', '--json'])

  expect(result).toMatchObject({ exitCode: 0 })
  expect(Object.keys(statuses(result.json()))).toEqual(['zebra', 'dev'])
  const applied = await Promise.all([first, second].map(appliedAt))
  expect(applied[0]).toBeLessThan(applied[1] ?? 0)
  expect(await tables(leftOut)).toEqual([])
})

test('without MIGRATION_ENVIRONMENTS dev comes first and prod last', async () => {
  await using dev = await createDatabase('dev')
  await using alpha = await createDatabase('alpha')
  await using staging = await createDatabase('staging')
  await using prod = await createDatabase('prod')
  await using project = createProject({
    files: FILES,
    env: {
      PROD_DATABASE_URL: prod.url,
      ALPHA_DATABASE_URL: alpha.url,
      STAGING_DATABASE_URL: staging.url,
      DATABASE_URL: dev.url,
    },
  })

  const result = await project.run(['status', '--json'])

  expect(result).toMatchObject({ exitCode: 0 })
  const { environments } = result.json()
  expect(environments).toMatchObject([
    { name: 'dev', protected: false },
    { name: 'staging', protected: true },
    { name: 'alpha', protected: true },
    { name: 'prod', protected: true },
  ])
  expect(await tables(dev)).toEqual([])
})

test('MIGRATION_SCHEMA keeps the history in a schema of its own, which is made', async () => {
  await using database = await createDatabase('schema')
  await using project = createProject({
    files: FILES,
    env: { DATABASE_URL: database.url, MIGRATION_SCHEMA: 'Our History' },
  })

  const result = await project.run(['sync'])
  const again = await project.run(['status', '--check'])

  expect(result).toMatchObject({ exitCode: 0 })
  expect(again).toMatchObject({ exitCode: 0 })
  expect(await tables(database)).toEqual([
    'Our History.schema_migrations',
    'Our History.schema_migrations_log',
    'public.items',
  ])
  expect(await database.query('SELECT migration_name FROM "Our History".schema_migrations')).toEqual([
    { migration_name: '001-items' },
  ])
})

test('MIGRATION_PROTECTED says who needs a confirmation', async () => {
  await using dev = await createDatabase('dev')
  await using prod = await createDatabase('prod')
  await using project = createProject({ files: FILES, env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url } })

  const unknown = await project.run(['sync'], { env: { MIGRATION_PROTECTED: 'prdo' } })
  const all = await project.run(['sync', '--json'], { env: { MIGRATION_PROTECTED: 'dev,prod' } })
  const before = [await tables(dev), await tables(prod)]
  const none = await project.run(['sync'], { env: { MIGRATION_PROTECTED: 'none' } })

  expect(unknown).toMatchObject({ exitCode: 2, stdout: '' })
  expect(unknown.stderr).toContain('Did you mean prod?')
  expect(all).toMatchObject({ exitCode: 4 })
  expect(all.json()).toMatchObject({ findings: [{ code: 'policy/confirmation-needed', environment: 'dev' }] })
  expect(before).toEqual([[], []])
  expect(none).toMatchObject({ exitCode: 0 })
  expect(await appliedNames(prod)).toEqual(['001-items'])
})

test('an environment with a folder of its own gets only the files of that folder', async () => {
  await using dev = await createDatabase('dev')
  await using edge = await createDatabase('edge')
  await using project = createProject({
    files: { ...FILES, 'edge/001-cache.sql': 'CREATE TABLE cache (id int);\n' },
    env: { DATABASE_URL: dev.url, EDGE_DATABASE_URL: edge.url, EDGE_MIGRATIONS_DIR: 'edge' },
  })

  const sync = await project.run(['sync', '--yes'])
  const status = await project.run(['status', '--check', '--json'])

  expect(sync).toMatchObject({ exitCode: 0 })
  expect(status).toMatchObject({ exitCode: 0 })
  const { migrations } = status.json()
  expect(migrations).toMatchObject([{ file: 'database/001-items.sql' }, { file: 'edge/001-cache.sql' }])
  expect(Object.keys(migrations[0].environments)).toEqual(['dev'])
  expect(Object.keys(migrations[1].environments)).toEqual(['edge'])
  expect(await appliedNames(dev)).toEqual(['001-items'])
  expect(await appliedNames(edge)).toEqual(['001-cache'])
})

test('--verbose says which variable each environment came from, never its value', async () => {
  await using dev = await createDatabase('dev')
  await using prod = await createDatabase('prod')
  await using project = createProject({
    files: { ...FILES, '.env': `DATABASE_URL=${dev.url}\n` },
    env: { PROD_DATABASE_URL: prod.url },
  })

  const result = await project.run(['sync', '--verbose', '--yes'])

  expect(result).toMatchObject({ exitCode: 0 })
  expect(result.stderr).toContain('DATABASE_URL (.env)')
  expect(result.stderr).toContain('PROD_DATABASE_URL')
  expect(result.stdout + result.stderr).not.toContain(dev.server.password)
  expect(await appliedNames(dev)).toEqual(['001-items'])
})

test('a secret that a pipeline does not know leaves prod out, and that is said; with a list it is refused', async () => {
  await using dev = await createDatabase('dev')
  await using project = createProject({
    files: FILES,
    env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: '', GITHUB_ACTIONS: 'true', CI: 'true' },
  })

  const text = await project.run(['sync', '--yes'])
  const json = await project.run(['status', '--check', '--json'])
  const needed = await project.run(['sync', '--yes'], { env: { MIGRATION_ENVIRONMENTS: 'dev,prod' } })

  expect(text).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('PROD_DATABASE_URL is set but empty: prod is left out.'),
    stderr: expect.stringMatching(/^::warning title=config\/empty-variable::PROD_DATABASE_URL is set but empty/mu),
  })
  expect(json).toMatchObject({ exitCode: 0 })
  expect(json.json()['findings']).toMatchObject([{ code: 'config/empty-variable', severity: 'warn' }])
  expect(needed).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('config/missing-url') })
})

test('who lacks the connection string of prod works on dev with a committed configuration', async () => {
  await using dev = await createDatabase('dev')
  await using project = createProject({
    files: {
      ...FILES,
      'migration-manager.config.json': '{ "environments": ["dev", "prod"], "protected": ["prod"] }',
    },
    env: { DATABASE_URL: dev.url },
  })
  const empty = { env: { PROD_DATABASE_URL: '' } }

  const codes: Record<string, number | null> = {}
  for (const command of ['status', 'sync', 'status --env dev', 'rollback --env dev', 'sync --env dev', 'status']) {
    codes[command] = (await project.run(command.split(' '))).exitCode
  }
  const missed = await project.run(['status'], empty)
  const alone = await project.run(['status'], { env: { MIGRATION_ENVIRONMENTS: 'dev' } })
  const checked = await project.run(['check', '--reversible'])

  expect(codes).toEqual({ status: 2, sync: 2, 'status --env dev': 0, 'rollback --env dev': 2, 'sync --env dev': 0 })
  expect(await appliedNames(dev)).toEqual(['001-items'])
  // A secret that is missing in a pipeline arrives as an empty one.
  expect(missed).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('PROD_DATABASE_URL is empty') })
  expect(alone).toMatchObject({ exitCode: 0 })
  expect(checked).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('001-items') })
})

test('every problem of the configuration is told at once, and no value with it', async () => {
  await using database = await createDatabase('problems')
  await using project = createProject({
    files: { ...FILES, 'migration-manager.config.json': '{ "timeout": {}, "schema": 7 }' },
    env: { DATABASE_URL: database.url, PROD_DATABASE_URL: 'mysql://root:hunter2@db/app' },
  })

  const result = await project.run(['sync'])

  expect(result).toMatchObject({ exitCode: 2, stdout: '' })
  expect(result.stderr).toContain('Did you mean "timeouts"?')
  expect(result.stderr).toContain('"schema"')
  expect(result.stderr).toContain('PROD_DATABASE_URL')
  expect(result.stderr).not.toContain('hunter2')
  expect(await tables(database)).toEqual([])
})

/** A text without its line breaks. */
function words(text: string): string {
  return text.replace(/\s+/gu, ' ')
}

function statuses(json: ReturnType<CliResult['json']>): Record<string, string> {
  const environments: readonly { readonly name: string; readonly status: string }[] = json['environments']
  return Object.fromEntries(environments.map(({ name, status }) => [name, status]))
}

async function appliedNames(database: TestDatabase): Promise<readonly unknown[]> {
  const rows = await database.query(
    "SELECT migration_name FROM schema_migrations WHERE status = 'applied' ORDER BY migration_name",
  )
  return rows.map((row) => row['migration_name'])
}

/** When the only migration was applied, in milliseconds; all databases of a test run have one clock. */
async function appliedAt(database: TestDatabase): Promise<number> {
  const [row] = await database.query(
    'SELECT extract(epoch FROM applied_at)::float8 * 1000 AS ms FROM schema_migrations',
  )
  return Number(row?.['ms'])
}

async function tables(database: TestDatabase): Promise<readonly unknown[]> {
  const rows = await database.query(
    `SELECT schemaname || '.' || tablename AS found FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY schemaname || '.' || tablename COLLATE "C"`,
  )
  return rows.map((row) => row['found'])
}
