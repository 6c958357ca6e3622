import { resolve } from 'node:path'
import type { Peer, Task } from '../peer.ts'
import { dashed, writeFiles } from './layout.ts'

/** The limit of the wire: all pending files in one message over a bare socket. */
export const raw: Peer = {
  name: 'raw',
  runs: 'all pending files in one message over a bare socket, all databases at once',
  lacks: 'a limit, not a tool: no lock, no checks, no progress, no errors for people',
  history: 'public.bench_history',
  findProblem: () => null,
  layOut: (folder, files) => writeFiles(folder, 'database', files, dashed),
  commandsFor: commandsWith('ordinary'),
}

export const rawPipelined: Peer = {
  ...raw,
  name: 'raw, pipelined login',
  runs: 'the same; says what SCRAM lets it say before it is asked',
  commandsFor: commandsWith('pipelined'),
}

function commandsWith(login: 'ordinary' | 'pipelined'): Peer['commandsFor'] {
  return ({ verb, databases }: Task) =>
    verb === 'start'
      ? null
      : [
          {
            program: process.execPath,
            args: [resolve('bench/build/bench/programs/raw.js'), login, verb],
            env: { RAW_URLS: databases.map(({ url }) => url).join(' ') },
          },
        ]
}
