import { spawnSync } from 'node:child_process'
import type { Command, MigrationFile, Peer, Task } from '../peer.ts'
import { dashed, writeFiles } from './layout.ts'

const HISTORY = 'bench_history'
const CREATE_HISTORY = `CREATE TABLE IF NOT EXISTS ${HISTORY} (name text PRIMARY KEY, applied_at timestamptz DEFAULT now());`
const READ_HISTORY = `SELECT name FROM ${HISTORY} ORDER BY name;`

/** The least that keeps the promise of a transaction and a history row for each file. */
export const psqlSession: Peer = {
  name: 'psql, one session',
  runs: 'reads its history, then each file between `BEGIN` and `INSERT` + `COMMIT`',
  lacks: 'knows what is pending; no lock, no checksums',
  history: `public.${HISTORY}`,
  findProblem: findPsql,
  layOut: (folder, files) => writeFiles(folder, 'database', files, dashed),
  commandsFor: (task) =>
    task.verb === 'start'
      ? [{ program: 'psql', args: ['--version'] }]
      : task.databases.map(({ url }) =>
          psql(url, [], [...readFirst(task), ...pendingOf(task).map(applyInSession)].join('\n')),
        ),
}

export const psqlProcesses: Peer = {
  ...psqlSession,
  name: 'psql, one process a file',
  runs: "`psql --single-transaction -f FILE -c 'INSERT …'`, a connection a file",
  commandsFor: (task) =>
    pendingOf(task).length === 0
      ? null
      : task.databases.flatMap(({ url }) => [
          psql(url, [], readFirst(task).join('\n')),
          ...pendingOf(task).map((file) =>
            psql(url, ['--single-transaction', '-f', pathOf(file), '-c', insertRow(file)]),
          ),
        ]),
}

function pendingOf({ verb, pending }: Task): readonly MigrationFile[] {
  return verb === 'sync' ? pending : []
}

function readFirst({ verb, files, pending }: Task): readonly string[] {
  return verb === 'sync' && files.length === pending.length ? [CREATE_HISTORY, READ_HISTORY] : [READ_HISTORY]
}

function pathOf(file: MigrationFile): string {
  return `database/${dashed(file)}`
}

function applyInSession(file: MigrationFile): string {
  return `BEGIN;\n\\i ${pathOf(file)}\n${insertRow(file)}\nCOMMIT;`
}

function insertRow({ version }: MigrationFile): string {
  return `INSERT INTO ${HISTORY} (name) VALUES ('${version}');`
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
    : 'psql is NOT MEASURED: it is not installed (Debian: apt-get install postgresql-client).'
}
