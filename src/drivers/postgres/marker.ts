import type { MessageContext } from './message-context.ts'
import { doBlock } from './quote.ts'

/**
 * What a marker says.
 * `began`: the message is being run (a syntax error anywhere in it would have kept all of it from running).
 * `opened`: lock held, history as expected. `prepared`: the tables were made or the database registered.
 * `verifying`: about to ask verify query `query` (0-based) of part `part`, all of whose statements ran.
 * `statement`: about to run statement `statement` (0-based) of part `part`. `ending`: all statements of the part ran, and
 * its row is written. `applied`: the part is committed.
 */
export type Marker =
  | { readonly kind: 'began' | 'opened' | 'prepared' }
  | { readonly kind: 'statement'; readonly part: number; readonly statement: number }
  | { readonly kind: 'verifying'; readonly part: number; readonly query: number }
  | { readonly kind: 'ending'; readonly part: number; readonly durationMs: number }
  | { readonly kind: 'applied'; readonly part: number }

/** Reads the text of a notice, or the first value of a row, as a marker; null for everybody else's. */
export function parseMarker(context: MessageContext, text: string): Marker | null {
  if (!text.startsWith(`${context.marker}:`)) return null
  const [kind = '', ...fields] = text.slice(context.marker.length + 1).split(':')
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

/** Says it at once: INFO is not held back, whatever client_min_messages says (PostgreSQL manual, "Reporting Errors and Messages"). */
export function tell({ marker }: MessageContext, words: string): string {
  return doBlock(`BEGIN RAISE INFO '${marker}:${words}'; END`)
}

/**
 * Says it with the next thing that is said, or when it fails: as a row, that waits in the server for more to come. It
 * costs a third, and wakes nobody.
 */
export function note({ marker }: MessageContext, words: string): string {
  return `SELECT '${marker}:${words}';`
}
