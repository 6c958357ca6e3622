import type { Peer } from '../peer.ts'
import { binary, findMissing } from './installed.ts'
import { underscored, writeFiles } from './layout.ts'

export const supabase: Peer = {
  name: 'supabase',
  runs: '`supabase db push --remote=URL`, `supabase migration list --remote=URL`',
  lacks: 'no checksums, no lock; keeps the SQL in its history',
  history: 'supabase_migrations.schema_migrations',
  findProblem: () => findMissing('supabase'),
  layOut: (folder, files) => writeFiles(folder, 'supabase/migrations', files, underscored),
  commandsFor({ verb, databases }) {
    if (verb === 'start') return [{ program: binary('supabase'), args: ['--version'], env: QUIET }]
    return databases.map(({ url }) => ({
      program: binary('supabase'),
      args: [...(verb === 'sync' ? ['db', 'push', '--yes'] : ['migration', 'list']), `--remote=${url}?sslmode=disable`],
      env: QUIET,
    }))
  },
}

/** It would send what it is used for to its makers. */
const QUIET = { SUPABASE_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' }
