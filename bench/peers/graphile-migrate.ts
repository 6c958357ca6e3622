import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MigrationFile, Peer } from '../peer.ts'
import { binary, findMissing } from './installed.ts'
import { writeFiles } from './layout.ts'

export const graphileMigrate: Peer = {
  name: 'graphile-migrate',
  runs: '`graphile-migrate migrate`, `graphile-migrate status`',
  lacks: 'looks at pending files only: an edited applied file is not seen',
  history: 'graphile_migrate.migrations',
  findProblem: () => findMissing('graphile-migrate'),
  layOut(folder, files) {
    const headers = chainOf(files)
    writeFiles(
      folder,
      'migrations/committed',
      files,
      ({ version, title }) => `${version.padStart(6, '0')}-${title}.sql`,
      (file) => `${headers.get(file) ?? ''}\n${file.sql}`,
    )
    writeFileSync(join(folder, 'migrations/current.sql'), '')
    writeFileSync(join(folder, '.gmrc'), '{}')
  },
  commandsFor: ({ verb, databases }) =>
    verb === 'start'
      ? [{ program: binary('graphile-migrate'), args: ['--help'] }]
      : databases.map(({ url }) => ({
          program: binary('graphile-migrate'),
          args: [verb === 'sync' ? 'migrate' : 'status'],
          // It wants the other two, and does not connect to them for this.
          env: { DATABASE_URL: url, SHADOW_DATABASE_URL: `${url}_shadow`, ROOT_DATABASE_URL: `${url}_root` },
        })),
}

/** The header of each committed file: its hash covers the one before. */
export function chainOf(files: readonly MigrationFile[]): ReadonlyMap<MigrationFile, string> {
  const headers = new Map<MigrationFile, string>()
  let previous = ''
  for (const file of files) {
    const hash = `sha1:${createHash('sha1')
      .update(`${`${previous}\n${file.sql.trim()}`.trim()}\n`)
      .digest('hex')}`
    headers.set(
      file,
      `--! Previous: ${previous === '' ? '-' : previous}\n--! Hash: ${hash}\n--! Message: ${file.title}\n`,
    )
    previous = hash
  }
  return headers
}
