import { expect, test } from 'vitest'
import { collect } from '../support/cli.ts'
import { createFleet } from '../support/fleet.ts'
import type { TestDatabase } from '../support/server.ts'
import { EXIT } from '../../src/cli/exit.ts'

const FILES = {
  'database/001-account.sql':
    "CREATE TABLE account (id int);\nCREATE TABLE effect (name text);\nINSERT INTO effect VALUES ('001');\n",
  'database/002-name.sql': "ALTER TABLE account ADD COLUMN name text;\nINSERT INTO effect VALUES ('002');\n",
}

async function effectsOf(database: TestDatabase): Promise<string> {
  const [row] = await database.query(
    "SELECT CASE WHEN to_regclass('effect') IS NULL THEN '' ELSE (xpath('/row/a/text()', query_to_xml('SELECT string_agg(name, '','' ORDER BY name) AS a FROM effect', true, true, '')))[1]::text END AS effects",
  )
  return String(row?.['effects'])
}

/** How many of a sync's environments have which status. */
function countStatuses(environments: readonly { readonly status: string }[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { status } of environments) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

test('a fleet is brought up in waves, confirmed once, and shown as one column', async () => {
  await using fleet = await createFleet(14, FILES)
  const { project, tenants } = fleet

  const before = await project.run(['status'])
  expect(before.stdout).toMatch(/^ +dev +prod$/m)
  expect(before.stdout).toContain('prod  14 databases: 0 in step, 14 pending (protected)')

  const refused = await project.run(['sync'])
  expect(refused.exitCode).toBe(EXIT.blocked)
  expect(refused.stdout).toContain('prod is protected, and nobody is here to confirm.')
  expect(refused.stdout.match(/policy\/confirmation-needed/g)).toHaveLength(1)
  expect(await effectsOf(fleet.dev)).toBe('')

  const synced = await project.run(['sync', '--yes'])
  expect(synced.exitCode).toBe(0)
  expect(synced.stderr).toContain('prod: wave 1 of 3, 1 database\n')
  expect(synced.stderr).toContain('prod/t01: applied 001-account')
  expect(synced.stderr).toContain('prod: wave 2 of 3, 10 databases\n')
  expect(synced.stderr).toContain('prod: wave 3 of 3, 3 databases\n')
  expect(synced.stderr).toContain('prod: 14 of 14 databases: ')
  expect(synced.stderr).not.toContain('prod/t02: applied 001-account')
  expect(synced.stdout).toContain('prod  14 databases: 14 applied')
  for (const tenant of tenants) expect(await effectsOf(tenant)).toBe('001,002')

  const after = await project.run(['status', '--check', '--json'])
  expect(after.exitCode).toBe(0)
  expect(after.json()).toMatchObject({
    inSync: true,
    fleets: [{ name: 'prod', databases: 14, inStep: 14, pending: 0, disagreeing: 0, unreachable: 0 }],
  })
  expect(after.json()['environments']).toHaveLength(15)
  expect(after.json()['environments'][1]).toMatchObject({ name: 'prod/t01', fleet: 'prod', applied: 2 })
})

test('a failure stops the run, what was under way is done, and the next run goes on where it stopped', async () => {
  await using fleet = await createFleet(14, FILES)
  const { project, tenants } = fleet
  await tenants[4]?.query('CREATE TABLE account (id int)')

  const failed = await project.run(['sync', '--yes', '--json'])
  expect(failed.exitCode).toBe(1)
  const environments = failed.json()['environments']
  expect(environments[5]).toMatchObject({ name: 'prod/t05', status: 'failed', failed: { name: '001-account' } })
  expect(environments.slice(12)).toMatchObject([{ status: 'skipped' }, { status: 'skipped' }, { status: 'skipped' }])
  for (const tenant of tenants.slice(11)) expect(await effectsOf(tenant)).toBe('')

  await tenants[4]?.query('DROP TABLE account')
  const resumed = await project.run(['sync', '--yes', '--json'])
  expect(resumed.exitCode).toBe(0)
  const counts = countStatuses(resumed.json()['environments'])
  expect((counts['applied'] ?? 0) + (counts['up-to-date'] ?? 0)).toBe(15)
  for (const tenant of tenants) expect(await effectsOf(tenant)).toBe('001,002')
})

test('with --max-failures others go on, what cannot be read counts, and the exit code is that of a failure', async () => {
  await using fleet = await createFleet(14, FILES)
  const { project, tenants } = fleet
  await tenants[4]?.query('CREATE TABLE account (id int)')
  await tenants[9]?.drop()

  const strict = await project.run(['sync', '--yes', '--json'])
  expect(strict.exitCode).toBe(1)
  expect(strict.json()['error'].message).toContain('prod/t10 could not be read')
  expect(await effectsOf(fleet.dev)).toBe('')

  const one = await project.run(['sync', '--yes', '--json', '--max-failures', '1', '--concurrency', '1'])
  expect(one.exitCode).toBe(1)
  expect(countStatuses(one.json()['environments'])).toEqual({ applied: 5, failed: 2, skipped: 8 })

  const two = await project.run(['sync', '--yes', '--max-failures', '2'])
  expect(two.exitCode).toBe(1)
  expect(two.stdout).toContain('prod  14 databases: 8 applied, 4 up to date, 2 failed')
  const others = tenants.filter((_, index) => index !== 4 && index !== 9)
  for (const tenant of others) expect(await effectsOf(tenant)).toBe('001,002')
})

test('an environment behind a fleet waits until all of its databases hold a migration', async () => {
  await using fleet = await createFleet(3, FILES)
  const { project, tenants } = fleet
  const env = { MIGRATION_ENVIRONMENTS: 'prod,dev' }
  await project.run(['sync', '--yes', '--env', 'prod/t01,prod/t02'], { env })
  expect(await effectsOf(tenants[0] ?? fleet.dev)).toBe('001,002')

  const overtaking = await project.run(['sync', '--yes', '--env', 'dev', '--json'], { env })
  expect(overtaking.exitCode).toBe(EXIT.blocked)
  expect(overtaking.json()['findings'][0].message).toBe('dev would get 001-account before prod/t03 has it.')
  expect(await effectsOf(fleet.dev)).toBe('')
})

test('shards bring every database up once, and each leaves the others alone', async () => {
  await using fleet = await createFleet(14, FILES)
  const { project, tenants } = fleet
  await project.run(['sync', '--env', 'dev'])

  const shards = await Promise.all(
    [1, 2, 3].map((part) => project.run(['sync', '--env', 'prod', '--shard', `${part}/3`, '--yes', '--json'])),
  )
  expect(shards.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0])
  const names = shards.flatMap((shard) => {
    const environments: readonly { readonly name: string }[] = shard.json()['environments']
    return environments.map(({ name }) => name)
  })
  expect(names.toSorted()).toEqual(tenants.map((_, index) => `prod/t${String(index + 1).padStart(2, '0')}`))
  for (const tenant of tenants) expect(await effectsOf(tenant)).toBe('001,002')
})

