import { repair } from '../../commands/repair.ts'
import type { RepairReport } from '../../commands/repair.ts'
import { nearestName } from '../../config/names.ts'
import { MigrationManagerError } from '../../core/errors.ts'
import { REPAIRS } from '../../core/repair.ts'
import type { Repair, RepairKind, RowState } from '../../core/repair.ts'
import { EXIT } from '../exit.ts'
import { renderFindings, renderStale } from '../output/findings.ts'
import { findingJson } from '../output/json.ts'
import type { Page } from '../output/page.ts'
import { sanitize } from '../output/sanitizer.ts'
import { textArgument } from './command.ts'
import type { RunCommand } from './command.ts'

export const run: RunCommand = async (wired, args) => {
  const reason = textArgument(args, 'reason')?.trim() ?? ''
  if (reason === '') {
    throw new MigrationManagerError('usage/no-reason', 'A repair needs a reason; it is written to the log.', {
      hint: 'Say why: --reason "ran by hand during the incident of 3 November"',
    })
  }
  const { terminal } = wired
  const report = await repair(
    await wired.project(),
    { kind: kindOf(textArgument(args, 'action') ?? ''), migration: textArgument(args, 'migration') ?? '', reason },
    {
      confirm: wired.confirm,
      emit: wired.emit,
      signal: wired.signal,
      onPlan: (planned) => {
        if (wired.options.quiet || wired.options.json) return
        terminal.writer.writeProgress(`${renderRepair(planned, terminal.errorPage)}\n`)
      },
    },
  )
  return {
    exitCode: report.status === 'done' ? EXIT.done : EXIT.blocked,
    json: () => ({
      status: report.status,
      environment: report.environment,
      migration: report.repair.migration,
      action: report.repair.kind,
      before: report.repair.before,
      after: report.repair.after,
      findings: report.findings.map(findingJson),
    }),
    summary: { findings: report.findings, errors: [] },
    text: (page) => renderReport(report, page),
  }
}

function kindOf(word: string): RepairKind {
  const kind = REPAIRS.find((known) => known === word)
  if (kind !== undefined) return kind
  const nearest = nearestName(word, REPAIRS)
  throw new MigrationManagerError('usage/unknown-repair', `There is no repair ${word}.`, {
    hint: nearest === undefined ? `There are ${REPAIRS.join(', ')}.` : `Did you mean ${nearest}?`,
  })
}

/** How a repair ended. */
export function renderReport({ environment, repair: done, status, findings }: RepairReport, page: Page): string {
  switch (status) {
    case 'done':
      return `${page.paint('good', '✓')} ${environment}  ${done.kind} ${sanitize(page.redact(done.migration))}`
    case 'refused':
      return renderFindings(findings, page)
    case 'stale':
      return renderStale(environment, page)
  }
}

/** What a repair is about to do, for the question. */
export function renderRepair({ migration, before, after, reason }: Repair, page: Page): string {
  return [
    page.paint('strong', sanitize(page.redact(migration))),
    `  before  ${describeRow(before)}`,
    `  after   ${describeRow(after)}`,
    `  reason  ${sanitize(page.redact(reason))}`,
  ].join('\n')
}

function describeRow(row: RowState): string {
  return row === null ? 'no row: not applied' : `${row.status}, ${sanitize(row.checksum)}`
}
