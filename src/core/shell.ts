/**
 * A word for a shell, as a command in a hint holds it: file names, and names from a database, may hold what a shell would
 * act on. What needs no quotes stays as it is.
 */
export function quoted(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
