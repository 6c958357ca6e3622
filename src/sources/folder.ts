import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import type { Dirent } from 'node:fs'
import { dirname, isAbsolute, resolve, sep } from 'node:path'
import { MigrationManagerError, ProblemsError, systemErrorCode } from '../core/errors.ts'
import { readMigrations } from '../core/migration.ts'
import type { Migration, MigrationFile } from '../core/migration.ts'

/** The largest file that is read: a message to the server and a string of Node both end well above it. */
const MAX_BYTES = 200 * 1024 * 1024

/** So many files are read in one go, in a millisecond or two; then others get their turn, such as a login. */
const SLICE = 50

/**
 * Reads the migrations of a folder, each file once: what was hashed is what is run, whatever happens to the file later.
 * Only names that end in `.sql` (in any case) are looked at. Gives way again and again to whatever is under way. Throws
 * `ProblemsError` with every bad file, or `migration/no-folder`, which says that `options` name the folder. Paths in
 * messages and in `Migration.file` are `dir` as given, and `/`.
 */
export async function readFolder(dir: string, cwd: string, options: string): Promise<readonly Migration[]> {
  const folder = resolve(cwd, dir)
  const shown = dir.replace(/[\\/]+$/, '')
  const files: MigrationFile[] = []
  for (const [index, entry] of listEntries(dir, cwd, options).entries()) {
    if (index % SLICE === SLICE - 1) await giveWay()
    const { name } = entry
    files.push({ fileName: name, file: `${shown}/${name}`, content: readContent(`${folder}${sep}${name}`, entry) })
  }
  const result = readMigrations(files)
  if ('problems' in result) throw new ProblemsError(result.problems)
  return result.migrations
}

function giveWay(): Promise<void> {
  return new Promise((resume) => setImmediate(resume))
}

function listEntries(dir: string, cwd: string, options: string): readonly Dirent[] {
  try {
    return readdirSync(resolve(cwd, dir), { withFileTypes: true })
      .filter(({ name }) => name.toLowerCase().endsWith('.sql'))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  } catch (cause) {
    throw noFolder(dir, cwd, options, cause)
  }
}

function noFolder(dir: string, cwd: string, options: string, cause: unknown): MigrationManagerError {
  const code = systemErrorCode(cause)
  if (code === 'ENOENT') {
    // Who stands in the folder of the migrations would make another one in it.
    const above = dirname(cwd)
    const place = isAbsolute(dir) ? '' : ` in ${cwd}`
    const elsewhere = !isAbsolute(dir) && existsSync(resolve(above, dir)) ? `${above} has it: run it there. Else: ` : ''
    return new MigrationManagerError('migration/no-folder', `The folder ${dir} is not there${place}.`, {
      hint: `${elsewhere}Run migration-manager init to make it, or name the right one with ${options}.`,
    })
  }
  const why = code === 'ENOTDIR' ? 'is not a folder' : `cannot be read (${code ?? 'unknown error'})`
  return new MigrationManagerError('migration/no-folder', `${dir} ${why}.`, {
    hint: `Name the folder of the migration files with ${options}.`,
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

/** Most files fit into it, and are read without asking how long they are; their text is a copy. */
const SCRATCH = Buffer.allocUnsafe(64 * 1024)

function readRegular(path: string): MigrationFile['content'] {
  // NOFOLLOW and NONBLOCK: between the look above and this, the name may have become a link or a pipe.
  const handle = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const length = fill(SCRATCH, handle)
    if (length > 0 && length < SCRATCH.length) {
      return { text: decode(SCRATCH.toString('utf8', 0, length), () => SCRATCH.subarray(0, length)) }
    }
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
    return { text: decode(text, () => readAgain(handle, status.size)) }
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    return { unreadable: 'it is not valid UTF-8.', hint: 'Save the file as UTF-8.' }
  } finally {
    closeSync(handle)
  }
}

/**
 * Fills the buffer with what an open file begins with and returns how many bytes that are, fewer only where the file ends.
 * A network's file system gives less than it is asked for.
 */
function fill(buffer: Buffer, handle: number): number {
  let length = 0
  for (let read = -1; read !== 0 && length < buffer.length; length += read) {
    read = readSync(handle, buffer, length, buffer.length - length, length)
  }
  return length
}

function readAgain(handle: number, size: number): Uint8Array {
  const bytes = Buffer.alloc(size)
  return bytes.subarray(0, fill(bytes, handle))
}

/** Where the text has a replacement character, in place of bad bytes or written so, the bytes tell. */
function decode(text: string, bytes: () => Uint8Array): string {
  return text.includes('\uFFFD') ? new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes()) : text
}
