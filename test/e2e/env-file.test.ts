import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const FILES = { 'database/001-items.sql': 'CREATE TABLE items (id int PRIMARY KEY);\n' }

/** What people paste: every character that means something in a URL. */
const AWKWARD = 'p@s#s/w?r%d x'

test('a .env file may hold quotes, spaces, export, comments and CRLF', async () => {
  await using dev = await createDatabase('dev')
  await using staging = await createDatabase('staging')
  await using prod = await createDatabase('prod')
  await using project = createProject({
    files: {
      ...FILES,
      '.env': [
        '# the databases',
        `export DATABASE_URL="${dev.url}"`,
        '',
        `  STAGING_DATABASE_URL = '${staging.url}'   `,
        `PROD_DATABASE_URL=${prod.url}   # careful`,
        '',
      ].join('\r\n'),
    },
  })

  const result = await project.run(['sync', '--yes', '--json'])

  expect(result).toMatchObject({ exitCode: 0 })
  expect(result.json()).toMatchObject({ environments: [{ name: 'dev' }, { name: 'staging' }, { name: 'prod' }] })
  for (const database of [dev, staging, prod]) expect(await appliedNames(database)).toEqual(['001-items'])
})

test.for([
  ['as it is, in a variable', 'variable', AWKWARD],
  ['escaped, in a variable', 'variable', encodeURIComponent(AWKWARD)],
  ['as it is, in a .env file without quotes', 'plain', AWKWARD],
  ['as it is, in a .env file with quotes', 'quoted', AWKWARD],
] as const)('an awkward password is understood %s', async ([, place, written]) => {
  await using database = await createDatabase('awkward')
  const url = await urlOfNewOwner(database, AWKWARD, written)
  await using project = createProject({ files: FILES, env: place === 'variable' ? { DATABASE_URL: url } : {} })
  if (place !== 'variable') project.write('.env', `DATABASE_URL=${place === 'quoted' ? `'${url}'` : url}\n`)

  const result = await project.run(['sync'])

  expect(result).toMatchObject({ exitCode: 0 })
  expect(await appliedNames(database)).toEqual(['001-items'])
  for (const form of [AWKWARD, encodeURIComponent(AWKWARD)]) {
    expect(result.stdout + result.stderr).not.toContain(form)
  }
})

test('a password that can be read in two ways is refused with the way to write it, and without the password', async () => {
  await using database = await createDatabase('two_ways')
  await using project = createProject({
    files: FILES,
    env: { DATABASE_URL: database.url.replace(/:[0-9a-f]+@/, ':secret%41@word@') },
  })

  const result = await project.run(['sync'])

  expect(result).toMatchObject({ exitCode: 2, stdout: '' })
  expect(result.stderr).toContain('DATABASE_URL')
  expect(result.stderr).toContain('%40')
  expect(result.stderr).not.toMatch(/secret|word@/)
  expect(await tables(database)).toEqual([])
})

test('a variable that is set wins over the .env file', async () => {
  await using wanted = await createDatabase('wanted')
  await using other = await createDatabase('other')
  await using project = createProject({
    files: { ...FILES, '.env': `DATABASE_URL=${other.url}\n` },
    env: { DATABASE_URL: wanted.url },
  })

  const result = await project.run(['sync'])

  expect(result).toMatchObject({ exitCode: 0 })
  expect(await appliedNames(wanted)).toEqual(['001-items'])
  expect(await tables(other)).toEqual([])
})

test('--env-file is read in place of .env, and must be there', async () => {
  await using wanted = await createDatabase('wanted')
  await using other = await createDatabase('other')
  await using project = createProject({
    files: {
      ...FILES,
      '.env': `DATABASE_URL=${other.url}\n`,
      'settings/ci.env': `DATABASE_URL=${wanted.url}\n`,
    },
  })

  const absent = await project.run(['sync', '--env-file', 'settings/no.env'])
  const result = await project.run(['sync', '--env-file', 'settings/ci.env'])

  // Node 20 takes the option for its own and ends with 9 before we are asked (nodejs/node#54232).
  expect([2, 9]).toContain(absent.exitCode)
  expect(absent.stdout).toBe('')
  expect(absent.stderr).toContain('settings/no.env')
  expect(result).toMatchObject({ exitCode: 0 })
  expect(await appliedNames(wanted)).toEqual(['001-items'])
  expect(await tables(other)).toEqual([])
})

/** Makes a role with the password that owns the database; `written` is how the password stands in the URL. */
async function urlOfNewOwner(database: TestDatabase, password: string, written: string): Promise<string> {
  const role = `owner_${randomBytes(6).toString('hex')}`
  await database.query(
    `CREATE ROLE ${role} LOGIN PASSWORD '${password}'; ALTER DATABASE ${database.name} OWNER TO ${role}`,
  )
  const { host, port } = database.server
  return `postgres://${role}:${written}@${host}:${port}/${database.name}`
}

async function appliedNames(database: TestDatabase): Promise<readonly unknown[]> {
  const rows = await database.query(
    "SELECT migration_name FROM schema_migrations WHERE status = 'applied' ORDER BY migration_name",
  )
  return rows.map((row) => row['migration_name'])
}

async function tables(database: TestDatabase): Promise<readonly unknown[]> {
  const rows = await database.query(
    `SELECT schemaname || '.' || tablename AS found FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY schemaname || '.' || tablename COLLATE "C"`,
  )
  return rows.map((row) => row['found'])
}
