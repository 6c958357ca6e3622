import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { callGit } from './git-process.ts'

/**
 * The difference of two texts as the hunks of a unified diff, from the first `@@` on; null where git could not make it
 * in time. The texts are for a moment in a folder that only this user can read.
 */
export async function diffTexts(before: string, after: string, deadlineMs: number): Promise<string | null> {
  let folder: string | null = null
  try {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'migration-manager-')))
    writeFileSync(join(folder, 'before'), before, { mode: 0o600 })
    writeFileSync(join(folder, 'after'), after, { mode: 0o600 })
    const answer = await callGit({
      cwd: folder,
      // Outside of every repository, so that no attribute of one applies.
      env: { GIT_CEILING_DIRECTORIES: dirname(folder) },
      args: ['diff', '--no-index', '--no-ext-diff', '--no-textconv', '--no-color', '--text', '-U3', 'before', 'after'],
      deadlineMs,
      exitCodes: [0, 1],
    })
    if (!answer.ok) return null
    const text = answer.stdout.toString('utf8')
    const start = text.search(/^@@/m)
    // Behind the numbers stands a line of the text, cut short: a part of a secret is not known as one.
    return start < 0
      ? ''
      : text
          .slice(start)
          .replaceAll(/^(@@ [-+\d, ]+ @@).*$/gm, '$1')
          .trimEnd()
  } catch {
    return null
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true })
  }
}
