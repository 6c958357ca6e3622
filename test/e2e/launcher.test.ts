import { execFile } from 'node:child_process'
import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import type { TestProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const PACKAGES = ['yargs', 'ora', 'cli-table3', 'dotenv'] as const

test('in database/ the launcher works on the project above it', async () => {
  await using dev = await createDatabase('dev')
  await using prod = await createDatabase('prod')
  await using project = createCheckout()
  project.write('.env', `DATABASE_URL=${dev.url}\nPROD_DATABASE_URL=${prod.url}\n`)

  const before = await launch(project, ['status', '--json'])
  const sync = await launch(project, ['sync', '--yes'])
  const after = await launch(project, ['status', '--check'])

  expect(before).toMatchObject({ exitCode: 0 })
  expect(JSON.parse(before.stdout)).toMatchObject({
    environments: [
      { name: 'dev', pending: 4 },
      { name: 'prod', pending: 4 },
    ],
    migrations: [{ file: 'database/001-initial-setup.sql' }, {}, {}, {}],
  })
  expect(sync).toMatchObject({ exitCode: 0 })
  expect(after).toMatchObject({ exitCode: 0 })
  expect(await prod.query('SELECT count(*)::int AS n FROM schema_migrations')).toEqual([{ n: 4 }])
})

test('a .env beside the migrations counts, and --env-file wins over it', async () => {
  await using wanted = await createDatabase('wanted')
  await using other = await createDatabase('other')
  await using project = createCheckout()
  project.write('database/.env', `DATABASE_URL=${wanted.url}\n`)
  project.write('other.env', `DATABASE_URL=${other.url}\n`)

  const own = await launch(project, ['sync', '--to', '1'])
  // From the project's folder, so that the path is the same for Node, which looks at this option as well.
  const named = await launch(project, ['init', `--env-file=${join(project.dir, 'other.env')}`])

  expect(own).toMatchObject({ exitCode: 0 })
  expect(await wanted.query('SELECT migration_name FROM schema_migrations')).toEqual([
    { migration_name: '001-initial-setup' },
  ])
  expect(named).toMatchObject({ exitCode: 0 })
  expect(await other.query('SELECT migration_name FROM schema_migrations')).toEqual([])
})

test('a .env beside the migrations is in nobody’s way where there is no command', async () => {
  await using project = createCheckout()
  project.write('database/.env', 'DATABASE_URL=embedded:dev\n')

  const help = await launch(project, [])

  expect(help).toMatchObject({ exitCode: 0, stderr: '' })
  expect(help.stdout).toContain('migration-manager <command>')
})

test('paths behind the launcher count from where the caller stands', async () => {
  await using dev = await createDatabase('paths')
  await using project = createCheckout()
  project.write('database/prod.env', `DATABASE_URL=${dev.url}\n`)
  project.write('database/settings.json', '{ "migrationsDir": "sql" }')
  project.write('sql/001-a.sql', 'SELECT 1;\n')

  const here = await launch(project, ['new', 'foo', '--dir', '.'])
  const equal = await launch(project, ['new', 'bar', '--dir=.'])
  const above = await launch(project, ['new', 'baz', '--config', 'settings.json'])
  const env = await launch(project, ['status', '--json', '--env-file', 'prod.env'])
  const empty = await launch(project, ['new', 'foo', '--dir', ''])

  expect(here).toMatchObject({ exitCode: 0, stdout: '+ database/005-foo.sql\n' })
  expect(equal).toMatchObject({ exitCode: 0, stdout: '+ database/006-bar.sql\n' })
  expect(above).toMatchObject({ exitCode: 0, stdout: '+ sql/002-baz.sql\n' })
  expect(env).toMatchObject({ exitCode: 0 })
  expect(JSON.parse(env.stdout)).toMatchObject({ environments: [{ name: 'dev', pending: 6 }] })
  expect(empty).toMatchObject({ exitCode: 2 })
})

test('the launcher ends with the exit code of the command', async () => {
  await using project = createCheckout()

  const result = await launch(project, ['status'])

  expect(result).toMatchObject({ exitCode: 2, stdout: '' })
  expect(result.stderr).toContain('DATABASE_URL')
})

test('without a build the launcher says how to make one', async () => {
  await using project = createCheckout()
  project.remove('dist')

  const result = await launch(project, ['status'])

  expect(result).toMatchObject({ exitCode: 2, stdout: '' })
  expect(result.stderr).toContain('npm run build')
  expect(result.stderr).not.toMatch(/\bat .*:\d+/)
})

test('--version prints the version and loads no package', async () => {
  await using project = createProject()
  const { version }: { readonly version: string } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

  const result = await loadedPackages(project, ['--version'])

  expect(result).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '', packages: [], bundles: [] })
})

