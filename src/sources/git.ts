import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The commit of the working directory, 40 hexadecimal digits, or null outside of git or without it. */
export async function readCommit(cwd: string): Promise<string | null> {
  const commit = await ask(cwd, ['rev-parse', '--verify', 'HEAD'])
  return commit !== null && /^[0-9a-f]{40,64}$/.test(commit) ? commit : null
}

/** The name that git signs commits with, or null. */
export async function readAuthor(cwd: string): Promise<string | null> {
  return ask(cwd, ['config', 'user.name'])
}

async function ask(cwd: string, args: readonly string[]): Promise<string | null> {
  try {
    const { stdout } = await run('git', args, { cwd, timeout: 2_000, windowsHide: true })
    return stdout.trim() === '' ? null : stdout.trim()
  } catch {
    return null
  }
}
