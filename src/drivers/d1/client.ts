/** One statement, with the values of its `?1`, `?2`, …; at most 100 of them (D1 documentation, "Limits"). */
export interface Query {
  readonly sql: string
  readonly params?: readonly (string | number | null)[]
}

/** The rows that one statement answered with; a server may answer anything, so nothing in them is taken on trust. */
export type Rows = readonly Readonly<Record<string, unknown>>[]

export interface RequestOptions {
  /** How long the answer may take, in milliseconds. */
  readonly withinMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * The way to one D1 database. A batch is carried out as one transaction, all of it or nothing, and its answer is the
 * rows of each statement. What goes wrong is thrown: a `QueryFailure`, a `LostAnswer`, or a `MigrationManagerError` for
 * what has nothing to do with the statements (a token that is not valid, a database that is not there).
 */
export interface D1Client {
  batch(queries: readonly Query[], options: RequestOptions): Promise<readonly Rows[]>
  /** The Time Travel bookmark of this moment; null where there is none. Never throws for a service that is not there. */
  bookmark(options: RequestOptions): Promise<string | null>
  close(): Promise<void>
}

/**
 * The database refused a statement, and so did not do this batch. Another copy of the same request may still have been
 * carried out, or be on its way.
 */
export class QueryFailure extends Error {
  override readonly name: string = 'QueryFailure'
}

/**
 * No answer that means anything: whether the batch was carried out, or will be, is not known.
 * `retryAfterMs`: how long the service asks to be left alone.
 */
export class LostAnswer extends Error {
  override readonly name: string = 'LostAnswer'
  readonly retryAfterMs: number

  constructor(message: string, retryAfterMs: number = 0) {
    super(message)
    this.retryAfterMs = retryAfterMs
  }
}

/** Whether what was thrown leaves open what became of a batch. */
export function isLost(cause: unknown): cause is LostAnswer {
  return cause instanceof LostAnswer
}
