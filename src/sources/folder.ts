import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import type { Dirent } from 'node:fs'
import { join, resolve } from 'node:path'
import { MigrationManagerError, ProblemsError, systemErrorCode } from '../core/errors.ts'
import type { Migration, MigrationFile } from '../core/migration.ts'
import { readMigrations } from '../core/migration.ts'

/** The largest file that is read: a message to the server and a string of Node both end well above it. */
const MAX_BYTES = 200 * 1024 * 1024

/**
 * Reads the migrations of a folder, each file once: what was hashed is what is run, whatever happens to the file later.
 * Only names that end in `.sql` (in any case) are looked at. Throws `ProblemsError` with every bad file, or
 * `migration/no-folder`. Paths in messages and in `Migration.file` are `dir` as given, and `/`.
 */
export function readFolder(dir: string, cwd: string): readonly Migration[] {
  const result = readMigrations(listFiles(dir, cwd))
  if ('problems' in result) throw new ProblemsError(result.problems)
  return result.migrations
}

function listFiles(dir: string, cwd: string): MigrationFile[] {
  const folder = resolve(cwd, dir)
  let entries: Dirent[]
  try {
    entries = readdirSync(folder, { withFileTypes: true })
  } catch (cause) {
    throw noFolder(dir, cause)
  }
  const shown = dir.replace(/[\\/]+$/, '')
  return entries
    .filter(({ name }) => name.toLowerCase().endsWith('.sql'))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((entry) => ({
      fileName: entry.name,
      file: `${shown}/${entry.name}`,
      content: readContent(join(folder, entry.name), entry),
    }))
}

/** Reads an open file from its beginning. Throws a TypeError unless it is UTF-8. */
function decodeStrictly(handle: number, size: number): string {
  const bytes = Buffer.alloc(size)
  let length = 0
  for (let read = -1; read !== 0 && length < size; length += read) {
    read = readSync(handle, bytes, length, size - length, length)
  }
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, length))
}

function noFolder(dir: string, cause: unknown): MigrationManagerError {
  const code = systemErrorCode(cause)
  if (code === 'ENOENT') {
    return new MigrationManagerError('migration/no-folder', `The folder ${dir} is not there.`, {
      hint: 'Run migration-manager init to make it, or name the right one with --dir or MIGRATIONS_DIR.',
    })
  }
  const why = code === 'ENOTDIR' ? 'is not a folder' : `cannot be read (${code ?? 'unknown error'})`
  return new MigrationManagerError('migration/no-folder', `${dir} ${why}.`, {
    hint: 'Name the folder of the migration files with --dir or MIGRATIONS_DIR.',
  })
}

function readContent(path: string, kind: Dirent): MigrationFile['content'] {
  try {
    if (kind.isSymbolicLink()) {
      return { unreadable: 'it is a symbolic link, not a regular file.', hint: 'Put the file itself there.' }
    }
    if (!kind.isFile()) return { unreadable: 'it is not a regular file.', hint: 'Move it out of the folder.' }
    return readRegular(path)
  } catch (cause) {
    return { unreadable: `it cannot be read (${systemErrorCode(cause) ?? 'unknown error'}).` }
  }
}

function readRegular(path: string): MigrationFile['content'] {
  // NOFOLLOW and NONBLOCK: between the look above and this, the name may have become a link or a pipe.
  const handle = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const status = fstatSync(handle)
    if (!status.isFile()) return { unreadable: 'it is not a regular file.' }
    if (status.size > MAX_BYTES) {
      return {
        unreadable: `it is larger than ${MAX_BYTES / 1024 / 1024} MB.`,
        hint: 'Load bulk data by other means, or split the file.',
      }
    }
    // Decoded while it is read, so that the bytes are never held beside the text.
    const text = readFileSync(handle, 'utf8')
    // In place of bad bytes, or written so: the bytes tell.
    return { text: text.includes('\uFFFD') ? decodeStrictly(handle, status.size) : text }
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    return { unreadable: 'it is not valid UTF-8.', hint: 'Save the file as UTF-8.' }
  } finally {
    closeSync(handle)
  }
}
