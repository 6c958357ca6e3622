import type { ErrorCode } from '../../core/errors.ts'

/** The fields of a server's ErrorResponse that we look at (PostgreSQL manual, "Error and Notice Message Fields"). */
export interface ServerError {
  /** SQLSTATE. */
  readonly code: string
  readonly message: string
  readonly hint: string | null
  /** 1-based, in characters, over the text of the message that was sent; null for most run-time errors. */
  readonly position: number | null
  /** The constraint, for unique violations and the like. */
  readonly constraint: string | null
  /** FATAL or PANIC: the server has ended the session, and what the last message did is known only to the database. */
  readonly isFatal: boolean
}

/** What the server said went wrong, as an error that can be thrown; anything else thrown by a session is a lost connection. */
export class ServerFailure extends Error {
  override readonly name: string = 'ServerFailure'
  readonly server: ServerError
  /** Who kept the message waiting when it failed, in words, as far as anybody could be asked. */
  readonly blocker: string | null

  constructor(server: ServerError, blocker: string | null = null) {
    super(server.message)
    this.server = server
    this.blocker = blocker
  }
}

/** The server's backend or the network went away: what the last message did is not known. */
export class LostConnection extends Error {
  override readonly name: string = 'LostConnection'
}

/** How a person would name the place that was not reached; it holds no secret. */
export interface Place {
  readonly environment: string
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  /** The environment variable that holds the connection string. */
  readonly origin: string
  /** `%XX` of the password was decoded. */
  readonly passwordDecoded: boolean
}

/** How an error of the network or the server is said to a person. */
export interface Rule {
  readonly code: ErrorCode
  readonly message: (place: Place) => string
  readonly hint: (place: Place) => string
  /** The server's own words tell more: they are added. */
  readonly quotesServer?: true
}
