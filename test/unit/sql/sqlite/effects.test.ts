import { expect, test } from 'vitest'
import { describeObject, findEffects, followEffects } from '../../../../src/sql/sqlite/effects.ts'
import type { Aftermath } from '../../../../src/sql/sqlite/effects.ts'

/** What is there after scripts, each object with the number of the script that made it. */
function objectsAfter(...scripts: readonly string[]): readonly string[] {
  return follow(scripts).there.map(({ object, script }) => `${script} ${describeObject(object)}`)
}

/** What scripts took away and did not make again, each with the number of the script that did so last. */
function goneAfter(...scripts: readonly string[]): readonly string[] {
  return follow(scripts).gone.map(({ object, script }) => `${script} ${describeObject(object)}`)
}

function follow(scripts: readonly string[]): Aftermath<number> {
  return followEffects(scripts.map((text, index) => ({ script: index + 1, effects: findEffects(text) })))
}

test('a script makes tables with their columns, indexes, triggers and views', () => {
  expect(
    objectsAfter(`CREATE TABLE IF NOT EXISTS main."a b" (id text, [x] int CHECK (x > 0), UNIQUE (id), FOREIGN KEY (x) REFERENCES c (d));
CREATE UNIQUE INDEX IF NOT EXISTS i ON "a b" (id);
CREATE TRIGGER t AFTER INSERT ON "a b" BEGIN DELETE FROM c; END;
CREATE VIEW v AS SELECT 1;
CREATE TABLE copy AS SELECT * FROM c;
CREATE VIRTUAL TABLE f USING fts5(body);
INSERT INTO c VALUES ('CREATE TABLE no (x)');`),
  ).toEqual([
    '1 table a b',
    '1 column a b.id',
    '1 column a b.x',
    '1 index i',
    '1 trigger t',
    '1 view v',
    '1 table copy',
    '1 table f',
  ])
})

test('later scripts take away, rename and rebuild', () => {
  const made = 'CREATE TABLE a (id, x); CREATE INDEX i ON a (x); CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END'

  expect(objectsAfter(made, 'DROP TABLE a')).toEqual([])
  expect(objectsAfter(made, 'ALTER TABLE a DROP COLUMN x; DROP INDEX i; DROP TRIGGER IF EXISTS t')).toEqual([
    '1 table a',
    '1 column a.id',
  ])
  expect(objectsAfter(made, 'ALTER TABLE A RENAME TO b; ALTER TABLE b RENAME COLUMN x TO y; DROP TABLE b')).toEqual([])
  expect(objectsAfter(made, 'ALTER TABLE a ADD COLUMN y int; ALTER TABLE a RENAME y TO z')).toEqual([
    '1 table a',
    '1 column a.id',
    '1 column a.x',
    '1 index i',
    '1 trigger t',
    '2 column a.z',
  ])
  expect(
    objectsAfter(
      made,
      'CREATE TABLE n (id, x, y); INSERT INTO n SELECT id, x, 1 FROM a; DROP TABLE a; ALTER TABLE n RENAME TO a',
    ),
  ).toEqual(['2 table a', '2 column a.id', '2 column a.x', '2 column a.y'])
})

test('a table that is renamed to itself in another case is still there once', () => {
  expect(objectsAfter('CREATE TABLE a (id)', 'ALTER TABLE a RENAME TO A')).toEqual(['1 table A', '1 column A.id'])
})

test('what is dropped or renamed is gone, until a script makes it again', () => {
  const made = 'CREATE TABLE a (id, x); CREATE INDEX i ON a (x); CREATE VIEW v AS SELECT 1'

  expect(goneAfter(made, 'ALTER TABLE a DROP COLUMN x; DROP INDEX i; DROP VIEW v')).toEqual([
    '2 column a.x',
    '2 index i',
    '2 view v',
  ])
  expect(goneAfter(made, 'ALTER TABLE a DROP x', 'ALTER TABLE a ADD x int')).toEqual([])
  expect(goneAfter(made, 'DROP VIEW v; CREATE VIEW v AS SELECT 2')).toEqual([])
  // The columns go with their table, and may be in the next of that name.
  expect(goneAfter(made, 'ALTER TABLE a DROP x', 'DROP TABLE a', 'CREATE TABLE a AS SELECT 1 AS x')).toEqual([])
  expect(goneAfter(made, 'CREATE TABLE n (id); DROP TABLE a; ALTER TABLE n RENAME TO a')).toEqual(['2 table n'])
  expect(goneAfter(made, 'ALTER TABLE a DROP x', 'ALTER TABLE a RENAME TO b')).toEqual(['3 table a', '2 column b.x'])
  expect(goneAfter(made, 'ALTER TABLE a RENAME TO A')).toEqual([])
})

test('what is renamed is known by its former names, also what was there before all scripts', () => {
  const { there } = follow(['ALTER TABLE old RENAME TO middle', 'ALTER TABLE middle RENAME TO new'])

  expect(there).toEqual([
    {
      object: { kind: 'table', name: 'new', table: null },
      script: 1,
      formerly: [
        { kind: 'table', name: 'old', table: null },
        { kind: 'table', name: 'middle', table: null },
      ],
    },
  ])
})

test('a second CREATE TABLE IF NOT EXISTS makes no column of a table that is there', () => {
  expect(objectsAfter('CREATE TABLE a (id)', 'CREATE TABLE IF NOT EXISTS a (id, x)')).toEqual([
    '1 table a',
    '1 column a.id',
  ])
})