test('a shard without a database has nothing to do, and says so', async () => {
  await using fleet = await createFleet(1, FILES)
  const { project } = fleet
  await project.run(['sync', '--env', 'dev'])
  const runs = await Promise.all(
    [1, 2, 3].map((part) => project.run(['sync', '--env', 'prod', '--shard', `${part}/3`, '--yes', '--json'])),
  )
  expect(runs.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0])
  const statuses = runs.map((run) => String(run.json()['status']))
  expect(statuses.toSorted()).toEqual(['applied', 'up-to-date', 'up-to-date'])
  const texts = await Promise.all(
    [1, 2, 3].map((part) => project.run(['status', '--env', 'prod', '--shard', `${part}/3`])),
  )
  expect(texts.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0])
  expect(texts.filter(({ stdout }) => stdout.includes('No database falls to this shard.'))).toHaveLength(2)
  const inits = await Promise.all(
    [1, 2, 3].map((part) => project.run(['init', '--env', 'prod', '--shard', `${part}/3`, '--yes'])),
  )
  expect(inits.filter(({ stdout }) => stdout === 'No database falls to this shard.\n')).toHaveLength(2)
})

test('a rollback goes through the fleet as well', async () => {
  await using fleet = await createFleet(3, {
    ...FILES,
    'database/002-name.down.sql': "ALTER TABLE account DROP COLUMN name;\nDELETE FROM effect WHERE name = '002';\n",
  })
  const { project, tenants, dev } = fleet
  await project.run(['sync', '--yes'])
  const back = await project.run(['rollback', '--yes'])
  expect(back.exitCode).toBe(0)
  expect(back.stdout).toContain('prod  3 databases: 3 taken back')
  for (const database of [dev, ...tenants]) expect(await effectsOf(database)).toBe('001')
})

