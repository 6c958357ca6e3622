import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { callGit } from './git-process.ts'

/**
 * Whether the migration files of a folder are not what the commit holds: one was edited, added, or is gone. Null where
 * git cannot say. Unlike `git status` it starts no filter that a repository's configuration names.
 */
export async function isFolderDirty(dir: string, cwd: string, deadlineMs: number): Promise<boolean | null> {
  const folder = resolve(cwd, dir)
  try {
    const answer = callGit({ cwd: folder, args: ['ls-tree', '-z', 'HEAD'], deadlineMs })
    // Git works meanwhile.
    const names = readdirSync(folder).filter(isSql)
    const files = new Map(names.map((name) => [name, readFileSync(join(folder, name))]))
    const tree = await answer
    if (!tree.ok) return null
    const committed = parseTree(tree.stdout)
    return committed.size !== files.size || [...files].some(([name, bytes]) => isDifferent(bytes, committed.get(name)))
  } catch {
    // A folder or a file that cannot be read is for others to name.
    return null
  }
}

function isSql(name: string): boolean {
  return name.toLowerCase().endsWith('.sql')
}

/** The SQL files of one folder of a commit, each with git's name of its content. */
function parseTree(output: Buffer): ReadonlyMap<string, string> {
  return new Map(
    output
      .toString('utf8')
      .split('\0')
      .flatMap((line): [string, string][] => {
        const [, blob, name] = /^\d+ blob ([0-9a-f]+)\t(.+)$/s.exec(line) ?? []
        return blob === undefined || name === undefined || !isSql(name) ? [] : [[name, blob]]
      }),
  )
}

function isDifferent(bytes: Buffer, blob: string | undefined): boolean {
  if (blob === undefined) return true
  if (blob === blobId(bytes, blob.length)) return false
  // Git may have put CR before the line ends on the way into the folder.
  return !bytes.includes('\r\n') || blob !== blobId(withoutCr(bytes), blob.length)
}

function withoutCr(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')
}

/** Git's name of a content: the hash of its kind, its length and itself (gitformat-objects). */
function blobId(bytes: Buffer, digits: number): string {
  const hash = createHash(digits === 40 ? 'sha1' : 'sha256')
  return hash.update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}
