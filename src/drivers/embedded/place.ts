import { createHash } from 'node:crypto'
import {
  chownSync,
  closeSync,
  existsSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MigrationManagerError } from '../../core/errors.ts'
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
  /** A short path outside of the project: a socket's path has at most 107 bytes (unix(7)), 103 on macOS. */
  readonly socketDir: string
  readonly socketPath: string
  /** The socket on which the supervisor listens. */
  readonly controlPath: string
}

const LOG_LIMIT_BYTES = 1_000_000
const LOG_TAIL_LINES = 15

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
      { hint: `Give it to yourself: sudo chown -R ${user.uid}:${user.gid} '${folder}'` },
    )
  }
  // Not the environment's TMPDIR where /tmp exists: processes with different ones must meet in the same folder.
  const parent = existsSync('/tmp') ? '/tmp' : tmpdir()
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 12)
  const socketDir = join(parent, `mm-${user.uid}-${hash}`)
  return {
    user,
    folder,
    dataDir,
    logFile: join(folder, 'server.log'),
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
      if (process.getuid?.() === 0) for (const path of new Set([outermost, folder])) chownSync(path, uid, gid)
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
      { hint: `Look at what it is and whose, then remove it: ls -ld '${socketDir}'` },
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

/** Opens the server's log for appending, with mode 0600: it holds the text of failed statements. Close the descriptor. */
export function openLog({ logFile, user }: Place): number {
  const fd = openSync(logFile, 'a', 0o600)
  try {
    if (fstatSync(fd).size > LOG_LIMIT_BYTES) ftruncateSync(fd)
    if (process.getuid?.() === 0) fchownSync(fd, user.uid, user.gid)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** An `embedded/start-failed` that ends with the last lines of the server's log and says where the rest is. */
export function startFailure({ logFile }: Place, reason: string, cause?: unknown): MigrationManagerError {
  let lines: readonly string[] = []
  try {
    lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES)
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'EACCES')) throw error
  }
  return new MigrationManagerError('embedded/start-failed', [reason, ...lines].join('\n').trim(), {
    hint: `The whole log: ${logFile}`,
    cause,
  })
}
