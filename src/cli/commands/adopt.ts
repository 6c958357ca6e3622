import { adopt } from '../../commands/adopt.ts'
import type { AdoptReport } from '../../commands/adopt.ts'
import { nearestName } from '../../config/names.ts'
import { ADOPTION_SOURCES } from '../../core/adoption.ts'
import type { AdoptionSource } from '../../core/adoption.ts'
import { MigrationManagerError } from '../../core/errors.ts'
import { EXIT, exitOfFindings } from '../exit.ts'
import { renderFindings, renderStale } from '../output/findings.ts'
import { findingJson } from '../output/json.ts'
import type { Page } from '../output/page.ts'
import { count } from '../output/page.ts'
import { sanitize } from '../output/sanitizer.ts'
import { textArgument } from './command.ts'
import type { RunCommand } from './command.ts'

export const run: RunCommand = async (wired, args) => {
  const report = await adopt(
    await wired.project(),
    { from: sourceOf(textArgument(args, 'from') ?? ''), dryRun: args['dry-run'] === true },
    {
      confirm: wired.confirm,
      emit: wired.emit,
      signal: wired.signal,
      onPlan: (planned) => {
        if (wired.options.quiet || wired.options.json) return
        wired.terminal.writer.writeProgress(`${renderReport(planned, wired.terminal.errorPage)}\n\n`)
      },
    },
  )
  return {
    exitCode: report.status === 'stale' ? EXIT.blocked : exitOfFindings(report.findings),
    json: () => ({
      status: report.status,
      environment: report.environment,
      from: report.from,
      migrations: report.migrations.map((name) => ({ name })),
      findings: report.findings.map(findingJson),
    }),
    summary: { files: report.files, findings: report.findings, errors: [] },
    text: (page) => renderReport(report, page),
  }
}

function sourceOf(word: string): AdoptionSource {
  const source = ADOPTION_SOURCES.find((known) => known === word)
  if (source !== undefined) return source
  const nearest = nearestName(word, ADOPTION_SOURCES)
  throw new MigrationManagerError(
    'usage/unknown-source',
    word === '' ? 'Whose history is to be taken over?' : `There is nothing to take over from ${word}.`,
    {
      hint:
        nearest === undefined
          ? `Say --from ${ADOPTION_SOURCES.join(' or --from ')}.`
          : `Did you mean --from ${nearest}?`,
    },
  )
}

function renderReport({ environment, from, status, migrations, findings }: AdoptReport, page: Page): string {
  const told = findings.length === 0 ? [] : [renderFindings(findings, page)]
  return [...told, summary()].filter((part) => part !== '').join('\n\n')

  function summary(): string {
    const names = migrations.map((name) => `  ${sanitize(name)}`).join('\n')
    switch (status) {
      case 'adopted':
        return `${page.paint('good', '✓')} ${environment}  ${count(migrations.length, 'migration')} taken over from ${from}\n${names}`
      case 'planned':
        return `${environment}  ${count(migrations.length, 'migration')} would be taken over from ${from}\n${names}`
      case 'up-to-date':
        return `${page.paint('good', '✓')} ${environment}  nothing to take over from ${from}: the history holds all of it`
      case 'stale':
        return renderStale(environment, page)
      case 'blocked':
        return `${page.paint('strong', environment)}  nothing was written`
    }
  }
}
