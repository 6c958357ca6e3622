import { resolve } from 'node:path'
import type { Peer } from '../peer.ts'
import { dashed, writeFiles } from './layout.ts'

/** The floor of tools that are written for Node.js: the client library that we use, and sixty lines. */
export const postgresJs: Peer = {
  name: 'node + postgres.js',
  runs: 'all pending files in one message over postgres.js, all databases at once',
  lacks:
    'the least a tool for Node.js can do: no configuration, no lock, no findings, no progress, no errors for people',
  history: 'public.bench_history',
  findProblem: () => null,
  layOut: (folder, files) => writeFiles(folder, 'database', files, dashed),
  commandsFor: ({ verb, databases }) =>
    verb === 'start'
      ? null
      : [
          {
            program: process.execPath,
            args: [resolve('bench/build/bench/programs/postgres-js.js'), verb],
            env: { DATABASE_URLS: databases.map(({ url }) => url).join(' ') },
          },
        ],
}
