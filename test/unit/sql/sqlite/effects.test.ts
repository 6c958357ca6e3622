import { expect, test } from 'vitest'
import { describeObject, findEffects, followEffects } from '../../../../src/sql/sqlite/effects.ts'

/** What is there after scripts, each object with the number of the script that made it. */
function objectsAfter(...scripts: readonly string[]): readonly string[] {
  return followEffects(scripts.map((text, index) => ({ script: index + 1, effects: findEffects(text) }))).map(
    ({ object, script }) => `${script} ${describeObject(object)}`,
  )
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
