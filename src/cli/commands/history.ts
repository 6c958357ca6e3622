import { parseSince, readHistory } from '../../commands/history.ts'
import { EXIT, exitOfError } from '../exit.ts'
import { changesJson, renderChanges } from '../output/changes.ts'
import { errorJson, renderErrors } from '../output/errors.ts'
import { EMPTY_SHARD } from '../output/fleet.ts'
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
    // Rows have no place for an environment that could not be read.
    needsAll: args['csv'] === true,
  }
  const report = await readHistory(await wired.project(), filter, wired.emit, wired.signal)
  const isBroken = report.environments.some(({ logBreak }) => logBreak !== null)
  const errors = report.unreadable.map(({ error }) => error)
  return {
    exitCode: Math.max(
      args['check'] === true && isBroken ? EXIT.blocked : EXIT.done,
      ...errors.map((error) => exitOfError(error)),
    ),
    json: () => ({
      intact: !isBroken,
      environments: [
        ...report.environments.map(historyJson),
        ...report.unreadable.map(({ name, error }) => ({ name, error: errorJson(error) })),
      ],
      durations: durationsJson(report),
      ...changesJson(report.changes),
    }),
    summary: { findings: [], errors },
    text: (page) => {
      if (args['csv'] === true) return renderCsv(report)
      if (report.environments.length === 0)
        return [...(errors.length === 0 ? [EMPTY_SHARD] : []), ...renderErrors(errors, page)].join('\n\n')
      const told =
        args['check'] === true
          ? [renderIntegrity(report, page)]
          : [
              args['log'] === true ? renderLog(report, page) : renderHistory(report, page),
              renderChanges(report.changes, page),
              isBroken ? renderIntegrity(report, page) : '',
            ]
      return [...told, ...renderErrors(errors, page)].filter((part) => part !== '').join('\n\n')
    },
  }
}
