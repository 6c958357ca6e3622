import { vi } from 'vitest'
import type { RealDatabase } from '../support/d1/database.ts'
import type { Behaviour } from './suite.ts'

/** What the contract suite needs in a D1 database. */
export const PREPARE: readonly { readonly sql: string }[] = [
  { sql: 'CREATE TABLE contract_effect (id integer PRIMARY KEY AUTOINCREMENT, name text NOT NULL)' },
]

/** A statement by which a batch is known that is to wait. */
const GATE = "SELECT 'the batch waits for the gate'"

export function isWaiting(text: string): boolean {
  return text.includes(GATE) && !text.includes('this batch is a trial')
}

export function textOf(name: string, behaviour: Behaviour): string {
  const effect = `INSERT INTO contract_effect (name) VALUES (${literal(name)});\n`
  if (behaviour === 'fails') return `${effect}SELECT * FROM a_table_that_is_not_there;\n`
  return behaviour === 'waits' ? `${effect}${GATE};\n` : effect
}

export async function effectsOf(database: Pick<RealDatabase, 'query'>): Promise<readonly string[]> {
  return (await database.query('SELECT name FROM contract_effect ORDER BY id')).map(({ name }) => String(name))
}

/** Waits until a migration has taken effect. Rejects when that takes too long. */
export async function untilEffective(database: Pick<RealDatabase, 'query'>, name: string): Promise<void> {
  await vi.waitFor(
    async () => {
      if (!(await effectsOf(database)).includes(name)) throw new Error(`${name} has not taken effect`)
    },
    { timeout: 10_000, interval: 10 },
  )
}

/** Everything in the database but Cloudflare's own tables. */
export async function contentsOf(database: Pick<RealDatabase, 'query'>): Promise<string> {
  const tables = await database.query(
    "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' ORDER BY name",
  )
  const rows = await Promise.all(tables.map(({ name }) => database.query(`SELECT * FROM "${String(name)}"`)))
  return JSON.stringify(tables.map((table, index) => [table, rows[index]]))
}

export async function tamperWith(database: Pick<RealDatabase, 'query'>, name: string, checksum: string): Promise<void> {
  await database.query('UPDATE schema_migrations SET checksum = ?1 WHERE migration_name = ?2', checksum, name)
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
