import { sync } from '../../commands/sync.ts'
import type { SyncReport } from '../../commands/sync-report.ts'
import type { PlanReport } from '../../commands/plan.ts'
import type { Limits } from '../../core/policy.ts'
import { exitOfFindings, exitOfOutcomes } from '../exit.ts'
import { renderFindings } from '../output/findings.ts'
import { syncJson } from '../output/json.ts'
import { renderMatrix } from '../output/matrix-table.ts'
import { APPLYING, renderOutcomes } from '../output/outcomes.ts'
import type { Words } from '../output/outcomes.ts'
import { wrap } from '../output/page.ts'
import type { Page } from '../output/page.ts'
import { renderPlan } from '../output/plan.ts'
import type { Run } from '../wire.ts'
import { allowArgument, countArgument, secondsArgument, textArgument } from './command.ts'
import type { Arguments, CommandResult, RunCommand } from './command.ts'

export const run: RunCommand = (wired, args) => runSync(wired, args, args['dry-run'] === true)

/** `sync`, and with `dryRun` also `plan`: the same code, so that a preview cannot lie. */
export function runSync(wired: Run, args: Arguments, dryRun: boolean): Promise<CommandResult> {
  return runPlanned(wired, args, dryRun, { run: sync, words: APPLYING })
}

/** A verb that plans, confirms and carries out: `sync`, or `rollback`. */
export async function runPlanned(
  wired: Run,
  args: Arguments,
  dryRun: boolean,
  verb: { readonly run: typeof sync; readonly words: Words },
): Promise<CommandResult> {
  let planned: PlanReport | null = null
  const project = await wired.project()
  if (!dryRun && wired.isAlertExpected()) warnOfSilence(wired)
  const report = await verb.run(
    { ...project, limits: withWaits(project.limits, args) },
    {
      dryRun,
      atomic: args['atomic'] === true,
      to: textArgument(args, 'to'),
      only: textArgument(args, 'only'),
      allow: allowArgument(args),
      maxFailures: countArgument(args, 'max-failures', { from: 0, to: 100_000 }),
    },
    {
      checks: args['atomic'] === true ? [...wired.checks, ...wired.atomicChecks] : wired.checks,
      confirm: wired.confirm,
      emit: wired.emit,
      signal: wired.signal,
      onPlan: (made) => {
        planned = made
        if (dryRun || wired.options.quiet || wired.options.json) return
        const text = renderPlan(made, { ...wired.terminal.errorPage, withSql: false })
        if (text !== '') wired.terminal.writer.writeProgress(`${text}\n\n`)
      },
    },
  )
  return {
    exitCode: Math.max(exitOfFindings(report.findings), exitOfOutcomes(report.outcomes)),
    json: () => syncJson(report),
    summary: {
      matrix: report.matrix,
      findings: report.findings,
      errors: report.outcomes.flatMap(({ failed }) => (failed === null ? [] : [failed.error])),
    },
    text: (page) =>
      renderReport(report, planned, page, { dryRun, withSql: args['sql'] === true, words: wordsFor(verb.words, args) }),
  }
}

/** Whoever waits for an alert takes silence for good news. */
function warnOfSilence({ terminal: { errorPage, writer } }: Run): void {
  const text = 'MIGRATION_WEBHOOK_URL is set, but nothing is sent to it yet: nobody is alerted, however this run ends.'
  writer.writeProgress(`${errorPage.paint('warn', 'warning')} ${wrap(text, errorPage.width, '  ')}\n\n`)
}

/** With `--atomic` an environment may have been reached, and was rolled back with the others. */
function wordsFor(words: Words, args: Arguments): Words {
  return args['atomic'] === true ? { ...words, skipped: 'nothing changed' } : words
}

/** `--lock-wait` and `--recover-wait`, in seconds, over what is configured. */
function withWaits(limits: Limits, args: Arguments): Limits {
  return {
    ...limits,
    lockWaitMs: secondsArgument(args, 'lock-wait') ?? limits.lockWaitMs,
    recoverWaitMs: secondsArgument(args, 'recover-wait') ?? limits.recoverWaitMs,
  }
}

function renderReport(
  report: SyncReport,
  planned: PlanReport | null,
  page: Page,
  { dryRun, withSql, words }: { readonly dryRun: boolean; readonly withSql: boolean; readonly words: Words },
): string {
  return [
    dryRun && planned !== null ? renderPlan(planned, { ...page, withSql }) : renderMatrix(report.matrix, page),
    renderFindings(report.findings, page),
    renderOutcomes(report.outcomes, words, page),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}
