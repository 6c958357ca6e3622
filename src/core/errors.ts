/** A stable identifier of something that went wrong: `area/what`. Codes are forever; words may improve. */
export type ErrorCode = `${string}/${string}`

/** A place in a migration file. `line` and `column` are 1-based; columns count characters (code points). */
export interface SourceLocation {
  readonly file: string
  readonly line: number
  readonly column: number
}

export interface ErrorDetails {
  /** What to do or type next, filled in with the user's own names. */
  readonly hint?: string | undefined
  /** Where in a file it happened. */
  readonly at?: SourceLocation | undefined
  /** The text of the line at `at`, without its line break. */
  readonly sourceLine?: string | undefined
  /** The engine's own code, for example a PostgreSQL SQLSTATE. */
  readonly engineCode?: string | undefined
  /** The environment it happened in. */
  readonly environment?: string | undefined
  readonly cause?: unknown
}

/** The world is broken: something failed that the tool cannot treat as an expected disagreement (that is a `Finding`). */
export class MigrationManagerError extends Error {
  override readonly name: string = 'MigrationManagerError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly at: SourceLocation | undefined
  readonly sourceLine: string | undefined
  readonly engineCode: string | undefined
  readonly environment: string | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.hint = details.hint
    this.at = details.at
    this.sourceLine = details.sourceLine
    this.engineCode = details.engineCode
    this.environment = details.environment
  }
}

/** The `code` of an error of Node or the operating system (`ENOENT`, …), or null. */
export function systemErrorCode(cause: unknown): string | null {
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : null
  return typeof code === 'string' ? code : null
}

/** One thing that is wrong with the configuration or a migration file. */
export interface Problem {
  readonly code: ErrorCode
  readonly message: string
  readonly hint?: string | undefined
  readonly at?: SourceLocation | undefined
  /** The file that is meant as a whole, such as by its name; the message names it. */
  readonly file?: string | undefined
  readonly sourceLine?: string | undefined
  readonly engineCode?: string | undefined
  readonly environment?: string | undefined
}

/** Several problems found together, so that a person mends them all in one go. */
export class ProblemsError extends MigrationManagerError {
  override readonly name: string = 'ProblemsError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly [Problem, ...Problem[]]) {
    const [first] = problems
    super(first.code, problems.map((problem) => problem.message).join('\n'), { hint: first.hint })
    this.problems = problems
  }
}

/** What is to be told of an error: its problems where it has several, else itself. */
export function problemsOf(error: MigrationManagerError): readonly Problem[] {
  return error instanceof ProblemsError ? error.problems : [error]
}
