import { expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'

/** Notes what the session says of itself while a migration runs. */
const NOTE = `INSERT INTO seen SELECT name, setting FROM pg_settings
  WHERE name LIKE 'tcp_keepalives%' OR name IN ('tcp_user_timeout', 'client_connection_check_interval');\n`

const FILES = {
  'database/001-first.sql': `CREATE TABLE seen (name text, setting text);\n${NOTE}`,
  'database/002-after-another.sql': `SET tcp_keepalives_idle = 7;\n${NOTE.replace('seen', 'public.seen')}RESET ALL;\n`,
  'database/003-behind-a-reset.sql': NOTE,
  'database/004-in-steps.sql': `-- migration: no-transaction\n${NOTE}`,
}

test('a server notices within a minute that the machine of a run has vanished, whatever a migration sets', async () => {
  await using database = await createDatabase('settings')
  await using project = createProject({ files: FILES, env: { DATABASE_URL: database.url } })

  const { exitCode } = await project.run(['sync'])

  expect(exitCode).toBe(0)
  expect(
    await database.query("SELECT name, string_agg(setting, ' ') AS settings FROM seen GROUP BY name ORDER BY name"),
  ).toEqual([
    { name: 'client_connection_check_interval', settings: '2000 2000 2000 2000' },
    { name: 'tcp_keepalives_count', settings: '3 3 3 3' },
    { name: 'tcp_keepalives_idle', settings: '30 7 30 30' },
    { name: 'tcp_keepalives_interval', settings: '10 10 10 10' },
    { name: 'tcp_user_timeout', settings: '60000 60000 60000 60000' },
  ])
})

test('the same holds while --atomic keeps a transaction open', async () => {
  await using database = await createDatabase('settings')
  const { 'database/004-in-steps.sql': _, ...files } = FILES
  await using project = createProject({
    // Deferred, so that it is looked at when everything has run: what a held transaction waits with.
    files: {
      ...files,
      'database/005-last.sql': `CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${NOTE} RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER note AFTER INSERT ON seen DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.name = 'last') EXECUTE FUNCTION note();
DELETE FROM seen;\nINSERT INTO seen VALUES ('last', '');\n`,
    },
    env: { DATABASE_URL: database.url },
  })

  const { exitCode, stderr } = await project.run(['sync', '--atomic'])

  expect([exitCode, stderr]).toMatchObject([0, expect.any(String)])
  expect(await database.query("SELECT setting FROM seen WHERE name = 'tcp_keepalives_idle'")).toEqual([
    { setting: '30' },
  ])
})

test('a Unix socket, which has no such settings, is no hindrance', async () => {
  await using database = await createDatabase('settings')
  const { socketDir, port } = database.server
  const url = `postgres://postgres:x@${encodeURIComponent(socketDir)}:${port}/${database.name}`
  await using project = createProject({ files: FILES, env: { DATABASE_URL: url } })

  expect(await project.run(['sync'])).toMatchObject({ exitCode: 0 })
})
