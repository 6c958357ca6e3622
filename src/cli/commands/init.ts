import { init, scaffold } from '../../commands/init.ts'
import type { InitReport } from '../../commands/init.ts'
import { ProblemsError } from '../../core/errors.ts'
import type { Project } from '../../core/project.ts'
import { isBlocking } from '../../core/finding.ts'
import { EXIT, exitOfError } from '../exit.ts'
import { errorJson, renderErrors } from '../output/errors.ts'
import { renderFindings } from '../output/findings.ts'
import { EMPTY_SHARD, tellFew } from '../output/fleet.ts'
import { findingJson, fleetKey } from '../output/json.ts'
import type { Page } from '../output/page.ts'
import { sanitize } from '../output/sanitizer.ts'
import type { Run } from '../wire.ts'
import { allowArgument } from './command.ts'
import type { RunCommand } from './command.ts'

const NOTHING: InitReport = { environments: [], findings: [] }

export const run: RunCommand = async (wired, args) => {
  const allow = new Set<string>(allowArgument(args))
  const project = await projectOrNone(wired)
  const files = scaffold(project, await wired.folder(), wired.cwd)
  const mayRename = allow.has('target/other-environment')
  const { confirm, emit, signal } = wired
  const report = project === null ? NOTHING : await init(project, { mayRename, allow }, { confirm, emit, signal })
  const failed = report.environments.flatMap(({ error }) => (error === null ? [] : [error]))
  return {
    exitCode: Math.max(report.findings.some(isBlocking) ? EXIT.blocked : EXIT.done, ...failed.map(exitOfError)),
    json: () => ({
      status: wordFor(report, files),
      environments: report.environments.map(({ environment, status, error }) => ({
        name: environment.name,
        ...fleetKey(environment.name),
        status,
        error: error === null ? null : errorJson(error),
      })),
      files,
      findings: report.findings.map(findingJson),
    }),
    summary: { findings: report.findings, errors: failed },
    text: (page) =>
      [
        renderFindings(report.findings, page),
        ...renderErrors(failed, page),
        renderInit(report, files, project !== null, page),
      ]
        .filter((part) => part !== '')
        .join('\n\n'),
  }
}

/** A folder in which nothing is configured yet is what `init` is for; any other problem is one. */
async function projectOrNone(wired: Run): Promise<Project | null> {
  try {
    return await wired.project()
  } catch (cause) {
    const codes = cause instanceof ProblemsError ? cause.problems.map(({ code }) => code) : []
    if (codes.length === 1 && codes[0] === 'config/no-environment') return null
    throw cause
  }
}

function wordFor(report: InitReport, files: readonly string[]): string {
  if (report.findings.some(isBlocking)) return 'blocked'
  if (report.environments.some(({ status }) => status === 'failed')) return 'failed'
  const isNew = files.length > 0 || report.environments.some(({ status }) => status === 'initialised')
  return isNew ? 'applied' : 'up-to-date'
}

/** What was made, and what became of each environment. */
export function renderInit(report: InitReport, files: readonly string[], isConfigured: boolean, page: Page): string {
  const words = {
    initialised: page.paint('good', 'history tables created'),
    'up-to-date': 'ready already',
    skipped: page.paint('dim', 'not reached'),
    failed: page.paint('bad', 'failed'),
  }
  const lines = [
    ...files.map((file) => `${page.paint('good', '+')} ${file}`),
    ...tellFew(
      report.environments.map(({ environment: { name }, status, formerly }) => ({
        environment: name,
        kind: `${status} ${formerly}`,
        text: `${page.paint('strong', name)}  ${formerly === null ? words[status] : page.paint('good', `registered anew, was ${sanitize(page.redact(formerly))}`)}`,
      })),
      page,
    ),
  ]
  if (report.environments.length === 0) {
    lines.push(
      isConfigured
        ? EMPTY_SHARD
        : 'No environment is configured yet: copy .env.example to .env and put in your connection strings, then run init again.',
    )
  }
  return lines.join('\n')
}
