import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Peer } from '../peer.ts'
import { findMissingPackage, program } from './installed.ts'
import { underscored, writeFiles } from './layout.ts'

export const drizzle: Peer = {
  name: 'drizzle-orm',
  runs: "the library's migrator for `pg`, in a program of a few lines",
  lacks: 'compares the newest time only; no lock; one transaction for everything; no status',
  history: 'drizzle.__drizzle_migrations',
  findProblem: () => findMissingPackage('drizzle-orm'),
  layOut(folder, files) {
    writeFiles(folder, 'drizzle', files, underscored)
    mkdirSync(join(folder, 'drizzle/meta'), { recursive: true })
    const entries = files.map((file, idx) => ({
      idx,
      version: '7',
      when: 1_700_000_000_000 + idx,
      tag: underscored(file).replace(/\.sql$/, ''),
      breakpoints: true,
    }))
    writeFileSync(
      join(folder, 'drizzle/meta/_journal.json'),
      JSON.stringify({ version: '7', dialect: 'postgresql', entries }),
    )
  },
  commandsFor: ({ verb, databases }) =>
    verb === 'status'
      ? null
      : (verb === 'start' ? [{ url: '' }] : databases).map(({ url }) => ({
          program: process.execPath,
          args: [program('drizzle.js')],
          env: { DATABASE_URL: url },
        })),
}
