import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

// The program that runs a local D1 database: it starts miniflare, which starts workerd, and carries out the batches
// that its parent sends. A process of its own, because miniflare ends its process on ^C, when the parent still has to
// find out what became of its last batch; and because workerd outlives a parent that is killed, unless somebody ends it.

/** What local.ts gives to the program, as JSON in its first argument. */
export interface LocalTask {
  /** Where miniflare is looked for first. */
  readonly projectDir: string
  /** Wrangler's folder of D1 databases: `.wrangler/state/v3/d1`. */
  readonly persistDir: string
  readonly databaseId: string
}

export interface LocalRequest {
  readonly id: number
  readonly queries: readonly { readonly sql: string; readonly params: readonly (string | number | null)[] }[]
}

/** `ready`, or why it is not, comes first; then an answer to each request. */
export type LocalAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'broken'; readonly message: string }
  | { readonly kind: 'rows'; readonly id: number; readonly rows: readonly (readonly Record<string, unknown>[])[] }
  | { readonly kind: 'refused' | 'lost'; readonly id: number; readonly message: string }

/** What of miniflare is used. */
interface Miniflare {
  readonly ready: Promise<unknown>
  dispatchFetch(url: string, init: { method: string; body: string }): Promise<{ json(): Promise<unknown> }>
  dispose(): Promise<void>
}

/** What runs in workerd: one batch a request. From outside each statement would be a round trip of its own. */
const WORKER = `export default {
  async fetch(request, { DB }) {
    try {
      const statements = (await request.json()).map(({ sql, params }) => {
        const statement = DB.prepare(sql)
        return params.length === 0 ? statement : statement.bind(...params)
      })
      return Response.json({ rows: (await DB.batch(statements)).map(({ results }) => results) })
    } catch (cause) {
      return Response.json({ error: String(cause.message) })
    }
  }
}`

type MiniflareModule = { readonly Miniflare: new (options: Record<string, unknown>) => Miniflare }

async function serve(task: LocalTask): Promise<void> {
  let miniflare: Miniflare | null = null
  const leave = (): void => void Promise.resolve(miniflare?.dispose()).finally(() => process.exit(0))
  // Before anything is loaded: a parent that is gone by then is not told of again, and nobody else would end workerd.
  process.on('disconnect', leave)
  process.on('SIGTERM', leave)
  const module = await loadMiniflare(task.projectDir)
  if (module === null) return answer({ kind: 'absent' })
  if (!process.connected) return leave()
  const started = new module.Miniflare({
    modules: true,
    script: WORKER,
    compatibilityDate: '2024-01-01',
    d1Databases: { DB: task.databaseId },
    d1Persist: task.persistDir,
    // What workerd prints is for its developers.
    handleRuntimeStdio: (stdout: NodeJS.ReadableStream, stderr: NodeJS.ReadableStream) => {
      stdout.resume()
      stderr.resume()
    },
  })
  miniflare = started
  await started.ready
  answer({ kind: 'ready' })
  process.on('message', (request: LocalRequest) => void carryOut(started, request).then(answer))
}

async function carryOut(miniflare: Miniflare, { id, queries }: LocalRequest): Promise<LocalAnswer> {
  try {
    const response = await miniflare.dispatchFetch('http://localhost/', {
      method: 'POST',
      body: JSON.stringify(queries),
    })
    const said = await response.json()
    if (hasRows(said)) return { kind: 'rows', id, rows: said.rows }
    return judge(id, hasError(said) ? said.error : 'workerd gave no answer')
  } catch (cause) {
    return { kind: 'lost', id, message: cause instanceof Error ? cause.message : String(cause) }
  }
}

function judge(id: number, message: string): LocalAnswer {
  // Anything but SQLite's own words (BUSY among them: another process writes) says nothing about the batch.
  const isPassing = /SQLITE_BUSY|NOSENTRY/.test(message) || /internal error(?!.*: SQLITE_\w+$)/.test(message)
  const isRefusal = message.startsWith('D1_ERROR: ') && !isPassing
  return { kind: isRefusal ? 'refused' : 'lost', id, message: message.replace(/^D1_ERROR: /, '') }
}

type Answered = Extract<LocalAnswer, { readonly kind: 'rows' }>['rows']

function hasRows(value: unknown): value is { readonly rows: Answered } {
  return typeof value === 'object' && value !== null && 'rows' in value && Array.isArray(value.rows)
}

function hasError(value: unknown): value is { readonly error: string } {
  return typeof value === 'object' && value !== null && 'error' in value && typeof value.error === 'string'
}

/** From the project first: this tool may be installed elsewhere. Null when it is not installed. */
async function loadMiniflare(projectDir: string): Promise<MiniflareModule | null> {
  for (const base of [resolve(projectDir, 'package.json'), import.meta.url]) {
    let path: string
    try {
      path = createRequire(base).resolve('miniflare')
    } catch {
      continue
    }
    const module: unknown = await import(pathToFileURL(path).href)
    if (isMiniflare(module)) return module
  }
  return null
}

function isMiniflare(module: unknown): module is MiniflareModule {
  return (
    typeof module === 'object' && module !== null && 'Miniflare' in module && typeof module.Miniflare === 'function'
  )
}

function answer(message: LocalAnswer): void {
  if (process.connected) process.send?.(message)
}

function isTask(value: unknown): value is LocalTask {
  return typeof value === 'object' && value !== null && 'persistDir' in value && 'databaseId' in value
}

const task: unknown = JSON.parse(process.argv[2] ?? 'null')
if (isTask(task)) {
  serve(task).catch((cause: unknown) => {
    answer({ kind: 'broken', message: cause instanceof Error ? cause.message : String(cause) })
    process.disconnect?.()
  })
}
