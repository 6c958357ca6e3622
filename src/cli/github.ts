import { appendFileSync } from 'node:fs'
import { annotationsOf, renderStepSummary } from '../reporters/github.ts'
import type { Summary } from '../reporters/github.ts'
import type { Writer } from './output/writer.ts'

/** In GitHub Actions: annotations on file and line, and the matrix on the run's summary page. Elsewhere nothing. */
export function reportToGitHub(summary: Summary, writer: Writer, env: NodeJS.ProcessEnv): void {
  if (env['GITHUB_ACTIONS'] !== 'true') return
  for (const { level, title, at, message } of annotationsOf(summary)) {
    writer.writeCommand(level, { title, file: at?.file, line: at?.line, col: at?.column }, message)
  }
  const page = env['GITHUB_STEP_SUMMARY']
  if (page === undefined || page === '') return
  try {
    appendFileSync(page, writer.clean(`${renderStepSummary(summary)}\n`))
  } catch {
    // A summary that cannot be written must not turn a good run into a failed one.
    writer.writeProgress('The summary page of GitHub Actions could not be written.\n')
  }
}
