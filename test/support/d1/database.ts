import type { Readable } from 'node:stream'
import { Miniflare } from 'miniflare'

/** One statement as Cloudflare's API takes it. */
export interface ShimQuery {
  readonly sql: string
  readonly params?: readonly unknown[]
}

/** A real D1 database in workerd, in memory. */
export interface RealDatabase {
  /** Runs a batch: all of it or nothing. Throws what D1 says. */
  batch(queries: readonly ShimQuery[]): Promise<readonly { readonly results: readonly Record<string, unknown>[] }[]>
  /** The rows of one statement. */
  query(sql: string, ...params: readonly unknown[]): Promise<readonly Record<string, unknown>[]>
}

/** A workerd that holds several databases: each test takes the next one. */
export interface RealDatabases extends AsyncDisposable {
  next(): Promise<RealDatabase>
}

/** What runs in workerd: one batch a request. From outside each statement would be a round trip of its own. */
const WORKER = `export default {
  async fetch(request, env) {
    const { name, queries } = await request.json()
    const database = env[name]
    try {
      const results = await database.batch(queries.map(({ sql, params = [] }) => {
        const statement = database.prepare(sql)
        return params.length === 0 ? statement : statement.bind(...params)
      }))
      return Response.json({ rows: results.map(({ results }) => results) })
    } catch (cause) {
      return Response.json({ error: String(cause.message) })
    }
  }
}`

/** Starts workerd with `count` empty databases. */
export function startDatabases(count: number): RealDatabases {
  const names = Array.from({ length: count }, (_, index) => `DB${index}`)
  const miniflare = new Miniflare({
    modules: true,
    script: WORKER,
    compatibilityDate: '2024-01-01',
    d1Databases: names,
    d1Persist: false,
    handleRuntimeStdio(stdout: Readable, stderr: Readable) {
      stdout.resume()
      stderr.resume()
    },
  })
  let used = 0
  return {
    async next() {
      const name = names[used++]
      if (name === undefined) throw new Error(`the test needs more than ${count} databases`)
      return openDatabase(miniflare, name)
    },
    async [Symbol.asyncDispose]() {
      await miniflare.dispose()
    },
  }
}

function openDatabase(miniflare: Miniflare, name: string): RealDatabase {
  const batch: RealDatabase['batch'] = async (queries) => {
    const body = JSON.stringify({ name, queries })
    const response = await miniflare.dispatchFetch('http://localhost/', { method: 'POST', body })
    const answer: unknown = await response.json()
    if (typeof answer !== 'object' || answer === null) throw new Error('workerd gave no answer')
    if ('error' in answer) throw new Error(String(answer.error))
    const rows: readonly unknown[] = 'rows' in answer && Array.isArray(answer.rows) ? answer.rows : []
    return rows.map((results) => ({ results: Array.isArray(results) ? results.map(toRecord) : [] }))
  }
  return {
    batch,
    async query(sql, ...params) {
      const [result] = await batch([{ sql, params }])
      return result?.results ?? []
    },
  }
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
