import { describe, expect, test } from 'vitest'
import { followStatements } from '../../../src/sql/brief.ts'

function findBrief(...statements: readonly string[]): readonly boolean[] {
  const isBrief = followStatements()
  return statements.map((statement) => isBrief(statement))
}

describe('a statement is brief', () => {
  test.each([
    'CREATE TABLE t (id int)',
    'create table if not exists t (id int)',
    'CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)',
    'CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED)',
    'CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
    'CREATE VIEW v AS SELECT 1',
    "COMMENT ON TABLE t IS 'one'",
    'GRANT SELECT ON t TO reader',
    'INSERT INTO t VALUES (1), (2)',
  ])('%s', (statement) => {
    expect(findBrief(statement)).toEqual([true])
  })
})

describe('a statement may take long', () => {
  test.each([
    'CREATE TABLE t AS SELECT * FROM big',
    'CREATE TABLE t AS\n(WITH x AS (TABLE big) SELECT * FROM x)',
    'CREATE TABLE t AS ((SELECT * FROM big))',
    'CREATE TABLE t AS -- all of it\nTABLE big',
    'CREATE TABLE p PARTITION OF big FOR VALUES IN (1)',
    'CREATE SCHEMA s CREATE TABLE t AS SELECT * FROM big',
    'INSERT INTO t TABLE big',
    'CREATE MATERIALIZED VIEW v AS SELECT * FROM big',
    'CREATE INDEX big_x ON big (x)',
    'ALTER TABLE big ADD COLUMN y uuid DEFAULT gen_random_uuid()',
    'INSERT INTO t SELECT * FROM big',
    'UPDATE big SET x = 1',
    'SELECT pg_sleep(60)',
    'DO $$ BEGIN PERFORM pg_sleep(60); END $$',
    `INSERT INTO t VALUES ${Array.from({ length: 5_000 }, (_, id) => `(${id})`).join()}`,
  ])('%.60s', (statement) => {
    expect(findBrief(statement)).toEqual([false])
  })
})

describe('a table that the file made itself', () => {
  test('is small: an index on it and a change of it are brief', () => {
    expect(
      findBrief(
        'CREATE TABLE app.t (id int)',
        'INSERT INTO app.t VALUES (1)',
        'CREATE UNIQUE INDEX t_id ON app.t (id)',
        'ALTER TABLE ONLY app.t ADD COLUMN note text',
        'ALTER TABLE app.t ATTACH PARTITION big FOR VALUES IN (1)',
        'ALTER TABLE other ADD COLUMN note text',
      ),
    ).toEqual([true, true, true, true, false, false])
  })

  test('is no longer known to be small when something else ran that may have filled it', () => {
    expect(
      findBrief('CREATE TABLE t (id int)', 'INSERT INTO t SELECT * FROM big', 'CREATE INDEX t_id ON t (id)'),
    ).toEqual([true, false, false])
  })

  test('may have been there before, with IF NOT EXISTS', () => {
    expect(findBrief('CREATE TABLE IF NOT EXISTS t (id int)', 'CREATE INDEX t_id ON t (id)')).toEqual([true, false])
  })
})
