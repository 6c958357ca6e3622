import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readSync,
  realpathSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MigrationManagerError } from '../../core/errors.ts'
import { quoted } from '../../core/shell.ts'
import { APPENDING, READING, openOwnFile } from './own-file.ts'
import { SOCKET_FILE } from './server.ts'
import { type ServerUser, chooseServerUser } from './server-user.ts'
import { hasCode } from './system-error.ts'

/** Where the embedded server of one project keeps its things. All paths are absolute. */
export interface Place {
  readonly user: ServerUser
  /** `.migration-manager/postgres` in the project. */
  readonly folder: string
  readonly dataDir: string
  readonly logFile: string
  /** How long the log was when this start began, in bytes: what is before it tells of earlier starts. */
  readonly logStart: number
  /** Holds the name of the machine, or container, that started a server on the data last. */
  readonly machineFile: string
  /** A short path outside of the project: a socket's path has at most 107 bytes (unix(7)), 103 on macOS. */
  readonly socketDir: string
  readonly socketPath: string
  /** The socket on which the supervisor listens. */
  readonly controlPath: string
}

const LOG_LIMIT_BYTES = 1_000_000
const LOG_TAIL_LINES = 15
const LOG_TAIL_BYTES = 65_536

/**
 * Names the places of a project's server, the same ones in every process that asks, and creates the folder.
 * Throws `embedded/no-access` if it cannot be created, or if the data in it belongs to somebody else.
 */
export function preparePlace(projectDir: string): Place {
  const wanted = join(projectDir, '.migration-manager', 'postgres')
  const folder = createFolder(wanted, projectDir)
  const dataDir = join(folder, 'data')
  const user = chooseServerUser([dataDir, projectDir])
  const owner = statSync(dataDir, { throwIfNoEntry: false })?.uid
  if (owner !== undefined && owner !== user.uid) {
    throw new MigrationManagerError(
      'embedded/no-access',
      `The data of the embedded PostgreSQL in ${dataDir} belongs to another user (id ${owner}).`,
      { hint: `Give it to yourself: sudo chown -R ${user.uid}:${user.gid} ${quoted(folder)}` },
    )
  }
  // Not the environment's TMPDIR where /tmp exists: processes with different ones must meet in the same folder.
  const parent = existsSync('/tmp') ? '/tmp' : tmpdir()
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 12)
  const socketDir = join(parent, `mm-${user.uid}-${hash}`)
  const logFile = join(folder, 'server.log')
  return {
    user,
    folder,
    dataDir,
    logFile,
    machineFile: join(folder, 'server.machine'),
    logStart: lstatSync(logFile, { throwIfNoEntry: false })?.size ?? 0,
    socketDir,
    socketPath: join(socketDir, SOCKET_FILE),
    controlPath: join(socketDir, 'control'),
  }
}

function createFolder(folder: string, projectDir: string): string {
  try {
    const outermost = mkdirSync(folder, { recursive: true })
    if (outermost !== undefined) {
      writeFileSync(join(folder, '.gitignore'), '*\n')
      const { uid, gid } = statSync(projectDir)
      // Root leaves nothing in somebody's project that they cannot delete.
      if (process.getuid?.() === 0) for (const path of new Set([outermost, folder])) lchownSync(path, uid, gid)
    }
    return realpathSync(folder)
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM', 'EROFS')) throw error
    throw new MigrationManagerError('embedded/no-access', `The folder ${folder} cannot be created.`, {
      hint: `The embedded PostgreSQL keeps its data there. Make ${projectDir} writable for yourself.`,
      cause: error,
    })
  }
}

/**
 * Makes the folder of the sockets, which only the server's user may enter: whoever reaches the server's socket is its
 * superuser. Throws `embedded/unsafe-folder` if something is there that is not such a folder of ours.
 */
export function prepareSocketDir({ socketDir, user }: Place): void {
  try {
    mkdirSync(socketDir, { mode: 0o700 })
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
  const found = lstatSync(socketDir, { throwIfNoEntry: false })
  // A supervisor that ended has just removed it: the caller's next attempt makes it anew.
  if (found === undefined) return
  if (!found.isDirectory() || ![user.uid, process.getuid?.()].includes(found.uid) || (found.mode & 0o077) !== 0) {
    throw new MigrationManagerError(
      'embedded/unsafe-folder',
      `${socketDir} is not a private folder of the embedded PostgreSQL's user (id ${user.uid}), so it is not used.`,
      { hint: `Look at what it is and whose, then remove it: ls -ld ${quoted(socketDir)}` },
    )
  }
  if (found.uid !== user.uid) lchownSync(socketDir, user.uid, user.gid)
}

/** Removes the folder of the sockets, unless somebody has put new ones there. */
export function removeSocketDir({ socketDir }: Place): void {
  try {
    rmdirSync(socketDir)
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY', 'ENOENT', 'EEXIST')) throw error
  }
}

/** Opens the server's log for appending, with mode 0600. Close the descriptor. Throws `embedded/unsafe-folder`. */
export function openLog({ logFile, user }: Place): number {
  const fd = openOwnFile(logFile, APPENDING, user)
  try {
    if (fstatSync(fd).size > LOG_LIMIT_BYTES) ftruncateSync(fd)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** An `embedded/start-failed` that ends with the last lines of this start in the log and says where the rest is. */
export function startFailure(place: Place, reason: string, cause?: unknown): MigrationManagerError {
  return new MigrationManagerError('embedded/start-failed', [reason, ...readLogTail(place)].join('\n').trim(), {
    hint: `The whole log: ${place.logFile}`,
    cause,
  })
}

function readLogTail({ logFile, logStart, user }: Place): readonly string[] {
  try {
    const fd = openOwnFile(logFile, READING, user)
    try {
      const { size } = fstatSync(fd)
      // It was emptied since, if it is shorter than it was.
      const from = Math.max(logStart > size ? 0 : logStart, size - LOG_TAIL_BYTES)
      const tail = Buffer.alloc(size - from)
      const length = readSync(fd, tail, 0, tail.length, from)
      return tail.toString('utf8', 0, length).trimEnd().split('\n').slice(-LOG_TAIL_LINES)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    // The reason is worth more than a complaint about the log.
    if (error instanceof MigrationManagerError || hasCode(error, 'ENOENT', 'EACCES')) return []
    throw error
  }
}