test('--atomic is refused where an environment has many databases, before anything is connected to', async () => {
  await using fleet = await createFleet(1, FILES)
  const refused = await fleet.project.run(['sync', '--yes', '--atomic'])
  expect(refused.exitCode).toBe(EXIT.usage)
  expect(refused.stderr).toContain('--atomic does not go together with prod, which has many databases.')
})

test('repair asks for one database of a fleet, and takes it', async () => {
  await using fleet = await createFleet(2, FILES)
  const { project } = fleet
  await project.run(['sync', '--yes'])
  const args = ['repair', 'mark-not-applied', '002-name', '--reason', 'a test', '--yes']
  const all = await project.run([...args, '--env', 'prod'])
  expect(all.exitCode).toBe(EXIT.usage)
  expect(all.stderr).toContain('--env prod/t01')
  const one = await project.run([...args, '--env', 'prod/t02'])
  expect(one.exitCode).toBe(0)
  const status = await project.run(['status', '--json'])
  expect(status.json()['fleets']).toMatchObject([{ inStep: 1, pending: 1 }])
})

test('a database of a fleet may get another name, and an environment may grow from one database to many', async () => {
  await using fleet = await createFleet(2, FILES)
  const { project, tenants } = fleet
  const [first] = tenants
  if (first === undefined) throw new Error('no tenant')
  const alone = { PROD_DATABASE_URLS_FILE: '', PROD_DATABASE_URL: first.url }
  expect((await project.run(['sync', '--yes'], { env: alone })).exitCode).toBe(0)
  project.write('tenants.txt', tenants.map(({ url }, index) => `customer-${index}=${url}\n`).join(''))
  const grown = await project.run(['sync', '--yes', '--json'])
  expect(grown.exitCode).toBe(0)
  expect(grown.json()['environments'].map(({ name, status }: Record<string, string>) => `${name} ${status}`)).toEqual([
    'dev up-to-date',
    'prod/customer-0 up-to-date',
    'prod/customer-1 applied',
  ])
})

test('what blocks in many databases of a fleet is told a few times', async () => {
  await using fleet = await createFleet(8, FILES)
  const { project } = fleet
  await project.run(['sync', '--yes'])
  project.write('database/001-account.sql', 'CREATE TABLE edited (id int);\n')
  const blocked = await project.run(['sync', '--yes', '--env', 'prod'])
  expect(blocked.exitCode).toBe(EXIT.blocked)
  expect(blocked.stdout.match(/was edited after prod\/t\d\d ran it/g)).toHaveLength(3)
  expect(blocked.stdout).toContain('… and the same in 5 more databases of prod (--all shows them)')
})

test('^C in the middle of a wave: what is under way is rolled back, nobody else is begun, and the next run completes', async () => {
  await using fleet = await createFleet(14, {
    ...FILES,
    'database/003-slow.sql': "INSERT INTO effect VALUES ('003');\nSELECT pg_sleep(0.5);\n",
  })
  const { project, tenants } = fleet
  const child = project.start(['sync', '--yes', '--json', '--concurrency', '4'])
  child.stderr.on('data', (text: Buffer) => {
    if (text.toString().includes('prod: 3 of 14 databases')) child.kill('SIGINT')
  })
  const interrupted = await collect(child)
  expect(interrupted.exitCode).toBe(EXIT.interrupted)
  const counts = countStatuses(interrupted.json()['environments'])
  expect(counts['skipped']).toBeGreaterThanOrEqual(3)
  for (const tenant of tenants.slice(11)) expect(await effectsOf(tenant)).toBe('')

  const resumed = await project.run(['sync', '--yes', '--json'])
  expect(resumed.exitCode).toBe(0)
  for (const tenant of tenants) expect(await effectsOf(tenant)).toBe('001,002,003')
})

