import type { Peer } from '../peer.ts'
import { binary, findMissing } from './installed.ts'
import { underscored, writeFiles } from './layout.ts'

export const nodePgMigrate: Peer = {
  name: 'node-pg-migrate',
  runs: '`node-pg-migrate up`: one transaction for everything, its default',
  lacks: 'no checksums; all files in one transaction, unless told otherwise; status is `up --dry-run`',
  history: 'public.pgmigrations',
  findProblem: () => findMissing('node-pg-migrate'),
  layOut: (folder, files) => writeFiles(folder, 'migrations', files, underscored),
  commandsFor: commandsWith([]),
}

export const nodePgMigrateByFile: Peer = {
  ...nodePgMigrate,
  name: 'node-pg-migrate, a transaction a file',
  runs: '`node-pg-migrate up --no-single-transaction`',
  lacks: 'no checksums',
  commandsFor: (task) => (task.verb === 'sync' ? commandsWith(['--no-single-transaction'])(task) : null),
}

function commandsWith(options: readonly string[]): Peer['commandsFor'] {
  return ({ verb, databases }) =>
    verb === 'start'
      ? [{ program: binary('node-pg-migrate'), args: ['--version'] }]
      : databases.map(({ url }) => ({
          program: binary('node-pg-migrate'),
          args: ['up', '--no-verbose', ...(verb === 'status' ? ['--dry-run'] : []), ...options],
          env: { DATABASE_URL: url },
        }))
}
