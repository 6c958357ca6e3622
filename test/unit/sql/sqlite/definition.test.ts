import { expect, test } from 'vitest'
import { readDefinition, readTable } from '../../../../src/sql/sqlite/definition.ts'

test('two definitions that mean the same are the same text', () => {
  const one = 'CREATE INDEX "users_email" ON [users] ( email )\n  -- by mail\n  WHERE email <> \'a  b\''
  const other = "CREATE INDEX users_email ON users(email) WHERE email /* x */ <> 'a  b'"

  expect(readDefinition(one)).toBe(readDefinition(other))
})

test('names that need their quotes keep them', () => {
  expect(readDefinition('CREATE VIEW "two words" AS SELECT "größe"')).toBe('CREATE VIEW "two words" AS SELECT "größe"')
})

test('a table is taken apart into its columns and the rest', () => {
  expect(
    readTable(`CREATE TABLE "users" (
      id text PRIMARY KEY, -- the key, or not
      "plan" text NOT NULL DEFAULT ('a, b') CHECK (plan IN ('a', 'b')),
      owner text REFERENCES users (id) ON DELETE SET NULL,
      UNIQUE (id, plan)
    ) STRICT`),
  ).toEqual({
    definition: 'UNIQUE ( id , plan ), STRICT',
    columns: [
      { name: 'id', definition: 'id text PRIMARY KEY' },
      { name: 'plan', definition: "plan text NOT NULL DEFAULT ( 'a, b' ) CHECK ( plan IN ( 'a' , 'b' ) )" },
      { name: 'owner', definition: 'owner text REFERENCES users ( id ) ON DELETE SET NULL' },
    ],
  })
})

test.each(['', 'CREATE TABLE', 'CREATE TABLE a (', 'CREATE TABLE a (b, (c', 'CREATE VIRTUAL TABLE a USING fts5(b, c)'])(
  'what is no whole table is read to its end: %j',
  (sql) => {
    expect(readTable(sql)).toEqual({ definition: expect.any(String), columns: expect.any(Array) })
  },
)
