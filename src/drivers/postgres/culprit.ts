import { strideOf } from './message.ts'
import type { Message, Part } from './message.ts'
import type { Progress } from './progress.ts'

/** Which part of a message failed, and where in its text (UTF-16), as far as that is known. */
export interface Culprit {
  readonly part: number
  readonly offset: number | undefined
}

/**
 * Goes by the server's position (1-based, in characters) if nothing of the message ran, as for a syntax error, or if it
 * lies in what was announced last; else by what was announced. A position need not be one in this message: for what
 * fails in a statement that was prepared before, it counts from the beginning of the text that prepared it.
 */
export function findCulprit(
  message: Message,
  parts: readonly Part[],
  progress: Progress,
  position: number | null,
): Culprit {
  const found = position === null ? null : message.findPosition(position)
  const announced = announcedIn(parts, progress)
  if (found !== null) {
    if (!progress.hasBegun) return found
    const isInside = announced !== null && found.offset >= announced.start && found.offset <= announced.end + 1
    if (found.part === progress.part && isInside) return found
  }
  return { part: progress.part, offset: announced?.start }
}

/** The piece of the current part's text that was announced last. */
function announcedIn(
  parts: readonly Part[],
  { part, statement }: Progress,
): { readonly start: number; readonly end: number } | null {
  const statements = parts[part]?.statements ?? []
  const first = statements[statement]
  const last = statements[Math.min(statement + strideOf(statements), statements.length) - 1]
  return first === undefined || last === undefined ? null : { start: first.start, end: last.end }
}
