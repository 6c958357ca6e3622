import type { Peer } from '../peer.ts'
import { binary, findMissing } from './installed.ts'
import { underscored, writeFiles } from './layout.ts'

export const dbmate: Peer = {
  name: 'dbmate',
  runs: '`dbmate up`, `dbmate status` through its npm command',
  lacks: 'no checksums, no lock',
  history: 'public.schema_migrations',
  findProblem: () => findMissing('dbmate'),
  layOut: (folder, files) =>
    writeFiles(folder, 'db/migrations', files, underscored, ({ sql }) => `-- migrate:up\n${sql}\n-- migrate:down\n`),
  commandsFor({ verb, databases }) {
    if (verb === 'start') return [{ program: binary('dbmate'), args: ['--version'] }]
    return databases.map(({ url }) => ({
      program: binary('dbmate'),
      args: ['--no-dump-schema', verb === 'sync' ? 'up' : 'status'],
      env: { DATABASE_URL: `${url}?sslmode=disable` },
    }))
  },
}
