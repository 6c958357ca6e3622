import { readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/**
 * The commit of the working directory, 40 or 64 hexadecimal digits, or null outside of git. Read from git's own files
 * (gitrepository-layout in git's manual): starting git takes longer than all the rest of a status.
 */
export function readCommit(cwd: string): string | null {
  try {
    const gitDir = findGitDir(resolve(cwd))
    if (gitDir === null) return null
    const head = readFileSync(join(gitDir, 'HEAD'), 'utf8').trim()
    const ref = /^ref: (refs\/\S+)$/.exec(head)?.[1]
    const commit = ref === undefined ? head : readRef(gitDir, ref)
    return commit !== null && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit) ? commit : null
  } catch {
    return null
  }
}

/** `.git` is a folder, or in a worktree or submodule a file that names one. */
function findGitDir(folder: string): string | null {
  const candidate = join(folder, '.git')
  const kind = statSync(candidate, { throwIfNoEntry: false })
  if (kind?.isDirectory() === true) return candidate
  if (kind?.isFile() === true) {
    const named = /^gitdir: (.+)$/m.exec(readFileSync(candidate, 'utf8'))?.[1]
    return named === undefined ? null : resolve(folder, named)
  }
  const parent = dirname(folder)
  return parent === folder ? null : findGitDir(parent)
}

/** A branch is a file of its own, or a line of packed-refs; a worktree keeps its branches in the common folder. */
function readRef(gitDir: string, ref: string): string | null {
  const common = readIfThere(join(gitDir, 'commondir'))
  const folders = common === null ? [gitDir] : [gitDir, resolve(gitDir, common.trim())]
  for (const folder of folders) {
    const loose = readIfThere(join(folder, ref))
    if (loose !== null) return loose.trim()
    const packed = readIfThere(join(folder, 'packed-refs'))
    const line = packed?.split('\n').find((candidate) => candidate.endsWith(` ${ref}`))
    if (line !== undefined) return line.split(' ')[0] ?? null
  }
  return null
}

function readIfThere(path: string): string | null {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(path, 'utf8') : null
}
