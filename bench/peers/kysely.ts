import type { Peer } from '../peer.ts'
import { findMissingPackage, program } from './installed.ts'
import { underscored, writeFiles } from './layout.ts'

export const kysely: Peer = {
  name: 'kysely',
  runs: "the library's Migrator, in a program of a few lines that hands it the SQL files",
  lacks: 'no checksums; one transaction for everything; no status',
  history: 'public.kysely_migration',
  findProblem: () => findMissingPackage('kysely'),
  layOut: (folder, files) => writeFiles(folder, 'migrations', files, underscored),
  commandsFor: ({ verb, databases }) =>
    verb === 'status'
      ? null
      : (verb === 'start' ? [{ url: '' }] : databases).map(({ url }) => ({
          program: process.execPath,
          args: [program('kysely.js')],
          env: { DATABASE_URL: url },
        })),
}
