import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RealDatabase, ShimQuery } from './database.ts'

/** What becomes of one request for a batch. */
export type Fate =
  | { readonly kind: 'works' }
  /** Not carried out, and answered with this status (429, 500, 401, 404). */
  | { readonly kind: 'refused'; readonly status: number; readonly retryAfter?: string }
  /** Not carried out; answered as a batch that failed, with these words. */
  | { readonly kind: 'failed'; readonly message: string }
  /** Not carried out; answered with a redirect. */
  | { readonly kind: 'redirect'; readonly to: string }
  /** Carried out, and answered with a 500. */
  | { readonly kind: 'fails-after' }
  /** Carried out, and the connection is broken before the answer. */
  | { readonly kind: 'answer-lost' }
  /** Not carried out, and the connection is broken. */
  | { readonly kind: 'request-lost' }
  /** The connection is broken; carried out when `whenLate` resolves. */
  | { readonly kind: 'late'; readonly until: Promise<void> }
  /** Carried out twice; the answer is that of the second time. */
  | { readonly kind: 'twice' }
  /** Not carried out; answered with success, but one element of it says that it did not succeed. */
  | { readonly kind: 'element-failed' }
  /** Not carried out; answered with success, and with fewer elements than there are statements. */
  | { readonly kind: 'incomplete' }
  /** Carried out, and the answer is cut in its middle. */
  | { readonly kind: 'broken-json' }
  /** Carried out when `until` resolves, and answered then. */
  | { readonly kind: 'held'; readonly until: Promise<'works' | 'request-lost' | 'answer-lost'> }

/** What the shim is told of a request before it does anything. */
export interface ShimRequest {
  readonly queries: readonly ShimQuery[]
  /** All statements, a line each. */
  readonly text: string
}

/** A server that speaks Cloudflare's D1 API over a real local D1. */
export interface Shim extends AsyncDisposable {
  /** What to put into `CLOUDFLARE_API_BASE_URL`. */
  readonly url: string
  readonly accountId: string
  readonly databaseId: string
  readonly token: string
  /** Decides what becomes of each batch. */
  fateOf: (request: ShimRequest) => Fate
  /** Whether new requests are answered at all. */
  isReachable: boolean
  /** Null: the service gives no bookmarks. */
  bookmark: string | null
  /** How many batches have arrived, and how many of them have been carried out, whatever came of it. */
  readonly requests: number
  readonly carriedOut: number
}

export const ACCOUNT = '0123456789abcdef0123456789abcdef'
export const TOKEN = 'shim-token-mg9Zq3vT7LwX'

/** Starts a shim for one database. The shape of requests and answers is that of Cloudflare's API reference for D1. */
export async function startShim(database: RealDatabase, databaseId: string): Promise<Shim> {
  let requests = 0
  let carriedOut = 0
  const works: Fate = { kind: 'works' }
  const shim: Omit<Shim, 'url' | typeof Symbol.asyncDispose> & { url: string } = {
    url: '',
    accountId: ACCOUNT,
    databaseId,
    token: TOKEN,
    fateOf: () => works,
    isReachable: true,
    bookmark: '00000001-00000002-00004e2f-0a83ea2fceebc654de0640c422be4653',
    get requests() {
      return requests
    },
    get carriedOut() {
      return carriedOut
    },
  }

  async function carryOut(queries: readonly ShimQuery[]): Promise<Answered> {
    try {
      const results = await database.batch(queries)
      return {
        status: 200,
        body: {
          success: true,
          errors: [],
          messages: [],
          result: results.map(({ results: rows }) => ({ success: true, results: rows, meta: {} })),
        },
      }
    } catch (cause) {
      const message = (cause instanceof Error ? cause.message : String(cause)).replace(/^D1_ERROR: /, '')
      return failure(400, 7500, message)
    } finally {
      carriedOut++
    }
  }

  async function answerBatch(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const queries = readQueries(await readBody(request))
    requests++
    if (queries === null) return reply(response, failure(400, 7400, 'The request is malformed'))
    const fate = shim.fateOf({ queries, text: queries.map(({ sql }) => sql).join('\n') })
    switch (fate.kind) {
      case 'works':
        return reply(response, await carryOut(queries))
      case 'refused': {
        if (fate.retryAfter !== undefined) response.setHeader('retry-after', fate.retryAfter)
        return reply(response, failure(fate.status, 10_000, `The shim refuses with ${fate.status}`))
      }
      case 'failed':
        return reply(response, failure(400, 7500, fate.message))
      case 'redirect':
        response.writeHead(307, { location: fate.to })
        return void response.end()
      case 'fails-after':
        await carryOut(queries)
        return reply(response, failure(500, 7500, 'internal error'))
      case 'answer-lost':
        await carryOut(queries)
        return void request.socket.destroy()
      case 'request-lost':
        return void request.socket.destroy()
      case 'late':
        request.socket.destroy()
        await fate.until
        return void (await carryOut(queries))
      case 'twice':
        await carryOut(queries)
        return reply(response, await carryOut(queries))
      case 'element-failed':
      case 'incomplete': {
        const elements = queries.map(() => ({ success: true, results: [], meta: {} }))
        const failed = { success: false, error: 'no such table: imagined: SQLITE_ERROR', results: [], meta: {} }
        const result = fate.kind === 'incomplete' ? elements.slice(1) : [...elements.slice(1), failed]
        return reply(response, { status: 200, body: { success: true, errors: [], messages: [], result } })
      }
      case 'broken-json': {
        const { body } = await carryOut(queries)
        const text = JSON.stringify(body)
        return void response.end(text.slice(0, Math.floor(text.length / 2)))
      }
      case 'held': {
        const end = await fate.until
        if (end === 'request-lost') return void request.socket.destroy()
        const answered = await carryOut(queries)
        if (end === 'answer-lost') return void request.socket.destroy()
        return reply(response, answered)
      }
    }
  }

  const server = createServer((request, response) => {
    if (!shim.isReachable) return void request.socket.destroy()
    const base = `/accounts/${ACCOUNT}/d1/database/${databaseId}`
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      return reply(response, failure(401, 10_000, 'Authentication error'))
    }
    if (request.method === 'POST' && request.url === `${base}/query`) return void answerBatch(request, response)
    if (request.method === 'GET' && request.url === `${base}/time_travel/bookmark`) {
      return shim.bookmark === null
        ? reply(response, failure(404, 7404, 'No bookmark'))
        : reply(response, { status: 200, body: { success: true, errors: [], result: { bookmark: shim.bookmark } } })
    }
    return reply(response, failure(404, 7404, 'The database could not be found'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the shim has no port')
  shim.url = `http://127.0.0.1:${address.port}`
  return Object.assign(shim, {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

interface Answered {
  readonly status: number
  readonly body: unknown
}

function failure(status: number, code: number, message: string): Answered {
  return { status, body: { success: false, errors: [{ code, message }], messages: [], result: [] } }
}

function reply(response: ServerResponse, { status, body }: Answered): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

async function readBody(request: IncomingMessage): Promise<string> {
  request.setEncoding('utf8')
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

function readQueries(body: string): readonly ShimQuery[] | null {
  const value: unknown = JSON.parse(body)
  if (typeof value !== 'object' || value === null || !('batch' in value) || !Array.isArray(value.batch)) return null
  const batch: readonly unknown[] = value.batch
  return batch.every(isQuery) ? batch : null
}

function isQuery(value: unknown): value is ShimQuery {
  return typeof value === 'object' && value !== null && 'sql' in value && typeof value.sql === 'string'
}
