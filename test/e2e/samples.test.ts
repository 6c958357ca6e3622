import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'

const ROOT = join(import.meta.dirname, '..', '..')

test('the sample in database/ syncs to two databases, which are then in step', async () => {
  await using dev = await createDatabase('dev')
  await using prod = await createDatabase('prod')
  await using project = createProject({
    env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url, MIGRATIONS_DIR: join(ROOT, 'database') },
  })

  const sync = await project.run(['sync', '--yes', '--json'])
  const check = await project.run(['status', '--check'])
  const again = await project.run(['sync', '--json'])

  const done = ['001-initial-setup', '002-token-encryption', '003-api-usage-tracking', '004-referral-system']
  expect(sync).toMatchObject({ exitCode: 0 })
  expect(sync.json()).toMatchObject({
    status: 'applied',
    environments: [
      { name: 'dev', done: done.map((name) => ({ name })) },
      { name: 'prod', done: done.map((name) => ({ name })) },
    ],
    findings: [],
  })
  expect(check).toMatchObject({ exitCode: 0 })
  expect(again.json()).toMatchObject({ status: 'up-to-date' })
  for (const database of [dev, prod]) {
    const rows = await database.query('SELECT migration_name FROM schema_migrations ORDER BY migration_name')
    expect(rows.map((row) => row['migration_name'])).toEqual(done)
  }
})

test('the functions of the sample count usage, pay for referrals and ask for an administrator', async () => {
  await using database = await createDatabase('functions')
  await using project = createProject({
    env: { DATABASE_URL: database.url, MIGRATIONS_DIR: join(ROOT, 'database') },
  })
  const sync = await project.run(['sync'])
  expect(sync).toMatchObject({ exitCode: 0 })

  const [ada] = await database.query(
    "INSERT INTO users (email, password_hash) VALUES ('ada@example.com', 'x') RETURNING id, referral_code",
  )
  const [bob] = await database.query(
    "INSERT INTO users (email, auth_provider) VALUES ('bob@example.com', 'github') RETURNING id",
  )
  const adaId = `'${String(ada?.['id'])}'::uuid`
  const bobId = `'${String(bob?.['id'])}'::uuid`
  await database.query(
    `INSERT INTO api_usage (user_id, provider, endpoint, status_code, response_time_ms)
     VALUES (${adaId}, 'github', '/user', 200, 10), (${adaId}, 'openai', '/chat', 500, 30)`,
  )
  const refer = `SELECT complete_referral(${bobId}, '${String(ada?.['referral_code']).toLowerCase()}') AS answer`
  const stats = `SELECT plan, calls::int, errors::int, average_response_ms::float8 AS ms, bonus_credits FROM get_user_usage_stats(${adaId})`

  expect(await database.query(stats)).toEqual([{ plan: 'free', calls: 2, errors: 1, ms: 20, bonus_credits: 0 }])
  expect(await database.query(refer)).toMatchObject([{ answer: { completed: true, bonusCredits: 100 } }])
  expect(await database.query(refer)).toEqual([{ answer: { completed: false, reason: 'already-referred' } }])
  expect(await database.query(`SELECT get_bonus_credits(${adaId}) AS credits`)).toEqual([{ credits: 100 }])

  const give = `SELECT admin_add_bonus_credits(${adaId}, 5, 'root@example.com') AS balance`
  const reset = `SELECT admin_reset_user_usage(${adaId}, 'ROOT@example.com')::int AS calls`
  await expect(database.query(give)).rejects.toThrow('only an administrator')
  await database.query("SELECT set_config('app.admin_emails', 'someone@example.com, root@example.com', false)")
  expect(await database.query(give)).toEqual([{ balance: 105 }])
  expect(await database.query(reset)).toEqual([{ calls: 2 }])
  expect(await database.query(stats)).toMatchObject([{ calls: 0, bonus_credits: 105 }])

  await expect(
    database.query("INSERT INTO users (email, password_hash) VALUES ('ADA@example.com', 'x')"),
  ).rejects.toThrow('users_email_key')
})

test('the micro-SaaS example syncs to two databases, which are then in step', async () => {
  await using dev = await createDatabase('dev')
  await using prod = await createDatabase('prod')
  await using project = createProject({
    from: 'examples/microsaas',
    env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url },
  })

  const sync = await project.run(['sync', '--yes', '--json'])
  const check = await project.run(['status', '--check'])

  expect(sync).toMatchObject({ exitCode: 0 })
  expect(sync.json()).toMatchObject({ status: 'applied', findings: [] })
  expect(check).toMatchObject({ exitCode: 0 })
  for (const database of [dev, prod]) {
    expect(await database.query('SELECT count(*)::int AS n FROM schema_migrations')).toEqual([{ n: 8 }])
    expect(await database.query('SELECT name FROM mcp_table ORDER BY name')).toEqual([
      { name: 'github' },
      { name: 'notion' },
      { name: 'slack' },
    ])
  }
})

test('the functions of the micro-SaaS example keep versions, plans and their limit', async () => {
  await using database = await createDatabase('functions')
  await using project = createProject({ from: 'examples/microsaas', env: { DATABASE_URL: database.url } })
  const sync = await project.run(['sync'])
  expect(sync).toMatchObject({ exitCode: 0 })

  const [user] = await database.query(
    "INSERT INTO users (email, password_hash) VALUES ('ada@example.com', 'x') RETURNING id",
  )
  const id = `'${String(user?.['id'])}'::uuid`
  const add = (name: string): string =>
    `INSERT INTO mcp_service_table (user_id, mcp_id, custom_name, status)
     SELECT ${id}, id, '${name}', 'active' FROM mcp_table WHERE name = 'github' RETURNING version`

  expect(
    await database.query(`SELECT plan, max_active_instances AS most FROM user_plans WHERE user_id = ${id}`),
  ).toEqual([{ plan: 'free', most: 1 }])
  expect(await database.query(add('one'))).toEqual([{ version: 1 }])
  await expect(database.query(add('two'))).rejects.toThrow('allows 1 active instances')
  expect(
    await database.query("UPDATE mcp_service_table SET usage_count = 1 WHERE custom_name = 'one' RETURNING version"),
  ).toEqual([{ version: 2 }])
})

test('the first file of the micro-SaaS example refuses a database of the old version, and leaves it as it was', async () => {
  await using database = await createDatabase('old')
  await database.query(
    "CREATE TABLE users (id serial PRIMARY KEY, email text); INSERT INTO users (email) VALUES ('a@b')",
  )
  await using project = createProject({ from: 'examples/microsaas', env: { DATABASE_URL: database.url } })

  const result = await project.run(['sync'])

  expect(result).toMatchObject({ exitCode: 1 })
  expect(result.stdout).toContain('Move it out of the way')
  expect(await database.query('SELECT email FROM users')).toEqual([{ email: 'a@b' }])
  expect(await database.query('SELECT 1 FROM schema_migrations')).toEqual([])
})
