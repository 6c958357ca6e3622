import { nameFolderOptions } from '../core/environment.ts'
import { MigrationManagerError } from '../core/errors.ts'
import { nextFileName } from '../core/next-version.ts'
import { readFolder } from '../sources/folder.ts'
import { hasNoMigrations, writeNewFile } from '../sources/scaffold.ts'
import { migrationTemplate } from '../sources/template.ts'

export interface NewOptions {
  readonly description: string
  /** The folder of the migration files, as given. */
  readonly dir: string
  readonly cwd: string
  readonly now: Date
  /** Who writes it, as git knows them. */
  readonly author: string | null
}

export interface NewReport {
  /** The path of the file that was written, as shown to people. */
  readonly file: string
  readonly name: string
}

/** Writes the next migration file from the template; the folder is made if need be. Never overwrites a file. */
export async function createMigration({ description, dir, cwd, now, author }: NewOptions): Promise<NewReport> {
  const files = hasNoMigrations(dir, cwd) ? [] : await readFolder(dir, cwd, nameFolderOptions([]))
  const fileName = nextFileName(files, description, now)
  if (fileName === null) {
    throw new MigrationManagerError('usage/no-description', 'The description holds no letter or digit.', {
      hint: 'Say what the migration does: migration-manager new "add user settings"',
    })
  }
  const file = `${dir.replace(/[\\/]+$/, '')}/${fileName}`
  const text = migrationTemplate({ description, date: now.toISOString().slice(0, 10), author })
  if (!writeNewFile({ path: file, text }, cwd)) {
    throw new MigrationManagerError('source/exists', `${file} is there already.`, {
      hint: 'Somebody made it just now: run new again for the number after it.',
    })
  }
  return { file, name: fileName.slice(0, -'.sql'.length) }
}
