import { status } from '../../commands/status.ts'
import { ProblemsError } from '../../core/errors.ts'
import { EXIT, exitOfError } from '../exit.ts'
import { changesJson, renderChanges } from '../output/changes.ts'
import { renderErrors } from '../output/errors.ts'
import { renderFindings } from '../output/findings.ts'
import { statusJson } from '../output/json.ts'
import { renderMatrix } from '../output/matrix-table.ts'
import { renderSummary } from '../output/status-summary.ts'
import type { RunCommand } from './command.ts'

export const run: RunCommand = async (wired, args) => {
  const report = await status(await wired.project(), wired.emit, wired.signal, {
    diff: args['diff'] === true,
    // What is printed for people says nothing of times.
    detail: wired.options.json ? 'everything' : 'states',
  })
  const errors = report.sights.flatMap((sight) => (sight.isReachable ? [] : [sight.error]))
  const [first, ...rest] = errors
  const isWanted = args['check'] !== true || report.matrix.inSync
  return {
    exitCode:
      first === undefined ? (isWanted ? EXIT.done : EXIT.notInSync) : exitOfError(new ProblemsError([first, ...rest])),
    json: () => ({ ...statusJson(report), ...changesJson(report.changes) }),
    summary: { matrix: report.matrix, findings: report.findings, errors },
    text: (page) =>
      [
        renderMatrix(report.matrix, page),
        renderSummary(report, page),
        renderChanges(report.changes, page),
        renderFindings(report.findings, page),
        ...renderErrors(errors, page),
      ]
        .filter((part) => part !== '')
        .join('\n\n'),
  }
}