/** Staging with the first `count` databases and prod with the others, in lists of their own. */
function twoFleets({ tenants }: { readonly tenants: readonly TestDatabase[] }, count: number): Record<string, string> {
  const listOf = (databases: readonly TestDatabase[], letter: string): string =>
    databases.map(({ url }, index) => `${letter}${index + 1}=${url}`).join('\n')
  return {
    PROD_DATABASE_URLS_FILE: '',
    STAGING_DATABASE_URLS: listOf(tenants.slice(0, count), 's'),
    PROD_DATABASE_URLS: listOf(tenants.slice(count), 'p'),
  }
}

test('an earlier fleet that cannot be read is never overtaken, however many failures are allowed', async () => {
  await using fleet = await createFleet(3, FILES)
  const { project, tenants } = fleet
  const env = twoFleets(fleet, 2)
  await project.run(['sync', '--env', 'dev'], { env })
  await tenants[0]?.drop()

  const run = await project.run(['sync', '--yes', '--env', 'prod', '--max-failures', '9', '--json'], { env })

  expect(run.exitCode).toBe(1)
  expect(run.json()['error'].message).toContain('staging/s1 could not be read')
  expect(await effectsOf(tenants[2] ?? fleet.dev)).toBe('')
})

test('a database that could not be read keeps the environments behind its fleet from being begun', async () => {
  await using fleet = await createFleet(3, FILES)
  const { project, tenants } = fleet
  const env = twoFleets(fleet, 2)
  await tenants[0]?.drop()

  const run = await project.run(['sync', '--yes', '--max-failures', '1', '--json'], { env })

  expect(run.exitCode).toBe(1)
  expect(run.json()['environments']).toMatchObject([
    { name: 'dev', status: 'applied' },
    { name: 'staging/s1', fleet: 'staging', status: 'failed' },
    { name: 'staging/s2', status: 'applied' },
    { name: 'prod/p1', status: 'skipped' },
  ])
  expect(await effectsOf(tenants[2] ?? fleet.dev)).toBe('')
})

test('a shard does not overtake databases of the environment before that fall to other shards', async () => {
  await using fleet = await createFleet(5, FILES)
  const { project, tenants } = fleet
  const env = twoFleets(fleet, 1)
  await project.run(['sync', '--env', 'dev'], { env })

  const shards = await Promise.all(
    [1, 2, 3, 4].map((part) =>
      project.run(['sync', '--yes', '--env', 'prod', '--shard', `${part}/4`, '--json'], { env }),
    ),
  )

  const statuses = new Set(shards.map((shard) => String(shard.json()['status'])))
  expect(statuses.has('applied')).toBe(false)
  for (const tenant of tenants.slice(1)) expect(await effectsOf(tenant)).toBe('')
})

const REVERSIBLE = {
  ...FILES,
  'database/001-account.down.sql': 'DROP TABLE account;\nDROP TABLE effect;\n',
  'database/002-name.down.sql': "ALTER TABLE account DROP COLUMN name;\nDELETE FROM effect WHERE name = '002';\n",
} as const

test('a rollback that names no version does not take back another migration in each shard', async () => {
  await using fleet = await createFleet(4, REVERSIBLE)
  const { project, tenants } = fleet
  await project.run(['sync', '--to', '001', '--yes'])
  await project.run(['sync', '--env', 'dev'])
  expect(await project.run(['sync', '--env', 'prod', '--shard', '1/2', '--yes'])).toMatchObject({ exitCode: 0 })
  const before = await Promise.all(tenants.map(effectsOf))
  expect(new Set(before)).toEqual(new Set(['001', '001,002']))

  const refused = await project.run(['rollback', '--env', 'prod', '--shard', '2/2', '--yes'])
  expect(refused).toMatchObject({ exitCode: EXIT.usage })
  expect(refused.stderr).toContain('usage/version-needed')
  expect(await Promise.all(tenants.map(effectsOf))).toEqual(before)

  for (const part of ['1/2', '2/2']) {
    const named = await project.run(['rollback', '--env', 'prod', '--only', '002', '--shard', part, '--yes'])
    expect({ exitCode: named.exitCode, stderr: named.stderr }).toMatchObject({ exitCode: 0 })
  }
  expect(new Set(await Promise.all(tenants.map(effectsOf)))).toEqual(new Set(['001']))
})

