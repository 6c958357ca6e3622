import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { compareSnapshots } from '../../src/core/snapshot.ts'
import { createDatabase } from '../support/server.ts'
import { connectTo, takeSnapshot } from '../support/snapshot.ts'

/** What every case begins with. */
const GROUND = `
CREATE SCHEMA app;
CREATE TABLE app.t (id int PRIMARY KEY, a text, b int DEFAULT 1);
CREATE TABLE app.parent (k int NOT NULL) PARTITION BY LIST (k);
CREATE TABLE app.part (k int NOT NULL);
CREATE TYPE app.mood AS ENUM ('ok');
CREATE TYPE app.pair AS (x int);
CREATE DOMAIN app.word AS text;
CREATE FUNCTION app.f(int) RETURNS int LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION app.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE VIEW app.v AS SELECT id FROM app.t;
CREATE SEQUENCE app.s;
CREATE INDEX t_a ON app.t (a);
ALTER TABLE app.t ADD CONSTRAINT positive CHECK (b > 0);
CREATE POLICY own ON app.t USING (true);
CREATE TRIGGER touch BEFORE INSERT ON app.t FOR EACH ROW EXECUTE FUNCTION app.touch();
`

/** Statements that change the schema, and the objects that must be named. */
const CHANGES: readonly (readonly [string, readonly string[]])[] = [
  ['CREATE SCHEMA other', ['schema other']],
  ['CREATE EXTENSION pg_trgm SCHEMA app', ['extension pg_trgm']],
  ["COMMENT ON SCHEMA app IS 'x'", ['schema app']],
  ['GRANT USAGE ON SCHEMA app TO PUBLIC', ['schema app']],
  ['CREATE TABLE app.u (id int)', ['column app.u.id', 'table app.u']],
  ['ALTER TABLE app.t ENABLE ROW LEVEL SECURITY', ['table app.t']],
  ['ALTER TABLE app.t FORCE ROW LEVEL SECURITY', ['table app.t']],
  ['ALTER TABLE app.t SET (fillfactor = 50)', ['table app.t']],
  ['ALTER TABLE app.t SET UNLOGGED', ['table app.t']],
  ['ALTER TABLE app.t REPLICA IDENTITY FULL', ['table app.t']],
  ['GRANT SELECT ON app.t TO PUBLIC', ['table app.t']],
  ["COMMENT ON TABLE app.t IS 'x'", ['table app.t']],
  ['ALTER TABLE app.parent ATTACH PARTITION app.part FOR VALUES IN (1)', ['table app.part']],
  ['ALTER TABLE app.t ADD COLUMN c int', ['column app.t.c']],
  ['ALTER TABLE app.t ALTER COLUMN a SET NOT NULL', ['column app.t.a']],
  ['ALTER TABLE app.t ALTER COLUMN b SET DEFAULT 2', ['column app.t.b']],
  ['ALTER TABLE app.t ALTER COLUMN b TYPE bigint', ['column app.t.b']],
  ['ALTER TABLE app.t ALTER COLUMN a TYPE text COLLATE "C"', ['column app.t.a']],
  ['GRANT UPDATE (a) ON app.t TO PUBLIC', ['column app.t.a']],
  ["COMMENT ON COLUMN app.t.a IS 'x'", ['column app.t.a']],
  ['ALTER TABLE app.t ADD COLUMN n int GENERATED ALWAYS AS IDENTITY', ['column app.t.n', 'sequence app.t_n_seq']],
  ['ALTER TABLE app.t ADD COLUMN g int GENERATED ALWAYS AS (id * 2) STORED', ['column app.t.g']],
  ['ALTER TABLE app.t ADD CONSTRAINT once UNIQUE (a)', ['constraint app.t.once', 'index app.once']],
  ['ALTER TABLE app.t ADD CONSTRAINT c CHECK (id > 0) NOT VALID', ['constraint app.t.c']],
  ['ALTER TABLE app.t ADD FOREIGN KEY (b) REFERENCES app.t', ['constraint app.t.t_b_fkey']],
  ['ALTER TABLE app.t DROP CONSTRAINT positive', ['constraint app.t.positive']],
  ['ALTER DOMAIN app.word ADD CONSTRAINT short CHECK (length(VALUE) < 9)', ['constraint app.word.short']],
  ['ALTER DOMAIN app.word SET NOT NULL', ['type app.word']],
  ['CREATE INDEX t_b ON app.t (b) WHERE b > 3', ['index app.t_b']],
  ['DROP INDEX app.t_a', ['index app.t_a']],
  ["ALTER TYPE app.mood ADD VALUE 'bad'", ['type app.mood']],
  ['ALTER TYPE app.pair ADD ATTRIBUTE y int', ['type app.pair']],
  [
    'CREATE TYPE app.span AS RANGE (subtype = int)',
    [
      'cast (app.span AS app.span_multirange)',
      'function app.span(integer, integer)',
      'function app.span(integer, integer, text)',
      'function app.span_multirange()',
      'function app.span_multirange(VARIADIC app.span[])',
      'function app.span_multirange(app.span)',
      'type app.span',
    ],
  ],
  ['CREATE OR REPLACE VIEW app.v AS SELECT id, a FROM app.t', ['view app.v']],
  ['CREATE MATERIALIZED VIEW app.m AS SELECT 1 AS x', ['materialized view app.m']],
  ['ALTER SEQUENCE app.s INCREMENT 5', ['sequence app.s']],
  ['ALTER SEQUENCE app.s OWNED BY app.t.id', ['sequence app.s']],
  ["CREATE OR REPLACE FUNCTION app.f(int) RETURNS int LANGUAGE sql AS 'SELECT 2'", ['function app.f(integer)']],
  ['ALTER FUNCTION app.f(int) SECURITY DEFINER', ['function app.f(integer)']],
  ['REVOKE EXECUTE ON FUNCTION app.f(int) FROM PUBLIC', ['function app.f(integer)']],
  ["CREATE PROCEDURE app.p() LANGUAGE sql AS 'SELECT 1'", ['procedure app.p()']],
  ['CREATE AGGREGATE app.total (int) (sfunc = int4pl, stype = int)', ['aggregate app.total(integer)']],
  ['ALTER TABLE app.t DISABLE TRIGGER touch', ['trigger app.t.touch']],
  ['DROP TRIGGER touch ON app.t', ['trigger app.t.touch']],
  ['CREATE RULE nothing AS ON DELETE TO app.t DO INSTEAD NOTHING', ['rule app.t.nothing']],
  ['ALTER POLICY own ON app.t USING (id > 0)', ['policy app.t.own']],
  ['CREATE STATISTICS app.pairs ON a, b FROM app.t', ['statistics app.pairs']],
  ['CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION app.watch()', ['event trigger watch']],
  ['CREATE PUBLICATION news FOR TABLE app.part', ['publication news']],
  [
    'ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC',
    ['default privileges r in app for postgres'],
  ],
  ["CREATE COLLATION app.plain (provider = libc, locale = 'C')", ['collation app.plain']],
  ['CREATE CAST (app.pair AS text) WITH INOUT', ['cast (app.pair AS pg_catalog.text)']],
  ['CREATE OPERATOR app.=== (leftarg = int, rightarg = int, function = int4eq)', ['operator app.===(integer,integer)']],
  ['CREATE TEXT SEARCH CONFIGURATION app.words (COPY = simple)', ['text search configuration app.words']],
  ['CREATE FOREIGN DATA WRAPPER far', ['foreign-data wrapper far']],
]

