import { spawn } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { collect, createProject, MAIN } from '../support/cli.ts'
import type { TestProject } from '../support/cli.ts'
import { startDatabases } from '../support/d1/database.ts'
import { createRemote } from '../support/d1/remote.ts'

const databases = startDatabases(4)
afterAll(() => databases[Symbol.asyncDispose]())

const SAMPLES = {
  'wordpress-mcp': {
    files: ['001_initial', '002_api_keys', '003_usage_tracking', '004_totp', '005_billing'],
    tables: [
      'admin_logs',
      'api_keys',
      'oauth_states',
      'plans',
      'usage_logs',
      'usage_monthly',
      'users',
      'wordpress_connections',
    ],
  },
  omnichat: {
    files: [
      '0001_users',
      '0002_conversations',
      '0003_messages',
      '0004_subscription_plans',
      '0005_user_subscriptions',
      '0006_user_battery',
      '0007_api_usage',
      '0008_daily_usage_summary',
      '0009_audit_logs',
    ],
    tables: [
      'api_usage',
      'audit_logs',
      'battery_transactions',
      'conversations',
      'daily_usage_summary',
      'messages',
      'subscription_plans',
      'user_battery',
      'user_subscriptions',
      'users',
    ],
  },
} as const

const TABLES =
  "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'schema_migrations%' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_cf%' ESCAPE '\\' ORDER BY name"

test.each(Object.entries(SAMPLES))(
  '%s goes up, down and up again, local and remote',
  async (name, { files, tables }) => {
    await using remote = await createRemote(databases)
    await using project = createProject({
      from: `examples/${name}`,
      env: { LOCAL_DATABASE_URL: 'd1-local:DB', REMOTE_DATABASE_URL: remote.url, ...remote.env },
    })

    const up = await project.run(['sync', '--yes', '--json'])
    const there = (await remote.query(TABLES)).map((row) => row['name'])
    const verified = await project.run(['verify'])
    const down = await project.run(['rollback', '--to', '0', '--yes', '--json'])
    const left = await remote.query(
      "SELECT name FROM sqlite_master WHERE name NOT LIKE '%schema_migrations%' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
    )
    const again = await project.run(['sync', '--yes', '--json'])
    const check = await project.run(['status', '--check'])

    const done = files.map((file) => ({ name: file }))
    expect({ exitCode: up.exitCode, stderr: up.stderr }).toMatchObject({ exitCode: 0 })
    expect(up.json()).toMatchObject({
      environments: [
        { name: 'local', done },
        { name: 'remote', done },
      ],
      findings: [],
    })
    expect(there).toEqual(tables)
    expect(verified.exitCode).toBe(0)
    expect(down.json()).toMatchObject({
      environments: [
        { name: 'remote', done: done.toReversed() },
        { name: 'local', done: done.toReversed() },
      ],
    })
    expect(left).toEqual([])
    expect(again.json()).toMatchObject({ status: 'applied' })
    expect(check.exitCode).toBe(0)
  },
  180_000,
)

test('the triggers of omnichat keep the tier of a user in step with the subscription', async () => {
  await using remote = await createRemote(databases)
  await using project = createProject({
    from: 'examples/omnichat',
    env: { REMOTE_DATABASE_URL: remote.url, ...remote.env },
  })
  expect((await project.run(['sync', '--yes'])).exitCode).toBe(0)

  await remote.query("INSERT INTO users (id, clerk_id, email) VALUES ('u', 'clerk_u', 'u@example.com')")
  await remote.query(
    "INSERT INTO user_subscriptions (id, user_id, plan_id, status, current_period_start, current_period_end) VALUES ('s', 'u', 'power', 'active', 0, 1)",
  )
  const paid = await remote.query('SELECT tier, subscription_status AS status FROM users')
  await remote.query("UPDATE user_subscriptions SET status = 'canceled'")

  expect(paid).toEqual([{ tier: 'paid', status: 'active' }])
  expect(await remote.query('SELECT tier, subscription_status AS status FROM users')).toEqual([
    { tier: 'free', status: 'canceled' },
  ])
})

test('the scripts of omnichat are thin: local with --local, else remote, which asks first', async () => {
  await using remote = await createRemote(databases)
  const env = { LOCAL_DATABASE_URL: 'd1-local:DB', REMOTE_DATABASE_URL: remote.url, ...remote.env }
  await using project = createProject({ from: 'examples/omnichat', env })
  project.write('node_modules/.bin/migration-manager', `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`)
  chmodSync(join(project.dir, 'node_modules/.bin/migration-manager'), 0o755)

  const local = await script(project, 'setup-database.sh', ['--local'], env)
  const refused = await script(project, 'migrate-simple.sh', [], env)
  const untouched = await remote.applied()
  const applied = await script(project, 'setup-database.sh', ['--yes'], env)

  expect({ exitCode: local.exitCode, stderr: local.stderr }).toMatchObject({ exitCode: 0 })
  expect(local.stderr).toContain('local: applied 0009_audit_logs')
  expect(refused.exitCode).toBe(4)
  expect(untouched).toBe('untouched')
  expect({ exitCode: applied.exitCode, stderr: applied.stderr }).toMatchObject({ exitCode: 0 })
  expect(await remote.applied()).toEqual(SAMPLES.omnichat.files)
}, 180_000)

function script(
  project: TestProject,
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): ReturnType<typeof collect> {
  const child = spawn('bash', [join(project.dir, 'scripts', name), ...args], {
    cwd: project.dir,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
  })
  return collect(child)
}