test('a rollback that names no version does not guess past a database that cannot be read', async () => {
  await using fleet = await createFleet(3, REVERSIBLE)
  const { project, tenants } = fleet
  await project.run(['sync', '--to', '001', '--yes'])
  await project.run(['sync', '--env', 'dev,prod/t01', '--yes'])
  project.write('tenants.txt', project.read('tenants.txt').replace(/^t01=.*$/mu, 't01=postgres://u:p@127.0.0.1:1/x'))

  const refused = await project.run(['rollback', '--env', 'prod', '--max-failures', '1', '--yes'])

  expect(refused).toMatchObject({ exitCode: EXIT.usage })
  expect(refused.stderr).toContain('Not all databases could be read')
  for (const tenant of tenants.slice(1)) expect(await effectsOf(tenant)).toBe('001')
})

test('a shard that holds none of an environment says so beside the others', async () => {
  await using fleet = await createFleet(1, FILES)
  const { project } = fleet
  await project.run(['sync', '--yes'])

  const parts = [1, 2, 3].map((part) => `${part}/3`)
  const runs = await Promise.all(parts.map((part) => project.run(['status', '--check', '--shard', part])))
  const synced = await Promise.all(parts.map((part) => project.run(['sync', '--shard', part, '--yes', '--json'])))

  expect(runs.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0])
  const empty = parts.filter((part) =>
    runs.some(({ stdout }) => stdout.includes(`No database of prod falls to shard ${part}.`)),
  )
  expect(empty).toHaveLength(2)
  expect(synced.flatMap((run) => run.json()['findings']).filter(({ code }) => code === 'shard/empty')).toHaveLength(2)
})

test('a repair takes no environment from a shard that leaves only one', async () => {
  await using fleet = await createFleet(1, FILES)
  const { project } = fleet
  await project.run(['sync', '--yes'])

  for (const part of ['1/2', '2/2']) {
    const args = ['repair', 'mark-not-applied', '002', '--reason', 'x', '--yes', '--shard', part]
    expect(await project.run(args)).toMatchObject({ exitCode: EXIT.usage })
  }
  expect(await project.run(['status', '--check'])).toMatchObject({ exitCode: 0 })
})

test('databases in the wrong list are named together, and not offered a new name one by one', async () => {
  await using fleet = await createFleet(8, FILES)
  const { project, dev } = fleet
  await project.run(['sync', '--yes'])
  const asStaging = { DATABASE_URL: dev.url, PROD_DATABASE_URLS_FILE: '', STAGING_DATABASE_URLS_FILE: 'tenants.txt' }

  const run = await project.run(['status'], { env: asStaging })

  expect(run.exitCode).toBe(EXIT.unsafe)
  expect(run.stderr).toContain(
    '8 of the 8 databases of staging were initialised as prod: staging/t01, staging/t02, staging/t03, staging/t04, staging/t05 and 3 more.',
  )
  expect(run.stderr).toContain('tenants.txt (STAGING_DATABASE_URLS_FILE), line 1')
  expect(run.stderr).toContain('init --env staging --allow target/other-environment')
})

test('a migration whose file is gone says in how many databases of all it is applied', async () => {
  await using fleet = await createFleet(4, FILES)
  const { project } = fleet
  await project.run(['sync', '--to', '001', '--yes'])
  await project.run(['sync', '--env', 'dev'])
  await project.run(['sync', '--env', 'prod/t01', '--yes'])
  project.remove('database/002-name.sql')

  const { stdout } = await project.run(['status'])

  expect(stdout).toContain('applied in dev, prod (1 of 4), but the file is gone')
})
