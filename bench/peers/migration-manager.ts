import { resolve } from 'node:path'
import type { Peer } from '../peer.ts'
import { dashed, writeFiles } from './layout.ts'

export const migrationManager: Peer = {
  name: 'migration-manager',
  runs: '`sync --yes`, `status`: the built command line, all databases in one run',
  lacks: '',
  history: 'public.schema_migrations',
  findProblem: () => null,
  layOut: (folder, files) => writeFiles(folder, 'database', files, dashed),
  commandsFor: ({ verb, databases }) => [
    {
      program: process.execPath,
      args: [
        resolve('dist/cli/main.cjs'),
        ...{ sync: ['sync', '--yes'], status: ['status'], start: ['--version'] }[verb],
      ],
      env: Object.fromEntries(databases.map(({ environment, url }) => [`${environment}_DATABASE_URL`, url])),
    },
  ],
}
