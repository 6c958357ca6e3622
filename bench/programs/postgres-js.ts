import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import postgres from 'postgres'

/*
 * The least that a tool does which is written for Node.js with postgres.js: postgres-js <sync | status>, on the databases
 * of DATABASE_URLS, all at once. Reads and hashes all files, reads the history with one question, and sends what is
 * pending in one message, each file a transaction of its own.
 */

const [verb = 'status'] = process.argv.slice(2)

await Promise.all((process.env['DATABASE_URLS'] ?? '').split(' ').map(migrate))
// Awaiting the end of the connections costs a round trip.
process.exit(0)

async function migrate(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, fetch_types: false, prepare: false, onnotice: () => {} })
  const create =
    verb === 'sync'
      ? 'CREATE TABLE IF NOT EXISTS bench_history (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz DEFAULT now());'
      : ''
  const asked = sql.unsafe(`${create}SELECT name, checksum FROM bench_history`).simple().execute()
  // While the login is on its way.
  const files = readdirSync('database')
    .toSorted()
    .map((name) => {
      const text = readFileSync(`database/${name}`, 'utf8')
      return { name: name.replace('.sql', ''), text, checksum: createHash('sha256').update(text).digest('hex') }
    })
  const answer: unknown = await asked
  const applied = new Map(rowsOf(answer).map(({ name, checksum }) => [name, checksum]))
  const pending = files.filter(({ name }) => !applied.has(name))
  if (verb === 'status') {
    const changed = files.filter(({ name, checksum }) => (applied.get(name) ?? checksum) !== checksum)
    process.stdout.write(`${files.length - pending.length} applied, ${changed.length} changed\n`)
  } else if (pending.length > 0) {
    await sql
      .unsafe(
        pending
          .map(
            ({ name, text, checksum }) =>
              `BEGIN;${text}\n;INSERT INTO bench_history (name, checksum) VALUES ('${name}', '${checksum}');COMMIT;`,
          )
          .join('\n'),
      )
      .simple()
  }
}

interface HistoryRow {
  readonly name: string
  readonly checksum: string
}

/** The rows of the last result: CREATE TABLE has one of its own. */
function rowsOf(answer: unknown): readonly HistoryRow[] {
  if (!Array.isArray(answer)) return []
  const last: unknown = answer.at(-1)
  return Array.isArray(last) ? rowsOf(last) : answer.filter(isHistoryRow)
}

function isHistoryRow(row: unknown): row is HistoryRow {
  return typeof row === 'object' && row !== null && 'name' in row && 'checksum' in row
}
