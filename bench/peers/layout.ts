import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MigrationFile } from '../peer.ts'

/** Writes the plain files into `dir` of `folder` under the names that `nameOf` gives them. */
export function writeFiles(
  folder: string,
  dir: string,
  files: readonly MigrationFile[],
  nameOf: (file: MigrationFile) => string,
  textOf: (file: MigrationFile) => string = ({ sql }) => sql,
): void {
  mkdirSync(join(folder, dir), { recursive: true })
  for (const file of files) writeFileSync(join(folder, dir, nameOf(file)), textOf(file))
}

/** `00001_made_00001.sql`. */
export function underscored({ version, title }: MigrationFile): string {
  return `${version}_${title}.sql`
}

/** `00001-made_00001.sql`. */
export function dashed({ version, title }: MigrationFile): string {
  return `${version}-${title}.sql`
}
