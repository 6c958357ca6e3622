import { describe, expect, it } from 'vitest'
import { type Classification, classify } from '../../../src/sql/classification.ts'

function kindOf(sql: string): Classification {
  return classify(`/**/ ${sql};`, { start: 5, end: 5 + sql.length })
}

describe('classify', () => {
  it.each([
    ['create index concurrently i on t (a)', 'CREATE INDEX CONCURRENTLY'],
    ['CREATE /* c */ UNIQUE -- d\n INDEX Concurrently IF NOT EXISTS i ON t (a)', 'CREATE INDEX CONCURRENTLY'],
    ['drop index concurrently if exists i', 'DROP INDEX CONCURRENTLY'],
    ['reindex index concurrently i', 'REINDEX INDEX CONCURRENTLY'],
    ['reindex (verbose, concurrently) table t', 'REINDEX TABLE CONCURRENTLY'],
    ['reindex (concurrently true) table t', 'REINDEX TABLE CONCURRENTLY'],
    ['reindex schema public', 'REINDEX SCHEMA'],
    ['reindex (verbose) database', 'REINDEX DATABASE'],
    ['reindex system app', 'REINDEX SYSTEM'],
    ['do $$begin insert into t values (1); commit; end$$', 'DO … COMMIT'],
    ['do language plpgsql $x$begin loop rollback; exit; end loop; end$x$', 'DO … COMMIT'],
    ['vacuum', 'VACUUM'],
    ['vacuum (analyze) t', 'VACUUM'],
    ['create database app', 'CREATE DATABASE'],
    ['drop database if exists app', 'DROP DATABASE'],
    ["create tablespace s location '/x'", 'CREATE TABLESPACE'],
    ['drop tablespace s', 'DROP TABLESPACE'],
    ["alter system set work_mem = '1MB'", 'ALTER SYSTEM'],
    ['alter database app set tablespace s', 'ALTER DATABASE … SET TABLESPACE'],
    ['cluster', 'CLUSTER'],
    ['cluster verbose', 'CLUSTER'],
    ['cluster (verbose)', 'CLUSTER'],
    ["create subscription s connection 'c' publication p", 'CREATE SUBSCRIPTION'],
    ["create subscription s connection 'connect = false' publication p with (enabled = false)", 'CREATE SUBSCRIPTION'],
    ['alter subscription s refresh publication', 'ALTER SUBSCRIPTION … REFRESH PUBLICATION'],
    ['alter subscription s add publication p', 'ALTER SUBSCRIPTION … ADD PUBLICATION'],
    ['alter table only a.t detach partition a.p concurrently', 'ALTER TABLE … DETACH PARTITION … CONCURRENTLY'],
    ['discard all', 'DISCARD ALL'],
    ["commit prepared 'x'", 'COMMIT PREPARED'],
    ["rollback prepared 'x'", 'ROLLBACK PREPARED'],
  ])('takes %s for non-transactional', (sql, what) => {
    expect(kindOf(sql)).toEqual({ kind: 'non-transactional', what })
  })

  it.each([
    'create index "concurrently" on t (a)',
    'create index i on "CONCURRENTLY" (a)',
    'create index vacuum on t (a)',
    'create /* concurrently */ index i on t (a)',
    'create table t (concurrently_at int)',
    'create unique index i on t (a)',
    'create table database (a int)',
    'drop index i',
    'drop table "concurrently"',
    'drop subscription s',
    'reindex table t',
    'reindex (verbose) index i',
    'reindex (concurrently false) table t',
    "reindex (concurrently 'off') table t",
    'reindex table "concurrently"',
    'refresh materialized view concurrently v',
    'analyze t',
    'cluster t',
    'cluster (verbose) t using i',
    'cluster verbose t',
    'alter table t detach partition p',
    'alter table t detach partition "concurrently"',
    'alter table t detach partition p finalize',
    'alter table t add column detach int',
    "alter database app set work_mem = '1MB'",
    'alter database app owner to a',
    "create subscription s connection 'c' publication p with (connect = false)",
    "create subscription s connection 'c' publication p, connect with (slot_name = none, create_slot = off)",
    'alter subscription s set publication p with (refresh = false)',
    'alter subscription s disable',
    'discard plans',
    'prepare p as select 1',
    'prepare transaction as select 1',
    'start_it',
    '"begin"',
    '"commit"',
    "do 'begin'",
    'select 1',
    '(select 1)',
    "comment on table t is 'vacuum'",
  ])('takes %s for transactional', (sql) => {
    expect(kindOf(sql)).toEqual({ kind: 'transactional' })
  })

  it('finds an option behind any number of publications', () => {
    const publications = Array.from({ length: 500 }, (_, index) => `p${index}`).join(', ')
    const sql = `create subscription s connection 'c' publication ${publications} with (connect = false)`
    expect(kindOf(sql)).toEqual({ kind: 'transactional' })
  })

  it.each<[string, Classification]>([
    ['begin', { kind: 'begin', modes: '' }],
    ['BEGIN WORK', { kind: 'begin', modes: '' }],
    ['begin transaction', { kind: 'begin', modes: '' }],
    ['start transaction', { kind: 'begin', modes: '' }],
    ['begin isolation level serializable', { kind: 'begin', modes: 'isolation level serializable' }],
    ['start transaction read only, deferrable', { kind: 'begin', modes: 'read only, deferrable' }],
    ['commit', { kind: 'commit', chains: false }],
    ['end transaction', { kind: 'commit', chains: false }],
    ['commit work and no chain', { kind: 'commit', chains: false }],
    ['commit and chain', { kind: 'commit', chains: true }],
    ['rollback', { kind: 'rollback', chains: false }],
    ['abort work and chain', { kind: 'rollback', chains: true }],
    ['savepoint A', { kind: 'savepoint', name: 'a' }],
    ['savepoint "A""b"', { kind: 'savepoint', name: 'A"b' }],
    ['release a', { kind: 'release', name: 'a' }],
    ['release savepoint A', { kind: 'release', name: 'a' }],
    ['release savepoint', { kind: 'release', name: 'savepoint' }],
    ['rollback to a', { kind: 'rollback-to', name: 'a' }],
    ['rollback transaction to savepoint "A"', { kind: 'rollback-to', name: 'A' }],
    ["prepare transaction 'x'", { kind: 'prepare-transaction' }],
  ])('understands %s', (sql, expected) => {
    expect(kindOf(sql)).toEqual(expected)
  })
})
