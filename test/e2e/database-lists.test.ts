import { expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'

const FILES = { 'database/001-items.sql': 'CREATE TABLE items (id int PRIMARY KEY);\n' }

/** Nothing listens on port 1. */
const urlOf = (at: number): string => `postgres://app:hunter2-${at}-hunter2@localhost:1/tenant_${at}`

const listOf = (count: number): string => Array.from({ length: count }, (_, at) => urlOf(at)).join('\n')

test('--verbose has one line for all databases of an environment, and no password is in what is said of them', async () => {
  await using project = createProject({
    files: { ...FILES, 'lists/tenants.txt': `\uFEFF# all\n${listOf(12)}\n` },
    env: { PROD_DATABASE_URLS_FILE: 'lists/tenants.txt', QA_DATABASE_URLS: `one=${urlOf(100)}` },
  })

  const { stdout, stderr } = await project.run(['verify', '--verbose', '--all'])

  expect(stderr.split('\n').filter((line) => /^(?:qa|prod):/.test(line))).toEqual([
    'qa: QA_DATABASE_URLS, 1 database, postgres, files in database, protected',
    'prod: lists/tenants.txt (PROD_DATABASE_URLS_FILE), 12 databases, postgres, files in database, protected',
  ])
  expect(stdout).toContain('prod/tenant_11')
  expect(stdout).toContain('lists/tenants.txt (PROD_DATABASE_URLS_FILE), line 13')
  expect(stdout + stderr).not.toContain('hunter2')
})

test('the shards of an environment together ask each of its databases once', async () => {
  await using project = createProject({ files: FILES, env: { PROD_DATABASE_URLS: listOf(9) } })

  const runs = await Promise.all(
    ['1/3', '2/3', '3/3'].map((shard) => project.run(['verify', '--json', '--shard', shard])),
  )

  const names = runs.flatMap((run) => run.json()['environments'].map(({ name }: { readonly name: string }) => name))
  expect(names).toHaveLength(9)
  expect(new Set(names)).toEqual(new Set(Array.from({ length: 9 }, (_, at) => `prod/tenant_${at}`)))
})

test('a shard without any database connects to none', async () => {
  await using project = createProject({ files: FILES, env: { PROD_DATABASE_URLS: urlOf(0) } })

  const runs = await Promise.all(['1/2', '2/2'].map((shard) => project.run(['sync', '--yes', '--shard', shard])))

  // The other one has found that nothing listens.
  expect(new Set(runs.map(({ exitCode }) => exitCode))).toEqual(new Set([0, 1]))
})

test.for([
  ['nope.txt', 'nope.txt (PROD_DATABASE_URLS_FILE) does not exist.'],
  ['database', 'database (PROD_DATABASE_URLS_FILE) cannot be read (EISDIR).'],
  ['utf16.txt', 'utf16.txt (PROD_DATABASE_URLS_FILE) is not UTF-8 text.'],
  [urlOf(0), 'PROD_DATABASE_URLS_FILE is not the path of a file.'],
] as const)('%s is no file with a list, which is said without a password', async ([value, message]) => {
  await using project = createProject({ files: FILES, env: { PROD_DATABASE_URLS_FILE: value } })
  project.write('utf16.txt', Buffer.from(`\uFEFF${urlOf(0)}`, 'utf16le'))

  const result = await project.run(['status'])

  expect(result).toMatchObject({ exitCode: 2, stdout: '' })
  expect(result.stderr).toContain(message)
  expect(result.stderr).not.toContain('hunter2')
})

test('a bad line of a list is named, and nothing of it is shown', async () => {
  await using project = createProject({
    files: { ...FILES, 'tenants.txt': `${urlOf(0)}\n\nmysql://u:hunter2-hunter2@h/d\n` },
    env: { PROD_DATABASE_URLS_FILE: 'tenants.txt' },
  })

  const result = await project.run(['sync', '--yes', '--json'])

  expect(result).toMatchObject({ exitCode: 2 })
  expect(result.stdout).toContain('tenants.txt (PROD_DATABASE_URLS_FILE), line 3')
  expect(result.stdout + result.stderr).not.toContain('hunter2')
})