test('--help lists every command and its options, and loads no client library', async () => {
  await using project = createProject()

  const { exitCode, stdout, stderr, packages, bundles } = await loadedPackages(project, ['--help'])
  const bare = await project.run([])
  const own = await project.run(['sync', '--help'])

  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  for (const word of ['status', 'plan', 'sync', 'init', 'new', 'completion', '--env', '--json', '--version']) {
    expect(stdout).toContain(word)
  }
  expect(packages).toContain('yargs')
  expect(bundles).not.toContain('postgres')
  expect(packages).not.toContain('ora')
  expect(bare).toMatchObject({ exitCode: 0, stdout })
  expect(own).toMatchObject({ exitCode: 0 })
  expect(own.stdout).toContain('--dry-run')
})

test('status into a pipe loads no spinner', async () => {
  await using database = await createDatabase('spinner')
  await using project = createProject({
    files: { 'database/001-items.sql': 'CREATE TABLE items ();\n' },
    env: { DATABASE_URL: database.url },
  })

  const { exitCode, packages, bundles } = await loadedPackages(project, ['status'], { DATABASE_URL: database.url })

  expect(exitCode).toBe(0)
  // The reader of SQL, and what writes and starts processes, are in others.
  expect(bundles.toSorted()).toEqual(['connection', 'postgres', 'rolldown', 'shared', 'status'])
  expect(packages).toContain('cli-table3')
  expect(packages).not.toContain('ora')
  expect(await database.query("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).toEqual([])
})

test.for([
  [['statsu'], 'There is no command statsu.', 'Did you mean status?'],
  [['status', '--chek'], 'There is no option --chek.', 'Did you mean --check?'],
  [['sync', '--dryrun'], 'There is no option --dryrun.', 'Did you mean --dry-run?'],
  [['status', '--to', '3'], 'This command does not take --to.', '--to belongs to plan, sync, rollback.'],
  [['new'], '<description> is missing behind new.', 'new --help'],
  [['status', '--dir'], '--dir needs a value.', '--help'],
  [['sync', '--to', '1', '--only', '2'], '--only and --to exclude each other.', '--help'],
] as const)('%j exits 2 with the nearest name or the way to the help', async ([args, message, hint]) => {
  await using project = createProject()

  const result = await project.run(args)
  const german = await project.run(args, { env: { LC_ALL: 'de_DE.UTF-8' } })

  expect(result).toMatchObject({ exitCode: 2, stdout: '' })
  expect(result.stderr).toContain(message)
  expect(result.stderr).toContain(hint)
  expect(german.stderr).toBe(result.stderr)
})

/** A copy of the part of this repository that the launcher needs, so that no .env of a developer's is read. */
function createCheckout(): TestProject {
  const project = createProject()
  cpSync(join(ROOT, 'database'), join(project.dir, 'database'), {
    recursive: true,
    filter: (path) => !path.endsWith('.env'),
  })
  project.write('package.json', '{ "type": "module" }')
  symlinkSync(join(ROOT, 'dist'), join(project.dir, 'dist'))
  return project
}

interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `node migration-manager …` in database/, as a person does. */
function launch(project: TestProject, args: readonly string[]): Promise<Ended> {
  return runNode(['migration-manager', ...args], join(project.dir, 'database'), {})
}

/** Runs the command line and tells which packages it has loaded. */
async function loadedPackages(
  project: TestProject,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended & { readonly packages: readonly string[]; readonly bundles: readonly string[] }> {
  const record = join(project.dir, 'loaded.txt')
  project.write(
    'hooks.mjs',
    `import { appendFileSync } from 'node:fs'
     export function load(url, context, next) {
       appendFileSync(${JSON.stringify(record)}, url + '\\n')
       return next(url, context)
     }`,
  )
  project.write(
    'record.mjs',
    `import { appendFileSync } from 'node:fs'
     import { createRequire, register } from 'node:module'
     register('./hooks.mjs', import.meta.url)
     const { cache } = createRequire(import.meta.url)
     process.on('exit', () => appendFileSync(${JSON.stringify(record)}, Object.keys(cache).join('\\n')))`,
  )
  const main = join(ROOT, 'dist', 'cli', 'main.cjs')
  const preload = pathToFileURL(join(project.dir, 'record.mjs')).href
  const ended = await runNode(['--import', preload, main, ...args], project.dir, env)
  const urls = existsSync(record) ? readFileSync(record, 'utf8').split('\n') : []
  expect(urls).toContain(pathToFileURL(main).href)
  const packages = PACKAGES.filter((name) => urls.some((url) => url.includes(`/node_modules/${name}/`)))
  return { ...ended, packages, bundles: urls.flatMap((url) => /\/cli\/bundle\/(\w+)-/.exec(url)?.[1] ?? []) }
}

function runNode(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Promise<Ended> {
  const options = { cwd, env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env } }
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [...args], options, (_error, stdout, stderr) =>
      resolve({ exitCode: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}
