/** An SQL string literal that reads the same whatever `standard_conforming_strings` says. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/** A literal, or NULL. */
export function quoteNullable(text: string | null): string {
  return text === null ? 'NULL' : quoteLiteral(text)
}

/** An SQL identifier in double quotes. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** An anonymous PL/pgSQL block; the tag cannot occur in what we put inside, which holds no text of a user's file. */
export function doBlock(body: string): string {
  return `DO $mm_block$${body}$mm_block$;`
}
