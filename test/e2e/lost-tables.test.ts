import { afterAll, describe, expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import type { TestProject } from '../support/cli.ts'
import { startDatabases } from '../support/d1/database.ts'
import { createRemote } from '../support/d1/remote.ts'
import { createDatabase } from '../support/server.ts'

const databases = startDatabases(20)
afterAll(() => databases[Symbol.asyncDispose]())

/** Each can run twice, and its effect is then there twice. */
const FILES = {
  'database/001-visits.sql': "CREATE TABLE IF NOT EXISTS visits (page text);\nINSERT INTO visits VALUES ('home');\n",
  'database/002-more.sql': "INSERT INTO visits VALUES ('shop');\n",
} as const

interface Subject extends AsyncDisposable {
  readonly project: TestProject
  readonly query: (sql: string) => Promise<readonly unknown[]>
}

const SUBJECTS: readonly { readonly engine: string; readonly create: () => Promise<Subject> }[] = [
  {
    engine: 'PostgreSQL',
    async create() {
      const database = await createDatabase('lost')
      const project = createProject({ files: FILES, env: { DATABASE_URL: database.url } })
      return {
        project,
        query: (sql) => database.query(sql),
        async [Symbol.asyncDispose]() {
          await project[Symbol.asyncDispose]()
          await database.drop()
        },
      }
    },
  },
  {
    engine: 'D1',
    async create() {
      const remote = await createRemote(databases)
      const project = createProject({ files: FILES, env: { DATABASE_URL: remote.url, ...remote.env } })
      return {
        project,
        query: (sql) => remote.query(sql),
        async [Symbol.asyncDispose]() {
          await project[Symbol.asyncDispose]()
          await remote[Symbol.asyncDispose]()
        },
      }
    },
  },
]

const VISITS = 'SELECT page FROM visits ORDER BY page'
const ONCE = [{ page: 'home' }, { page: 'shop' }]

/** What docs/when-a-release-goes-wrong.md says, for both engines. */
const FROM_THE_LOG = `INSERT INTO schema_migrations (migration_name, checksum, applied_at, status, duration_ms, applied_by, run_id)
SELECT migration_name, checksum, at, 'applied', duration_ms, role, run_id
FROM schema_migrations_log l
WHERE id = (SELECT max(id) FROM schema_migrations_log WHERE migration_name = l.migration_name AND outcome <> 'failed')
  AND event NOT IN ('rollback', 'mark-not-applied', 'abandon')`

describe.each(SUBJECTS)('$engine', ({ create }) => {
  test.each([
    ['dropped', 'DROP TABLE schema_migrations'],
    ['emptied', 'DELETE FROM schema_migrations'],
  ])('a history that was %s is not begun anew: its log says what ran', async (_, loss) => {
    await using subject = await create()
    const { project, query } = subject
    expect(await project.run(['sync', '--yes'])).toMatchObject({ exitCode: 0 })
    await query(loss)

    const status = await project.run(['status'])
    const refused = []
    for (const args of [['plan'], ['sync', '--yes'], ['sync', '--yes', '--allow', 'history/lost'], ['verify']]) {
      refused.push((await project.run(args)).exitCode)
    }
    const byHand = await project.run(['repair', 'mark-applied', '001', '--env', 'dev', '--reason', 'x', '--yes'])

    expect(status.stdout).toContain(
      'dev has no history any more, but by its log 2 migrations are applied, 002-more last.',
    )
    expect(status.stdout).not.toContain('fresh')
    // An unknown code is not taken at all.
    expect(refused).toEqual([4, 4, 2, 4])
    expect(byHand.exitCode).toBe(4)
    expect(byHand.stderr).toContain('history/lost')
    expect(await query(VISITS)).toEqual(ONCE)

    expect(await project.run(['init'])).toMatchObject({ exitCode: 0 })
    await query(FROM_THE_LOG)
    const after = await project.run(['status', '--check'])
    expect({ exitCode: after.exitCode, stdout: after.stdout }).toMatchObject({ exitCode: 0 })
    project.write('database/003-last.sql', "INSERT INTO visits VALUES ('about');\n")
    expect(await project.run(['sync', '--yes'])).toMatchObject({ exitCode: 0 })
    expect(await project.run(['history', '--check'])).toMatchObject({ exitCode: 0 })
    expect(await query(VISITS)).toEqual([{ page: 'about' }, ...ONCE])
  })

  test('init asks before it makes a lost history of a protected environment anew, and says that it did', async () => {
    await using subject = await create()
    const { project, query } = subject
    const env = { MIGRATION_PROTECTED: 'dev', CI: 'true' }
    const events = (): Promise<readonly unknown[]> => query('SELECT event FROM schema_migrations_log ORDER BY id')
    expect(await project.run(['sync', '--yes'])).toMatchObject({ exitCode: 0 })
    await query('DROP TABLE schema_migrations')
    const told = await events()

    const refused = await project.run(['init', '--json'], { env })
    const stillLost = query('SELECT 1 FROM schema_migrations')
    await expect(stillLost).rejects.toThrow('schema_migrations')
    const toldAfterRefusal = await events()
    const made = await project.run(['init', '--yes', '--json'], { env })
    const again = await project.run(['init', '--yes', '--json'], { env })

    expect(refused).toMatchObject({ exitCode: 4 })
    expect(refused.json()).toMatchObject({
      status: 'blocked',
      environments: [{ name: 'dev', status: 'skipped' }],
      findings: [{ code: 'history/lost', severity: 'warn' }, { code: 'policy/confirmation-needed' }],
    })
    expect(toldAfterRefusal).toEqual(told)
    expect(made).toMatchObject({ exitCode: 0 })
    expect(made.json()).toMatchObject({ status: 'applied', environments: [{ status: 'initialised', error: null }] })
    expect(await query('SELECT * FROM schema_migrations')).toEqual([])
    expect(await events()).toEqual([...told, { event: 'init' }])
    expect(again.json()).toMatchObject({ status: 'up-to-date', environments: [{ status: 'up-to-date' }] })
    expect(await query(VISITS)).toEqual(ONCE)
  })

  test('a history that was emptied by rollbacks, and then dropped, is begun anew', async () => {
    await using subject = await create()
    const { project, query } = subject
    project.write('database/001-visits.down.sql', 'DROP TABLE visits;\n')
    project.write('database/002-more.down.sql', "DELETE FROM visits WHERE page = 'shop';\n")
    expect(await project.run(['sync', '--yes'])).toMatchObject({ exitCode: 0 })
    expect(await project.run(['rollback', '--to', '0', '--yes'])).toMatchObject({ exitCode: 0 })
    await query('DROP TABLE schema_migrations')

    const again = await project.run(['sync', '--yes'])

    expect({ exitCode: again.exitCode, stderr: again.stderr }).toMatchObject({ exitCode: 0 })
    expect(await query(VISITS)).toEqual(ONCE)
    expect(await project.run(['history', '--check'])).toMatchObject({ exitCode: 0 })
  })

  test('a table of another tool that is called like the log does not keep a status from being read', async () => {
    await using subject = await create()
    const { project, query } = subject
    await query('CREATE TABLE schema_migrations_log (id int, line text)')

    const status = await project.run(['status'])

    expect({ exitCode: status.exitCode, stderr: status.stderr }).toMatchObject({ exitCode: 0 })
    expect(status.stdout).toContain('fresh')
  })

  test('a log that is gone is said, and begun anew by the next run that writes', async () => {
    await using subject = await create()
    const { project, query } = subject
    expect(await project.run(['sync', '--yes'])).toMatchObject({ exitCode: 0 })
    await query('DROP TABLE schema_migrations_log')

    const status = await project.run(['status'])
    const data = await project.run(['status', '--json'])
    project.write('database/003-last.sql', "INSERT INTO visits VALUES ('about');\n")
    const synced = await project.run(['sync', '--yes'])
    const after = await project.run(['status', '--check', '--json'])

    expect(status).toMatchObject({ exitCode: 0 })
    expect(status.stdout).toContain('dev has a history, but its log is gone')
    expect(data.json()).toMatchObject({ environments: [{ initialised: true }] })
    expect(status.stdout).not.toContain('fresh')
    expect({ exitCode: synced.exitCode, stderr: synced.stderr }).toMatchObject({ exitCode: 0 })
    expect(await query(VISITS)).toEqual([{ page: 'about' }, ...ONCE])
    expect(after.json()).toMatchObject({ inSync: true, findings: [], environments: [{ initialised: true }] })
  })
})
