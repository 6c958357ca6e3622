import { expect, test } from 'vitest'
import { renderCsv } from '../../../src/cli/output/history-data.ts'
import { readLogEntry } from '../../../src/core/log.ts'

test('the events are lines that end with LF, the column names first, whatever stands in a field', () => {
  const entries = ['say "a, b"', '=1+1'].map((event, index) =>
    readLogEntry({ id: index + 1, at: '2026-11-03T08:00:00Z', event, outcome: 'done', role: 'me' }),
  )
  const environments = [{ name: 'dev', entries, rows: 2, logBreak: null }]

  expect(renderCsv({ environments, unreadable: [], changes: null }).split('\n')).toEqual([
    'environment,id,at,event,migration,outcome,durationMs,role,osUser,gitCommit,ciRun,runId,gitDirty,ciJob',
    'dev,1,2026-11-03T08:00:00.000Z,"say ""a, b""",,done,,me,,,,,,',
    "dev,2,2026-11-03T08:00:00.000Z,'=1+1,,done,,me,,,,,,",
  ])
})
