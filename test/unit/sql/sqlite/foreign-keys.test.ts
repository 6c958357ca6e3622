import { expect, test } from 'vitest'
import { followForeignKeys } from '../../../../src/sql/sqlite/foreign-keys.ts'
import type { Dependent } from '../../../../src/core/driver.ts'
import { splitSqlite } from '../../../../src/sql/sqlite/statements.ts'

const CHILD: Dependent = { table: 'child', parent: 'parent', onDelete: 'CASCADE' }

function lossesIn(text: string, known: readonly Dependent[] = [CHILD]): readonly string[] {
  return followForeignKeys(text, splitSqlite(text), known).problems.map(
    ({ offset }) => text.slice(offset).split(';')[0] ?? '',
  )
}

test.each<[string, string, readonly string[]]>([
  ['a drop of the parent', 'DROP TABLE parent', ['DROP TABLE parent']],
  [
    'whatever its case, quotes and schema',
    'DROP TABLE IF EXISTS main."Parent"',
    ['DROP TABLE IF EXISTS main."Parent"'],
  ],
  ['a rebuild', 'CREATE TABLE n (a); DROP TABLE parent; ALTER TABLE n RENAME TO parent', ['DROP TABLE parent']],
  [
    'a rebuild the other way round',
    'ALTER TABLE parent RENAME TO old; CREATE TABLE parent (a); DROP TABLE old',
    ['DROP TABLE old'],
  ],
  ['behind a PRAGMA that does nothing', 'PRAGMA foreign_keys = OFF; DROP TABLE parent', ['DROP TABLE parent']],
  ['a child that only some rows leave', 'DELETE FROM child WHERE a = 1; DROP TABLE parent', ['DROP TABLE parent']],
  [
    'a child of the same file',
    'CREATE TABLE c2 (a, b int references parent (id) on update cascade on delete set null, c); DROP TABLE child; DROP TABLE parent',
    ['DROP TABLE parent'],
  ],
  [
    'a rebuild of the parent, and then of the child',
    'CREATE TABLE n (a); DROP TABLE parent; ALTER TABLE n RENAME TO parent; CREATE TABLE m (a REFERENCES parent (a) ON DELETE CASCADE); INSERT INTO m SELECT a FROM child; DROP TABLE child; ALTER TABLE m RENAME TO child',
    ['DROP TABLE parent'],
  ],
  [
    'a rebuild of the child, and then of the parent',
    'CREATE TABLE m (a REFERENCES parent (a) ON DELETE CASCADE); INSERT INTO m SELECT a FROM child; DROP TABLE child; ALTER TABLE m RENAME TO child; CREATE TABLE n (a); DROP TABLE parent; ALTER TABLE n RENAME TO parent',
    ['DROP TABLE parent'],
  ],
  [
    'a child that was emptied and filled again',
    'DELETE FROM child; INSERT INTO child SELECT * FROM kept; DROP TABLE parent',
    ['DROP TABLE parent'],
  ],
  [
    'a key that was added to a table',
    'ALTER TABLE pet ADD COLUMN p int REFERENCES parent (id) ON DELETE CASCADE; DROP TABLE child; DROP TABLE parent',
    ['DROP TABLE parent'],
  ],
])('rows of others would be lost: %s', (_, text, expected) => {
  expect(lossesIn(text)).toEqual(expected)
})

test.each([
  ['the child goes first', 'DROP TABLE child; DROP TABLE parent'],
  ['the child goes afterwards', 'DROP TABLE parent; DROP TABLE child'],
  ['the child is emptied on purpose', 'DELETE FROM child; DROP TABLE parent'],
  ['another table', 'DROP TABLE other'],
  ['a column', 'ALTER TABLE parent DROP COLUMN a'],
  ['a name in a text', "INSERT INTO other VALUES ('DROP TABLE parent')"],
  [
    'no action',
    'CREATE TABLE c2 (a REFERENCES p2 (id) ON DELETE RESTRICT, b REFERENCES p2 ON UPDATE CASCADE); DROP TABLE p2',
  ],
  [
    'a table that references itself',
    'CREATE TABLE tree (id, up REFERENCES tree (id) ON DELETE CASCADE); DROP TABLE tree',
  ],
  ['the child is renamed and goes', 'ALTER TABLE child RENAME TO kid; DROP TABLE kid; DROP TABLE parent'],
])('nothing is lost: %s', (_, text) => {
  expect(lossesIn(text)).toEqual([])
})

test('what a script makes is known to the next one', () => {
  const text = 'CREATE TABLE c (a REFERENCES p ON DELETE CASCADE); ALTER TABLE p RENAME TO q'

  expect(followForeignKeys(text, splitSqlite(text), []).dependents).toEqual([
    { table: 'c', parent: 'q', onDelete: 'CASCADE' },
  ])
})

test('what becomes of the rows is told of each table', () => {
  const known = [CHILD, { table: 'note', parent: 'parent', onDelete: 'SET NULL' }]
  const text = 'DROP TABLE parent'

  expect(followForeignKeys(text, splitSqlite(text), known).problems[0]?.message).toMatch(
    /^DROP TABLE parent deletes the rows of child and clears columns of note: /,
  )
})
