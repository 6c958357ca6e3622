import type { MigrationFile, Task } from './peer.ts'

/** One thing to measure, with every peer, at each of the round-trip times. */
export interface Workload {
  /** Short and forever: results are kept under it. */
  readonly id: string
  readonly title: string
  readonly verb: Task['verb']
  readonly files: readonly MigrationFile[]
  /** How many of the files are applied before the clock runs, by the same peer. */
  readonly applied: number
  readonly environments: readonly string[]
  readonly roundTripsMs: readonly number[]
  /** A query whose only value is `expected` when all files are applied, whoever did it. */
  readonly check: { readonly sql: string; readonly expected: string } | null
}

const ONE = ['DEV']
const TWO = ['DEV', 'PROD']
const FIVE = ['DEV', 'TEST', 'PREVIEW', 'STAGING', 'PROD']
const ANYWHERE = [0, 20, 80]

/** All workloads. Their files are made when they are asked for. */
export const WORKLOADS: readonly (() => Workload)[] = [
  () => sync('w1', '100 files of 5 statements, nothing applied', tables(100), 0, ONE, ANYWHERE),
  () => sync('w2', '1,000 files of one small table, nothing applied', smallTables(1000), 0, ONE, ANYWHERE),
  () => sync('one-more', 'one more file on top of 1,000', views(1001), 1000, ONE, ANYWHERE),
  () => sync('nothing-100', 'sync with nothing pending, 100 applied', views(100), 100, ONE, ANYWHERE),
  () => sync('nothing-1000', 'sync with nothing pending, 1,000 applied', views(1000), 1000, ONE, ANYWHERE),
  () => sync('nothing-5000', 'sync with nothing pending, 5,000 applied', views(5000), 5000, ONE, ANYWHERE),
  () => status('status-100', 'status, 100 applied', views(100), ONE, ANYWHERE),
  () => status('status-1000', 'status, 1,000 applied', views(1000), ONE, ANYWHERE),
  () => status('status-5000', 'status, 5,000 applied', views(5000), ONE, ANYWHERE),
  () => status('status-two', 'status of dev and prod, 100 applied in both', views(100), TWO, ANYWHERE),
  () => status('status-five', 'status of 5 environments, 100 applied in all', views(100), FIVE, ANYWHERE),
  () => sync('w1-two', '100 files of 5 statements, to dev and prod', tables(100), 0, TWO, ANYWHERE),
  () => sync('w1-five', '100 files of 5 statements, to 5 environments', tables(100), 0, FIVE, [0, 20]),
  () => ({
    ...sync('w4', 'one file of 20 MB, 85,600 single-row INSERTs', [bulk(85_600)], 0, ONE, ANYWHERE),
    check: { sql: 'SELECT count(*) FROM bulk', expected: '85600' },
  }),
  () => ({
    id: 'start',
    title: 'start-up: the version, or the library loaded',
    verb: 'start',
    files: [],
    applied: 0,
    environments: [],
    roundTripsMs: [0],
    check: null,
  }),
]

function sync(
  id: string,
  title: string,
  files: readonly MigrationFile[],
  applied: number,
  environments: readonly string[],
  roundTripsMs: readonly number[],
): Workload {
  const check = {
    sql: `SELECT count(*) FROM pg_class WHERE relname ~ '^t[0-9]{5}$' AND relnamespace = 'public'::regnamespace`,
    expected: `${files.length}`,
  }
  return { id, title, verb: 'sync', files, applied, environments, roundTripsMs, check }
}

function status(
  id: string,
  title: string,
  files: readonly MigrationFile[],
  environments: readonly string[],
  roundTripsMs: readonly number[],
): Workload {
  return { ...sync(id, title, files, files.length, environments, roundTripsMs), verb: 'status' }
}

/** Files of versions 00001 and on; each has an object of its own to make, `t00001` and on. */
export function makeFiles(count: number, sqlOf: (name: string) => string): readonly MigrationFile[] {
  return Array.from({ length: count }, (_, index) => {
    const version = `${index + 1}`.padStart(5, '0')
    return { version, title: `made_${version}`, sql: `${sqlOf(`t${version}`)}\n` }
  })
}

function tables(count: number): readonly MigrationFile[] {
  return makeFiles(count, (table) =>
    [
      `CREATE TABLE ${table} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, created_at timestamptz);`,
      `CREATE INDEX ${table}_name ON ${table} (name);`,
      `ALTER TABLE ${table} ADD COLUMN note text DEFAULT 'none';`,
      `INSERT INTO ${table} (name) VALUES ('first'), ('second');`,
      `COMMENT ON TABLE ${table} IS 'one of many';`,
    ].join('\n'),
  )
}

function smallTables(count: number): readonly MigrationFile[] {
  return makeFiles(count, (table) => `CREATE TABLE ${table} (id bigint PRIMARY KEY, note text);`)
}

/** What only has to have been applied is quick to apply. */
export function views(count: number): readonly MigrationFile[] {
  return makeFiles(count, (view) => `CREATE VIEW ${view} AS SELECT 1 AS one;`)
}

function bulk(rows: number): MigrationFile {
  const note = 'The quick brown fox jumps over the lazy dog, and nobody has ever asked the dog. '.repeat(2)
  const inserts = Array.from(
    { length: rows },
    (_, id) => `INSERT INTO bulk (id, name, note) VALUES (${id}, 'row number ${id}', '${note}');`,
  )
  const sql = ['CREATE TABLE bulk (id bigint PRIMARY KEY, name text NOT NULL, note text);', ...inserts].join('\n')
  return { version: '00001', title: 'made', sql: `${sql}\n` }
}
