import { appendFileSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import type { SourceLocation } from '../core/errors.ts'
import { annotationsOf, renderStepSummary } from '../reporters/github.ts'
import type { Summary } from '../reporters/github.ts'
import type { Writer } from './output/writer.ts'

/** In GitHub Actions: annotations on file and line, and the matrix on the run's summary page. Elsewhere nothing. */
export function reportToGitHub(summary: Summary, writer: Writer, env: NodeJS.ProcessEnv): void {
  if (env['GITHUB_ACTIONS'] !== 'true') return
  const root = rootOf(env)
  for (const { level, title, at, message } of annotationsOf(summary)) {
    const place = at === null ? null : placeBelow(root, at)
    writer.writeCommand(level, { title, file: place?.file, line: place?.line, col: place?.column }, message)
  }
  const page = env['GITHUB_STEP_SUMMARY']
  if (page === undefined || page === '') return
  const text = renderStepSummary(withoutKnown(summary, page, writer))
  if (text === '') return
  try {
    appendFileSync(page, writer.clean(`${text}\n`))
  } catch {
    // A summary that cannot be written must not turn a good run into a failed one.
    writer.writeProgress('The summary page of GitHub Actions could not be written.\n')
  }
}

/**
 * A release is several commands, one after the other: a matrix that the page shows already, as its last one, is left
 * out.
 */
function withoutKnown({ matrix, ...remarks }: Summary, page: string, writer: Writer): Summary {
  if (matrix === undefined) return remarks
  const table = writer.clean(`${renderStepSummary({ matrix, findings: [], errors: [] })}\n`)
  const shown = readPage(page)
  const at = shown.lastIndexOf(table)
  const isLast = at >= 0 && !/^\|/mu.test(shown.slice(at + table.length))
  return isLast ? remarks : { ...remarks, matrix }
}

function readPage(page: string): string {
  try {
    // Reading from /dev/stdout would wait for somebody to type.
    return statSync(page).isFile() ? readFileSync(page, 'utf8') : ''
  } catch {
    // Nobody has written to it yet; what else may be wrong is told when it is written to.
    return ''
  }
}

/** The folder of the repository, or null where nothing tells. */
function rootOf(env: NodeJS.ProcessEnv): string | null {
  const root = env['GITHUB_WORKSPACE']
  if (root === undefined || root === '') return null
  try {
    // The working directory has no symbolic links in its name.
    return realpathSync(root)
  } catch {
    // In a container it may be the host's name of the folder.
    return null
  }
}

/** A place as GitHub reads it, from the root of the repository; ours are from the working directory. Null outside of it. */
function placeBelow(root: string | null, at: SourceLocation): SourceLocation | null {
  if (root === null) return at
  const file = relative(root, resolve(at.file))
  return file === '..' || file.startsWith(`..${sep}`) || isAbsolute(file)
    ? null
    : { ...at, file: file.replaceAll(sep, '/') }
}
