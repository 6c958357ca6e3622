import type { Peer } from '../peer.ts'
import { findMissingPackage, program } from './installed.ts'
import { underscored, writeFiles } from './layout.ts'

export const postgresMigrations: Peer = {
  name: 'postgres-migrations',
  runs: 'the library, in a program of a few lines',
  lacks: 'no status',
  history: 'public.migrations',
  // Its first migration makes the table.
  ownRows: 1,
  findProblem: () => findMissingPackage('postgres-migrations'),
  layOut: (folder, files) => writeFiles(folder, 'migrations', files, underscored),
  commandsFor: ({ verb, databases }) =>
    verb === 'status'
      ? null
      : (verb === 'start' ? [{ url: '' }] : databases).map(({ url }) => ({
          program: process.execPath,
          args: [program('postgres-migrations.js')],
          env: { DATABASE_URL: url },
        })),
}
