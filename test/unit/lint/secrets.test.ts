import { expect, test } from 'vitest'
import { readMigrations } from '../../../src/core/migration.ts'
import { planSync } from '../../../src/core/plan.ts'
import type { Finding } from '../../../src/core/finding.ts'
import { findSecrets } from '../../../src/lint/secrets.ts'

function findIn(sql: string): readonly Finding[] {
  const read = readMigrations([{ fileName: '001-a.sql', file: 'database/001-a.sql', content: { text: sql } }])
  if (!('migrations' in read)) throw new Error('bad file')
  return findSecrets(planSync('dev', read.migrations, [], { allow: new Set() }))
}

// Put together here, so that nobody takes them for real ones.
const JWT = ['eyJhbGciOiJIUzI1NiJ9', 'eyJyb2xlIjoic2VydmljZSJ9', 'c2lnbmF0dXJlLWhlcmU'].join('.')
const AWS = ['AKIA', 'IOSFODNN7EXAMPLE'].join('')
const KEY = ['-----BEGIN RSA', 'PRIVATE', 'KEY-----'].join(' ')

test.each([
  ['a password', "CREATE ROLE app LOGIN PASSWORD 'hunter2';"],
  ['a password', "ALTER ROLE app\n  WITH PASSWORD\n  E'hunter2';"],
  ['a password', "CREATE USER MAPPING FOR app SERVER s OPTIONS (user 'app', password 'hunter2');"],
  ['a password', "CREATE SUBSCRIPTION s CONNECTION 'host=db.example.com password=hunter2' PUBLICATION p;"],
  ['a connection string with a password', "SELECT dblink('postgres://app:hunter2@db.example.com/x', 'SELECT 1');"],
  ['a JSON Web Token', `INSERT INTO settings VALUES ('${JWT}');`],
  ['a private key', `INSERT INTO settings VALUES ('${KEY}\nhunter2');`],
  ['an access key', `INSERT INTO settings VALUES ('${AWS}');`],
])('a file that holds %s is warned of, without saying it: %s', (what, sql) => {
  const findings = findIn(`SELECT 1;\n${sql}\n`)

  expect(findings).toMatchObject([
    {
      code: 'sql/secret',
      severity: 'warn',
      migration: '001-a',
      message: `database/001-a.sql holds what looks like ${what}.`,
      at: { file: 'database/001-a.sql' },
    },
  ])
  expect(findings[0]?.at?.line).toBeGreaterThan(1)
  expect(JSON.stringify(findings)).not.toMatch(/hunter2|eyJ|AKIA/)
})

test.each([
  'CREATE TABLE users (password text NOT NULL, password_hash text);',
  "COMMENT ON COLUMN users.password IS 'never in clear';",
  'ALTER ROLE app PASSWORD NULL;',
  "ALTER ROLE app PASSWORD 'SCRAM-SHA-256$4096:c2FsdA==$a2V5:a2V5';",
  `ALTER ROLE app PASSWORD 'md5${'0123456789abcdef'.repeat(2)}';`,
  "INSERT INTO users (password) VALUES ('x');",
  "DO $$ BEGIN RAISE EXCEPTION 'wrong password '; END $$;",
  "SELECT 'Your password ' || name, 'x' FROM users;",
  "SELECT dblink('postgres://localhost:5432/?user=me@x', 'SELECT 1');",
  '-- postgres://user:<password>@db.example.com/x, or postgres://user:${PASSWORD}@db.example.com/x\nSELECT 1;',
  "CREATE SUBSCRIPTION s CONNECTION 'host=db.example.com password=<password>' PUBLICATION p;",
  "SELECT dblink('postgres://db.example.com/x', 'SELECT 1');",
])('nothing is said of %s', (sql) => {
  expect(findIn(sql)).toEqual([])
})

// What is not linear would take minutes here, and run into the test's deadline.
test.each([
  ['SELECT 1; -- PASSWORD PASSWORD eyJ AKIA\n', 0],
  ['-eyJ', 0],
  ['eyJ', 0],
  ['postgres://a:', 0],
  ['postgres://', 0],
  ["CONNECTION 'password", 0],
  ["CONNECTION ' password= ", 1],
  ['PASSWORD ', 0],
  ["PASSWORD '", 1],
  ['-----BEGIN A ', 0],
  ['sk_live_', 0],
])('a large file of %j is looked through in a moment', (piece, count) => {
  expect(findIn(piece.repeat(1_000_000 / piece.length))).toHaveLength(count)
})

test('a file is looked through once, in however many databases it is to run', () => {
  const read = readMigrations([
    { fileName: '001-a.sql', file: 'database/001-a.sql', content: { text: "ALTER ROLE a PASSWORD 'hunter2';" } },
  ])
  if (!('migrations' in read)) throw new Error('bad file')
  const [first] = findSecrets(planSync('prod/a', read.migrations, [], { allow: new Set() }))
  const [second] = findSecrets(planSync('prod/b', read.migrations, [], { allow: new Set() }))
  expect(first).toBeDefined()
  expect(second).toBe(first)
})
