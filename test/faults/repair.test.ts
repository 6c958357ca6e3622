import { expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'
import { choose, createDice, runCampaign, SEED } from './campaign.ts'
import { createFaultProxy } from './proxy.ts'
import type { Fault, Strike } from './proxy.ts'
import type { TrialReport } from './trial.ts'

const dice = createDice(SEED)
const FAULTS: readonly Fault[] = ['before', 'after', 'half', 'reset', 'gone']
const REPAIR = ['repair', 'mark-not-applied', '001-a', '--env', 'dev', '--yes', '--json', '--reason', 'dropped by hand']

/** One repair in a database of its own, with one message struck. `isDone` is what the database says. */
async function tryRepair(strike: Strike | null): Promise<TrialReport & { readonly isDone: boolean }> {
  await using database = await createDatabase('repair')
  const timeouts = { recoverWaitSeconds: strike?.fault === 'gone' ? 1 : 60 }
  await using project = createProject({
    files: {
      'database/001-a.sql': 'CREATE TABLE a (id int);\n',
      'migration-manager.config.json': JSON.stringify({ timeouts }),
    },
    env: { DATABASE_URL: database.url },
  })
  const synced = await project.run(['sync'])
  if (synced.exitCode !== 0) throw new Error(`the first sync failed:\n${synced.stderr}`)
  await using proxy = await createFaultProxy(database.server.port, strike)
  const url = database.url.replace(`:${database.server.port}/`, `:${proxy.port}/`)
  const said = await project.run(REPAIR, { env: { DATABASE_URL: url } })
  const [seen] = await database.query(`SELECT
    (SELECT count(*)::int FROM schema_migrations) AS rows,
    (SELECT count(*)::int FROM schema_migrations_log WHERE event = 'mark-not-applied') AS entries`)
  const isDone = seen?.['rows'] === 0
  return {
    isDone,
    violations: [
      ...(seen?.['entries'] === (isDone ? 1 : 0) ? [] : [`row and log differ: ${JSON.stringify(seen)}`]),
      ...([0, 1, 7].includes(said.exitCode ?? -1) ? [] : ['no such exit code']),
      ...(said.exitCode === 0 && !isDone ? ['said to be done, and it is not'] : []),
      ...(said.exitCode === 1 && isDone ? ['said to have failed, and it is done'] : []),
    ],
    sayings: [{ ...said, isHung: false }],
    hasStruck: proxy.hasStruck,
    trace: proxy.trace,
  }
}

test('repair: whatever message is cut, row and log go together, and what is said is so', async () => {
  const { isDone, trace } = await tryRepair(null)
  expect(isDone).toBe(true)
  const every = trace.flatMap((message, index) =>
    FAULTS.map((fault) => ({ name: `${fault} ${message}`, strike: { at: index + 1, fault } })),
  )
  const cases = choose(every, 20, dice)
  const failures = await runCampaign(`repair (of ${every.length})`, cases, 4, ({ strike }) => tryRepair(strike))
  expect(failures).toEqual([])
})

test('repair whose connection is lost at the commit looks at the row instead of saying that it failed', async () => {
  const { trace } = await tryRepair(null)
  const commit = 'server: C (complete COMMIT)'
  // The last one is that of the repair; those before it read the database and take the lock.
  const at = { message: commit, time: trace.filter((message) => message.includes(commit)).length }

  const looked = await tryRepair({ at, fault: 'before' })
  const unheard = await tryRepair({ at: { ...at }, fault: 'gone' })

  expect(looked).toMatchObject({ isDone: true, violations: [], sayings: [{ exitCode: 0 }] })
  expect(unheard).toMatchObject({ isDone: true, violations: [] })
})
