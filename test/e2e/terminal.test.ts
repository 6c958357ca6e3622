import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createProject, MAIN } from '../support/cli.ts'
import type { TestProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'
import type { TestDatabase } from '../support/server.ts'

const ITEMS = { 'database/001-items.sql': 'CREATE TABLE items (id int PRIMARY KEY);\n' }
const MORE = { 'database/002-more.sql': 'CREATE TABLE more (id int PRIMARY KEY);\n' }
const ESCAPE = new RegExp(String.fromCharCode(27))

test.skipIf(!existsSync('/dev/full'))('output that cannot be written is no success: the disk is full', async () => {
  await using database = await createDatabase('full')
  await using project = createProject({ files: ITEMS, env: { DATABASE_URL: database.url } })
  const full = openSync('/dev/full', 'w')

  const { status, stderr } = spawnSync(process.execPath, [MAIN, 'status', '--json'], {
    cwd: project.dir,
    env: { PATH: process.env['PATH'], DATABASE_URL: database.url },
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  })
  closeSync(full)

  expect(stderr).toContain('output/lost')
  expect(stderr).toContain('The output could not be written (ENOSPC).')
  expect(status).toBe(1)
})

test.skipIf(!hasScript())('on a terminal of 60 columns no line of status is longer', async () => {
  await using dev = await createDatabase('dev')
  await using staging = await createDatabase('staging')
  await using prod = await createDatabase('prod')
  const long = 'database/003-a-name-that-is-much-longer-than-the-terminal-is-wide-and-then-some.sql'
  await using project = createProject({
    files: { ...ITEMS, ...MORE, [long]: 'SELECT 1;\n' },
    env: { DATABASE_URL: dev.url, STAGING_DATABASE_URL: staging.url, PROD_DATABASE_URL: prod.url },
  })
  await project.run(['sync', '--env', 'dev', '--to', '1'])

  const output = await onTerminal(project, `stty cols 60; '${process.execPath}' '${MAIN}' status`, {
    NO_COLOR: '1',
    DATABASE_URL: dev.url,
    STAGING_DATABASE_URL: staging.url,
    PROD_DATABASE_URL: prod.url,
  })

  const cells = cellsOf(output)
  expect(output).not.toMatch(ESCAPE)
  expect(Math.max(...output.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(60)
  expect(cells['001-items']).toMatch(/^✓ · ·/)
  expect(Object.keys(cells).find((name) => name.startsWith('003-'))).toMatch(/^003-a-name.*…$/)
  expect(output).toContain('1 applied, 2 pending')
  expect(await appliedNames(dev)).toEqual(['001-items'])
})

test.skipIf(!hasScript())(
  'colours are for terminals, unless NO_COLOR, FORCE_COLOR or --no-color say otherwise',
  async () => {
    await using database = await createDatabase('colours')
    await using project = createProject({ files: ITEMS, env: { DATABASE_URL: database.url } })
    const command = `'${process.execPath}' '${MAIN}' status`
    const env = { DATABASE_URL: database.url, TERM: 'xterm' }

    expect(await onTerminal(project, command, env)).toMatch(ESCAPE)
    expect(await onTerminal(project, command, { ...env, NO_COLOR: '1' })).not.toMatch(ESCAPE)
    expect(await onTerminal(project, `${command} --no-color`, env)).not.toMatch(ESCAPE)
    expect(await onTerminal(project, command, { ...env, TERM: 'dumb' })).not.toMatch(ESCAPE)

    const piped = await project.run(['status'])
    const forced = await project.run(['status'], { env: { FORCE_COLOR: '1' } })
    const both = await project.run(['status'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })
    const json = await project.run(['status', '--json'], { env: { FORCE_COLOR: '1' } })

    expect(piped.stdout).not.toMatch(ESCAPE)
    expect(forced.stdout).toMatch(ESCAPE)
    expect(both.stdout).not.toMatch(ESCAPE)
    expect(json.stdout).not.toMatch(ESCAPE)
    expect(await tables(database)).toEqual([])
  },
)

test.for([
  ['status --all', 'head -1'],
  ['status --all', 'true'],
  ['status --json', 'true'],
  ['sync', 'true'],
])('%s into a pipe that is closed (| %s) ends without a stack trace', async ([command, reader]) => {
  await using database = await createDatabase('pipe')
  // More than a pipe holds (64 KiB on Linux), so that the writer is still at work when the reader goes.
  const names = Array.from({ length: 600 }, (_, index) => `database/${index + 1}-${'long-name-'.repeat(20)}.sql`)
  await using project = createProject({ files: Object.fromEntries(names.map((name) => [name, 'SELECT 1;\n'])) })
  const line = `'${process.execPath}' '${MAIN}' ${command} | ${reader}; exit "\${PIPESTATUS[0]}"`

  const result = await inShell(project, line, { DATABASE_URL: database.url })

  expect(result).toMatchObject({ exitCode: 0 })
  expect(result.stderr).not.toMatch(/EPIPE|Error|\bat .*:\d+/)
  const applied = await tables(database)
  expect(applied).toEqual(command === 'sync' ? ['schema_migrations', 'schema_migrations_log'] : [])
})

function hasScript(): boolean {
  try {
    execFileSync('script', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Runs a shell command on a terminal of its own and resolves with all that it showed. */
async function onTerminal(
  project: TestProject,
  command: string,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const { stdout } = await inShell(project, `script -qec "$COMMAND" /dev/null`, { ...env, COMMAND: command })
  return stdout.replaceAll('\r\n', '\n')
}

async function inShell(
  project: TestProject,
  line: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly exitCode: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn('bash', ['-c', line], {
    cwd: project.dir,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], SHELL: '/bin/bash', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return { exitCode, stdout, stderr }
}

async function appliedNames(database: TestDatabase): Promise<readonly unknown[]> {
  const rows = await database.query('SELECT migration_name FROM schema_migrations ORDER BY migration_name')
  return rows.map((row) => row['migration_name'])
}

async function tables(database: TestDatabase): Promise<readonly unknown[]> {
  const rows = await database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
  return rows.map((row) => row['tablename'])
}

/** The rows of the table in a text: what stands behind the first word of each line, its blanks made single. */
function cellsOf(text: string): Record<string, string> {
  const [table = ''] = text.split('\n\n')
  return Object.fromEntries(
    table.split('\n').map((line) => {
      const [name = '', ...rest] = line.trim().split(/\s+/)
      return [name, rest.join(' ')]
    }),
  )
}
