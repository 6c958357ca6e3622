import { expect, test } from 'vitest'
import { renderInit } from '../../../src/cli/commands/init.ts'
import { renderRepair, renderReport } from '../../../src/cli/commands/repair.ts'
import { renderQuestion } from '../../../src/cli/confirmation.ts'
import type { Page } from '../../../src/cli/output/page.ts'
import { renderSummary } from '../../../src/cli/output/status-summary.ts'
import { buildMatrix } from '../../../src/core/matrix.ts'
import type { Repair } from '../../../src/core/repair.ts'
import { createMemoryDatabase, memoryDriver } from '../../../src/drivers/memory.ts'
import { connectTo } from '../../contract/suite.ts'
import { environmentOf } from '../core/samples.ts'

const PAGE: Page = { paint: (_, text) => text, width: 100, all: false, redact: (text) => text }

/** What a row of a database may hold where a name is expected. */
const HOSTILE = 'dev.\nprod is safe\u001b[8m'
const SHOWN = String.raw`dev.\nprod is safe\x1b[8m`

test('a name that a database gave adds no line to a question', () => {
  const environment = { ...environmentOf('prod'), protected: true }

  const question = renderQuestion(environment, `register as prod what was initialised as ${HOSTILE}`, PAGE)

  expect(question).toBe(
    `\nprod is protected. About to register as prod what was initialised as ${SHOWN}.\nType prod to go on: `,
  )
})

test('nor to what init has done', () => {
  const registered = {
    environment: environmentOf('prod'),
    status: 'initialised',
    formerly: HOSTILE,
    error: null,
  } as const

  const text = renderInit({ environments: [registered], findings: [] }, [], true, PAGE)

  expect(text).toBe(`prod  registered anew, was ${SHOWN}`)
})

test('nor to what a repair will do and has done', () => {
  const repair: Repair = { kind: 'abandon', migration: HOSTILE, before: null, after: null, reason: 'why' }

  expect(renderRepair(repair, PAGE).split('\n')).toMatchObject({ 0: SHOWN, length: 4 })
  expect(renderReport({ environment: 'dev', repair, status: 'done', findings: [] }, PAGE)).toBe(
    `✓ dev  abandon ${SHOWN}`,
  )
})

test('nor does who holds a lock add one to status', async () => {
  const environment = environmentOf('dev')
  const database = createMemoryDatabase('one')
  database.holder = { name: HOSTILE, released: Promise.resolve(), release() {} }
  const connection = await connectTo(memoryDriver, database)
  const reading = await connection.read()
  const matrix = buildMatrix([], [{ environment, history: reading.history }])
  const sights = [{ environment, isReachable: true, connection, reading }] as const

  const [line] = renderSummary({ matrix, sights, findings: [], changes: null }, PAGE).split('\n')

  expect(line).toContain(`(a run is at work: ${SHOWN})`)
})
