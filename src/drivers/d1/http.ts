import { MigrationManagerError, systemErrorCode } from '../../core/errors.ts'
import { LostAnswer, QueryFailure } from './client.ts'
import type { D1Client, Query, RequestOptions, Rows } from './client.ts'
import type { RemoteEndpoint } from './url.ts'

/** Where a remote database is, for error messages. */
export interface RemotePlace {
  readonly environment: string
  /** Where the connection string came from. */
  readonly origin: string
}

/** Failures of the service and not of a statement, told in the words of an ordinary error (D1 documentation, "Debug"). */
const PASSING =
  /overloaded|too many requests queued|network connection lost|internal error|object to be reset|storage operation exceeded|timed? ?out|SQLITE_BUSY|database is locked/i

/** Longer than this the service is not waited for, however long it asks to be left alone. */
const LONGEST_RETRY_AFTER = 30_000

/** Speaks to a database over Cloudflare's HTTP API (`POST …/d1/database/{id}/query`). Nothing is sent before it is asked. */
export function createHttpClient(endpoint: RemoteEndpoint, place: RemotePlace): D1Client {
  const { apiBase, accountId, databaseId, token } = endpoint
  const address = `${apiBase}/accounts/${encodeURIComponent(accountId)}/d1/database/${encodeURIComponent(databaseId)}`

  async function ask(path: string, body: string | null, { withinMs, signal }: RequestOptions): Promise<Answer> {
    const deadline = AbortSignal.timeout(withinMs)
    try {
      const response = await fetch(`${address}${path}`, {
        method: body === null ? 'GET' : 'POST',
        headers: {
          authorization: `Bearer ${token.reveal()}`,
          ...(body === null ? {} : { 'content-type': 'application/json' }),
        },
        body,
        // A redirect could carry the token to somebody else.
        redirect: 'error',
        signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
      })
      return {
        status: response.status,
        retryAfterMs: retryAfter(response.headers.get('retry-after')),
        text: await response.text(),
      }
    } catch (cause) {
      if (deadline.aborted) throw new LostAnswer(`Cloudflare did not answer within ${Math.ceil(withinMs / 1000)} s`)
      throw new LostAnswer(signal?.aborted === true ? 'the run was interrupted' : networkFault(cause))
    }
  }

  return {
    async batch(queries, options) {
      const batch = queries.map(({ sql, params }) => ({ sql, params: params ?? [] }))
      const answer = await ask('/query', JSON.stringify({ batch }), options)
      return rowsOf(answer, queries, endpoint, place)
    },
    async bookmark(options) {
      try {
        const { status, text } = await ask('/time_travel/bookmark', null, options)
        if (status !== 200) return null
        const bookmark = record(record(parse(text))['result'])['bookmark']
        return typeof bookmark === 'string' && /^[\w-]{1,200}$/.test(bookmark) ? bookmark : null
      } catch {
        return null
      }
    },
    async close() {},
  }
}

interface Answer {
  readonly status: number
  readonly retryAfterMs: number
  readonly text: string
}

/** What the answer to a batch says; every element must have succeeded. */
function rowsOf(
  { status, retryAfterMs, text }: Answer,
  queries: readonly Query[],
  endpoint: RemoteEndpoint,
  place: RemotePlace,
): readonly Rows[] {
  if (status === 429) throw new LostAnswer('Cloudflare takes no more requests just now (429)', retryAfterMs)
  if (status >= 500) throw new LostAnswer(`Cloudflare answered ${status}`, retryAfterMs)
  const body = parse(text)
  if (body === undefined) throw new LostAnswer('The answer of Cloudflare could not be understood')
  const { success, errors, result } = record(body)
  const [error] = Array.isArray(errors) ? errors.map(record) : []
  const message = typeof error?.['message'] === 'string' ? error['message'] : null
  const refusal = findRefusal(status, error?.['code'], message, endpoint, place)
  if (refusal !== null) throw refusal
  if (status >= 400 || success !== true) throw failureOf(message ?? `Cloudflare answered ${status}`)
  const elements = Array.isArray(result) ? result.map(record) : []
  for (const element of elements) {
    if (element['success'] === true) continue
    const said = element['error']
    throw failureOf(typeof said === 'string' ? said : 'A statement of the batch did not succeed')
  }
  if (elements.length !== queries.length) throw new LostAnswer('The answer of Cloudflare is not complete')
  return elements.map(({ results }) => (Array.isArray(results) ? results.map(record) : []))
}

/** SQLite's word at the end is about a statement; what stands before it may be names of tables and columns. */
const ABOUT_STATEMENT = /: SQLITE_(?!BUSY|LOCKED|NOMEM|IOERR|FULL|INTERRUPT)[A-Z_]+$/

function failureOf(message: string): Error {
  return PASSING.test(message) && !ABOUT_STATEMENT.test(message) ? new LostAnswer(message) : new QueryFailure(message)
}

/** What has nothing to do with the statements; null when it has. */
function findRefusal(
  status: number,
  code: unknown,
  message: string | null,
  { databaseId }: RemoteEndpoint,
  { environment, origin }: RemotePlace,
): MigrationManagerError | null {
  const said = message === null ? '' : ` Cloudflare said: ${message}`
  if (status === 401 || status === 403) {
    return new MigrationManagerError(
      'connection/login-refused',
      `Cloudflare refused the API token for ${environment}.${said}`,
      {
        environment,
        hint: 'Is CLOUDFLARE_API_TOKEN of the account in CLOUDFLARE_ACCOUNT_ID, not expired, and allowed to edit D1 (Account, D1, Edit)?',
        engineCode: String(status),
      },
    )
  }
  if (status === 404 || code === 7003) {
    return new MigrationManagerError(
      'connection/no-database',
      `Cloudflare knows no D1 database ${databaseId} in this account (${environment}).${said}`,
      {
        environment,
        hint: `Check the id in ${origin} and CLOUDFLARE_ACCOUNT_ID; npx wrangler d1 list shows both.`,
        engineCode: String(status),
      },
    )
  }
  return null
}

/** Seconds, or a date (RFC 9110, 10.2.3), in milliseconds from now. */
function retryAfter(header: string | null): number {
  if (header === null) return 0
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : new Date(header).getTime() - Date.now()
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER)
}

function networkFault(cause: unknown): string {
  const code = systemErrorCode(cause) ?? (cause instanceof Error ? systemErrorCode(cause.cause) : null)
  if (code === 'ECONNREFUSED') return 'nothing listens there'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'the host name of the API could not be looked up'
  return code === null ? 'the connection broke' : `the connection broke (${code})`
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