describe('a snapshot of the schema', () => {
  test('sees every change, and names what it is', async () => {
    await using database = await createDatabase('catalog')
    await database.query(GROUND)

    for (const [statement, expected] of CHANGES) {
      const before = await takeSnapshot(database)
      await database.query(statement)
      const differences = compareSnapshots(before, await takeSnapshot(database))
      const names = differences.map(({ kind, name }) => `${kind} ${name}`)
      expect({ statement, names }).toEqual({ statement, names: expected })
    }
  })

  test('names a role, which belongs to no database', async () => {
    await using database = await createDatabase('catalog')
    await using connection = await connectTo(database)
    const role = `catalog_${randomUUID().slice(0, 8)}`
    const before = await connection.snapshot()

    await database.query(`CREATE ROLE ${role} LOGIN`)
    const after = await connection.snapshot()
    await database.query(`DROP ROLE ${role}`)

    expect(compareSnapshots(before, after).filter(({ name }) => name === role)).toMatchObject([
      { kind: 'role', before: null, after: expect.stringContaining('login') },
    ])
  })

  test('is the same for two databases that were made alike, and after a change that was taken back', async () => {
    await using one = await createDatabase('catalog')
    await using other = await createDatabase('catalog')
    await one.query(GROUND)
    await other.query(`CREATE TABLE filler (); DROP TABLE filler; ${GROUND}`)
    const before = await takeSnapshot(one)

    expect(compareSnapshots(before, await takeSnapshot(other))).toEqual([])

    await one.query('GRANT SELECT ON app.t TO PUBLIC')
    await one.query('REVOKE SELECT ON app.t FROM PUBLIC')
    await one.query('ALTER TABLE app.t ADD COLUMN c int')
    await one.query('ALTER TABLE app.t DROP COLUMN c')
    await one.query('ALTER TABLE app.t DROP COLUMN b')
    await one.query('ALTER TABLE app.t ADD COLUMN b int DEFAULT 1')
    await one.query('ALTER TABLE app.t ADD CONSTRAINT positive CHECK (b > 0)')
    expect(compareSnapshots(before, await takeSnapshot(one))).toEqual([])
  })

  test('does not show the history tables', async () => {
    await using database = await createDatabase('catalog')
    const before = await takeSnapshot(database)
    await using connection = await connectTo(database)
    await connection.prepare({ rename: false })

    expect(compareSnapshots(before, await takeSnapshot(database))).toEqual([])
  })
})
