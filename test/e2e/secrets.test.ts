import { describe, expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import type { CliResult } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'

/** Each is awkward in its own way: in a URL, in SQL, in JSON, in a shell, in a table, on a terminal. */
const PASSWORDS = [
  'p@s#s/w?r%d x',
  'S3cr3t:with@two:colons@',
  `quote"and'single'quote`,
  'back\\slash\\nnewline?',
  'ünïcödé-🔑-schlüssel',
  '100%41percent%zz',
  'a+b=c&d;e,f|g',
  '$(whoami)`id`${HOME}',
  '<script>&amp;"</script>',
  '  spaces  inside and around  ',
] as const

/** Every way in which a password could be written down by somebody who means no harm. */
function formsOf(password: string): readonly string[] {
  const encoded = encodeURIComponent(password)
  const bytes = Buffer.from(password)
  return [
    password,
    password.trim(),
    encoded,
    encoded.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase()),
    encodeURIComponent(encoded),
    encoded.replaceAll('%20', '+'),
    JSON.stringify(password).slice(1, -1),
    sqlLiteral(password).slice(1, -1),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    password.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
  ]
}

function sqlLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function expectNoForm({ stdout, stderr }: Pick<CliResult, 'stdout' | 'stderr'>, password: string): void {
  for (const form of formsOf(password)) {
    expect(stdout).not.toContain(form)
    expect(stderr).not.toContain(form)
  }
}

const FILES = { 'database/1-a.sql': 'CREATE TABLE a (id int);\n' }

describe.for(PASSWORDS.map((password, index) => ({ password, index })))(
  'the password $password',
  ({ password, index }) => {
    const written = encodeURIComponent(password)

    test('is not shown when the server refuses it, cannot be reached, or the connection string is wrong', async () => {
      await using dev = await createDatabase('dev')
      await using project = createProject({ files: FILES })
      const good = dev.url.replace(/:[^:@]+@/, `:${written}@`)
      const attempts = [
        { url: good, exitCode: 1, says: 'connection/wrong-password' },
        { url: good.replace(/@[^/]+/, '@127.0.0.1:1'), exitCode: 1, says: 'connection/refused' },
        { url: good.replace(/\/[^/]+$/, '/absent'), exitCode: 1, says: 'connection/wrong-password' },
        { url: `${good}?host=elsewhere`, exitCode: 2, says: 'config/' },
        { url: `${good}?sslmode=nonsense`, exitCode: 2, says: 'config/' },
        { url: good.replace('postgres:', 'mysql:'), exitCode: 2, says: 'config/' },
        { url: good.replace(/@127.*/, ''), exitCode: 2, says: 'config/' },
        // A pasted mixture that has two readings.
        { url: good.replace(written, `${written}%41@ %`), exitCode: 2, says: 'config/' },
      ]

      const results = await Promise.all(
        attempts.map(async ({ url }, attempt) =>
          project.run(['sync', '--verbose', ...(attempt % 2 === 1 ? ['--json'] : [])], { env: { DATABASE_URL: url } }),
        ),
      )

      for (const [attempt, { exitCode, says }] of attempts.entries()) {
        const result = results[attempt]
        expect({ attempt, exitCode: result?.exitCode }).toEqual({ attempt, exitCode })
        expect(`${result?.stdout}${result?.stderr}`).toContain(says)
        if (result !== undefined) expectNoForm(result, password)
      }
      expect(await dev.query(`SELECT to_regclass('schema_migrations') AS history`)).toEqual([{ history: null }])
    })

    test('is not shown when a migration says it, fails with it or holds it', async () => {
      await using dev = await createDatabase('dev')
      const role = `canary_${index}_${dev.name.slice(-12)}`
      await dev.query(
        `CREATE ROLE ${role} LOGIN PASSWORD ${sqlLiteral(password)}; GRANT CREATE ON SCHEMA public TO ${role}`,
      )
      try {
        const literal = sqlLiteral(password)
        await using project = createProject({
          files: {
            'database/1-talks.sql': `DO $canary$ BEGIN
  RAISE NOTICE 'plain %', ${literal};
  RAISE NOTICE 'base64 %', encode(convert_to(${literal}, 'UTF8'), 'base64');
  RAISE NOTICE 'json %', to_json(${literal}::text);
  RAISE NOTICE 'url %', '${written.replaceAll("'", "''")}';
END $canary$;\n`,
            'database/2-fails.sql': `SELECT 1;\nSELECT ${literal}::int;\n`,
          },
          env: { DATABASE_URL: dev.url.replace(/\/\/[^@]+@/, `//${role}:${written}@`) },
        })

        const plan = await project.run(['plan', '--sql'])
        const human = await project.run(['sync'])
        const json = await project.run(['sync', '--json'])

        expect({ exitCode: plan.exitCode, stderr: plan.stderr }).toEqual({ exitCode: 0, stderr: '' })
        expect(plan.stdout).toContain("RAISE NOTICE 'plain %', ")
        expect(human.exitCode).toBe(1)
        for (const what of ['plain', 'base64', 'json', 'url'])
          expect(human.stderr).toMatch(new RegExp(`1-talks: ${what} .*\\*\\*\\*`))
        expect(human.stdout).toContain('invalid input syntax for type integer: "')
        expect(human.stdout).toContain('database/2-fails.sql:2:8')
        expect(json.exitCode).toBe(1)
        expect(json.json()).toMatchObject({ environments: [{ failed: { name: '2-fails', error: { code: '22P02' } } }] })
        for (const result of [plan, human, json]) expectNoForm(result, password)
        const [log] = await dev.query(
          `SELECT string_agg(l::text, E'\\n') AS text, count(*)::int AS rows FROM schema_migrations_log l`,
        )
        expect(log?.['rows']).toBe(4)
        expectNoForm({ stdout: String(log?.['text']), stderr: '' }, password)
      } finally {
        await dev.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`)
      }
    })
  },
)

test('a password that is pasted as it is connects, where it has one reading only, and is not shown', async () => {
  await using dev = await createDatabase('dev')
  const role = `pasted_${dev.name.slice(-12)}`
  const password = 'p@s#s/w?r%d x'
  await dev.query(
    `CREATE ROLE ${role} LOGIN PASSWORD ${sqlLiteral(password)}; GRANT CREATE ON SCHEMA public TO ${role}`,
  )
  try {
    await using project = createProject({
      files: FILES,
      env: { DATABASE_URL: dev.url.replace(/\/\/[^@]+@/, `//${role}:${password}@`) },
    })

    const result = await project.run(['sync', '--verbose'])

    expect({ exitCode: result.exitCode, stderr: result.stderr }).toMatchObject({ exitCode: 0 })
    expectNoForm(result, password)
    expect(await dev.query('SELECT applied_by FROM schema_migrations')).toEqual([{ applied_by: role }])
  } finally {
    await dev.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`)
  }
})
