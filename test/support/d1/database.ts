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

/** Starts workerd with `count` empty databases. */
export function startDatabases(count: number): RealDatabases {
  const names = Array.from({ length: count }, (_, index) => `DB${index}`)
  const miniflare = new Miniflare({
    modules: true,
    script: '',
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
      return wrap(await miniflare.getD1Database(name))
    },
    async [Symbol.asyncDispose]() {
      await miniflare.dispose()
    },
  }
}

type Binding = Awaited<ReturnType<Miniflare['getD1Database']>>

function wrap(database: Binding): RealDatabase {
  const batch: RealDatabase['batch'] = async (queries) =>
    database.batch(
      queries.map(({ sql, params = [] }) => {
        const statement = database.prepare(sql)
        return params.length === 0 ? statement : statement.bind(...params)
      }),
    )
  return {
    batch,
    async query(sql, ...params) {
      const [result] = await batch([{ sql, params }])
      return result?.results ?? []
    },
  }
}
