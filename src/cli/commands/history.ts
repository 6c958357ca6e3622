import { parseSince, readHistory } from '../../commands/history.ts'
import { EXIT } from '../exit.ts'
import { changesJson, renderChanges } from '../output/changes.ts'
import { durationsJson, historyJson, renderCsv } from '../output/history-data.ts'
import { renderHistory, renderIntegrity, renderLog } from '../output/history-table.ts'
import { textArgument } from './command.ts'
import type { RunCommand } from './command.ts'

export const run: RunCommand = async (wired, args) => {
  const since = textArgument(args, 'since')
  const filter = {
    migration: textArgument(args, 'migration'),
    since: since === undefined ? undefined : parseSince(since, new Date()),
    onlyFailed: args['failed'] === true,
    diff: args['diff'] === true,
  }
  const report = await readHistory(await wired.project(), filter, wired.emit, wired.signal)
  const isBroken = report.environments.some(({ logBreak }) => logBreak !== null)
  return {
    exitCode: args['check'] === true && isBroken ? EXIT.blocked : EXIT.done,
    json: () => ({
      intact: !isBroken,
      environments: report.environments.map(historyJson),
      durations: durationsJson(report),
      ...changesJson(report.changes),
    }),
    text: (page) => {
      if (args['csv'] === true) return renderCsv(report)
      if (args['check'] === true) return renderIntegrity(report, page)
      const table = args['log'] === true ? renderLog(report, page) : renderHistory(report, page)
      return [table, renderChanges(report.changes, page), isBroken ? renderIntegrity(report, page) : '']
        .filter((part) => part !== '')
        .join('\n\n')
    },
  }
}
