import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { MigrationManagerError, systemErrorCode } from '../core/errors.ts'

/** A file to be written; `path` is relative to the working directory. */
export interface NewFile {
  readonly path: string
  readonly text: string
  readonly isExecutable?: boolean
}

/** Whether a folder is absent or holds no `.sql` file. */
export function hasNoMigrations(dir: string, cwd: string): boolean {
  try {
    return !readdirSync(resolve(cwd, dir)).some((name) => name.toLowerCase().endsWith('.sql'))
  } catch {
    return true
  }
}

/**
 * Writes a file that is not there yet, and its folder. Returns false and changes nothing when there is one already.
 * Throws `source/cannot-write`.
 */
export function writeNewFile({ path, text, isExecutable = false }: NewFile, cwd: string): boolean {
  try {
    mkdirSync(dirname(resolve(cwd, path)), { recursive: true })
    writeFileSync(resolve(cwd, path), text, { flag: 'wx', mode: isExecutable ? 0o755 : 0o644 })
    return true
  } catch (cause) {
    if (systemErrorCode(cause) === 'EEXIST') return false
    throw new MigrationManagerError('source/cannot-write', `${path} cannot be written.`, {
      hint: `Check the rights and the space of ${dirname(resolve(cwd, path))}.`,
      cause,
    })
  }
}

/** Makes a folder that is not there yet; returns whether it had to. Throws `source/cannot-write`. */
export function makeFolder(dir: string, cwd: string): boolean {
  if (existsSync(resolve(cwd, dir))) return false
  try {
    mkdirSync(resolve(cwd, dir), { recursive: true })
    return true
  } catch (cause) {
    throw new MigrationManagerError('source/cannot-write', `The folder ${dir} cannot be made.`, {
      hint: `Check the rights and the space of ${dirname(resolve(cwd, dir))}.`,
      cause,
    })
  }
}
