import { Buffer } from 'node:buffer'

/** A query is shown this far, in characters: enough to know it again, too little to hold much data. */
const LENGTH = 60

/** So much of it is worth asking for, in characters. */
export const GIST_SOURCE_LENGTH = 1_000

/** The server may have cut a longer text, in bytes: the least `track_activity_query_size` is 100 (PostgreSQL manual). */
const SURELY_WHOLE = 96

/** String constants, also dollar-quoted ones, and comments; the end of the text may cut one in two. */
const LITERALS = /'(?:[^']|'')*(?:'|$)|\$(\w*)\$[^]*?(?:\$\1\$|$)/g
const COMMENTS = /--[^\n]*|\/\*[^]*?(?:\*\/|$)/g

/**
 * What may be shown of somebody's query: without literals and comments, which may hold data and passwords, cut short, and
 * never in the middle of a word: of a secret that was cut in two nobody could tell that it is one.
 */
export function gistOf(query: string): string {
  const known = query
    .replaceAll(new RegExp(`${LITERALS.source}|${COMMENTS.source}`, 'g'), (found) =>
      /^['$]/.test(found) ? "'…'" : ' ',
    )
    .replaceAll(/\s+/g, ' ')
    .trim()
  const isWhole = Buffer.byteLength(query) < SURELY_WHOLE
  const words = isWhole ? known : known.replace(/(?: |^)\S*$/, '')
  if (words.length <= LENGTH) return isWhole ? words : `${words} …`.trim()
  // The character behind the cut tells whether a word ends there.
  const shown = words.slice(0, LENGTH + 1).replace(/(?: |^)\S*$/, '')
  return `${shown} …`.trim()
}
