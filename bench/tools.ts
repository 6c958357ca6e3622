import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'

/** What a tool is to do, once. */
export interface Task {
  readonly verb: 'sync' | 'status'
  /** The migration files in order, relative to the working directory: `database/00001-made.sql`. */
  readonly files: readonly string[]
  /** Whether the databases are fresh; else all files are applied by this same tool. */
  readonly isFresh: boolean
  readonly databases: readonly { readonly environment: string; readonly url: string }[]
}

/** One process to run to its end in the folder that holds `database/`. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
}

/** A way to do the tasks. A new one is an entry in `TOOLS`. */
export interface Tool {
  readonly name: string
  /** Why it cannot take part on this machine, or null. */
  findProblem(): string | null
  /** The processes that do a task, one after the other; null for a task that it does no differently from another tool. */
  commandsFor(task: Task): readonly Command[] | null
}

/** The tool that the others are compared with. */
export const BASE = 'psql, one session'

const HISTORY = 'bench_history'
const CREATE_HISTORY = `CREATE TABLE IF NOT EXISTS ${HISTORY} (name text PRIMARY KEY, applied_at timestamptz DEFAULT now());`
const READ_HISTORY = `SELECT name FROM ${HISTORY} ORDER BY name;`

export const TOOLS: readonly Tool[] = [
  {
    name: 'migration-manager',
    findProblem: () => null,
    commandsFor: ({ verb, databases }) => [
      {
        program: process.execPath,
        args: [resolve('dist/cli/main.js'), verb, ...(verb === 'sync' ? ['--yes'] : [])],
        env: Object.fromEntries(databases.map(({ environment, url }) => [`${environment}_DATABASE_URL`, url])),
      },
    ],
  },
  {
    // The least that keeps the promise of a transaction and a history row for each file.
    name: BASE,
    findProblem: findPsql,
    commandsFor: (task) =>
      task.databases.map(({ url }) =>
        psql(url, [], [...readFirst(task), ...(task.isFresh ? task.files.map(applyInSession) : [])].join('\n')),
      ),
  },
  {
    name: 'psql, one process a file',
    findProblem: findPsql,
    commandsFor: (task) =>
      task.isFresh
        ? task.databases.flatMap(({ url }) => [
            psql(url, [], readFirst(task).join('\n')),
            ...task.files.map((file) => psql(url, ['--single-transaction', '-f', file, '-c', insertRow(file)])),
          ])
        : null,
  },
]

function readFirst({ isFresh }: Task): readonly string[] {
  return isFresh ? [CREATE_HISTORY, READ_HISTORY] : [READ_HISTORY]
}

function applyInSession(file: string): string {
  return `BEGIN;\n\\i ${file}\n${insertRow(file)}\nCOMMIT;`
}

function insertRow(file: string): string {
  return `INSERT INTO ${HISTORY} (name) VALUES ('${file}');`
}

function psql(url: string, args: readonly string[], input?: string): Command {
  return {
    program: 'psql',
    args: ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', `--dbname=${url}`, ...args],
    // The other tools do not ask for TLS on this server either; asking would be one more flight.
    env: { PGSSLMODE: 'disable', PGGSSENCMODE: 'disable' },
    ...(input === undefined ? {} : { input }),
  }
}

function findPsql(): string | null {
  return spawnSync('psql', ['--version']).status === 0
    ? null
    : 'psql is not installed: no ratios, our own figures only (Debian: apt-get install postgresql-client).'
}
