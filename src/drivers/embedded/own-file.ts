import { closeSync, constants, fchownSync, fstatSync, openSync } from 'node:fs'
import { MigrationManagerError } from '../../core/errors.ts'
import { quoted } from '../../core/shell.ts'
import type { ServerUser } from './server-user.ts'
import { hasCode } from './system-error.ts'

/** How a file is opened, of `fs.constants`. */
export const READING: number = constants.O_RDONLY
export const APPENDING: number = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT
export const WRITING: number = constants.O_WRONLY | constants.O_CREAT
export const NEW: number = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL

/**
 * Opens a file in a folder of `user`, with mode 0600 where it is made, and gives it to them where we are root. The folder
 * may be an ordinary user's while we are root: a link to somebody else's file, or a pipe, is never followed, read,
 * emptied or given away. Close the descriptor. Throws `embedded/unsafe-folder`, or what `open` says.
 */
export function openOwnFile(path: string, how: number, user: ServerUser): number {
  const fd = openUnfollowed(path, how, user)
  try {
    const found = fstatSync(fd)
    // A file that has just been made is root's, and empty.
    const isOurs = found.uid === user.uid || (found.uid === 0 && found.size === 0)
    const isRoot = process.getuid?.() === 0
    // A copy of a project may be made of hard links; what root writes must not be another file, too.
    if (!found.isFile() || !isOurs || (isRoot && found.nlink > 1)) throw unsafe(path, user)
    if (isRoot && found.uid !== user.uid) fchownSync(fd, user.uid, user.gid)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** A pipe without an end to read it is not waited for (`O_NONBLOCK`), and refused with ENXIO. */
function openUnfollowed(path: string, how: number, user: ServerUser): number {
  try {
    return openSync(path, how | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600)
  } catch (error) {
    if (hasCode(error, 'ELOOP', 'EMLINK', 'ENXIO', 'EISDIR')) throw unsafe(path, user)
    throw error
  }
}

function unsafe(path: string, user: ServerUser): MigrationManagerError {
  return new MigrationManagerError(
    'embedded/unsafe-folder',
    `${path} is not a file of the embedded PostgreSQL's user (id ${user.uid}) alone, so it is not used.`,
    { hint: `Look at what it is and whose, then remove it: ls -ld ${quoted(path)}` },
  )
}
