import type { MessageContext } from './message-context.ts'
import { doBlock } from './quote.ts'

/**
 * What a marker says.
 * `began`: the message is being run (a syntax error anywhere in it would have kept all of it from running).
 * `opened`: lock held, history as expected. `prepared`: the tables were made or the database registered.
 * `verifying`: about to ask verify query `query` (0-based) of part `part`, all of whose statements ran.
 * `statement`: about to run statement `statement` (0-based) of part `part`. `ending`: all statements of the part ran.
 * `applied`: the part is committed.
 */
export type Marker =
  | { readonly kind: 'began' | 'opened' | 'prepared' }
  | { readonly kind: 'statement'; readonly part: number; readonly statement: number }
  | { readonly kind: 'verifying'; readonly part: number; readonly query: number }
  | { readonly kind: 'ending'; readonly part: number; readonly durationMs: number }
  | { readonly kind: 'applied'; readonly part: number }

/** Reads a notice's text as a marker; null for everybody else's notices. */
export function parseMarker(context: MessageContext, notice: string): Marker | null {
  if (!notice.startsWith(`${context.marker}:`)) return null
  const [kind = '', ...fields] = notice.slice(context.marker.length + 1).split(':')
  const [part = 0, number = 0] = fields.map(Number)
  switch (kind) {
    case 'began':
    case 'opened':
    case 'prepared':
      return { kind }
    case 'statement':
      return { kind, part, statement: number }
    case 'verifying':
      return { kind, part, query: number }
    case 'ending':
      return { kind, part, durationMs: number }
    case 'applied':
      return { kind, part }
    default:
      return null
  }
}

/** INFO reaches the client at once, whatever client_min_messages says (PostgreSQL manual, "Reporting Errors and Messages"). */
export function mark(context: MessageContext, literal: string): string {
  return doBlock(`BEGIN RAISE INFO '${context.marker}:%', ${literal}; END`)
}
