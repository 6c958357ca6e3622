import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Task } from './tools.ts'

/** One thing to measure, with every tool, at each of the round-trip times. */
export interface Workload {
  readonly name: string
  readonly verb: Task['verb']
  readonly isFresh: boolean
  readonly files: number
  /** The statements of one file; each file has a name of its own to give away. */
  readonly statementsOf: (name: string) => readonly string[]
  readonly environments: readonly string[]
  readonly roundTripsMs: readonly number[]
}

export const WORKLOADS: readonly Workload[] = [
  {
    name: 'sync: 100 files of 5 statements',
    verb: 'sync',
    isFresh: true,
    files: 100,
    statementsOf: fiveStatements,
    environments: ['DEV'],
    roundTripsMs: [0, 20],
  },
  {
    name: 'sync: nothing pending, 100 applied',
    verb: 'sync',
    isFresh: false,
    files: 100,
    statementsOf: oneView,
    environments: ['DEV'],
    roundTripsMs: [0, 20],
  },
  {
    name: 'status: 100 applied in 2 environments',
    verb: 'status',
    isFresh: false,
    files: 100,
    statementsOf: oneView,
    environments: ['DEV', 'PROD'],
    roundTripsMs: [0, 20],
  },
  {
    name: 'status: 1,000 applied in 3 environments',
    verb: 'status',
    isFresh: false,
    files: 1000,
    statementsOf: oneView,
    environments: ['DEV', 'STAGING', 'PROD'],
    roundTripsMs: [0, 20],
  },
]

/** Writes the files of a workload under `folder`/database; returns their paths relative to `folder`, in order. */
export function writeFiles(folder: string, { files, statementsOf }: Workload): readonly string[] {
  mkdirSync(join(folder, 'database'))
  return Array.from({ length: files }, (_, index) => {
    const digits = `${index + 1}`.padStart(5, '0')
    const file = `database/${digits}-made.sql`
    writeFileSync(join(folder, file), `${statementsOf(`t${digits}`).join('\n')}\n`)
    return file
  })
}

function fiveStatements(table: string): readonly string[] {
  return [
    `CREATE TABLE ${table} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, created_at timestamptz);`,
    `CREATE INDEX ${table}_name ON ${table} (name);`,
    `ALTER TABLE ${table} ADD COLUMN note text DEFAULT 'none';`,
    `INSERT INTO ${table} (name) VALUES ('first'), ('second');`,
    `COMMENT ON TABLE ${table} IS 'one of many';`,
  ]
}

/** What only has to have been applied is quick to apply. */
function oneView(name: string): readonly string[] {
  return [`CREATE VIEW ${name} AS SELECT 1 AS one;`]
}
