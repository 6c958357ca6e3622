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

/** An anonymous PL/pgSQL block, under a dollar tag that its text does not hold, whatever names and values are in it. */
export function doBlock(body: string): string {
  let tag = '$mm$'
  for (let number = 1; body.includes(tag); number++) tag = `$mm${number}$`
  return `DO ${tag}${body}${tag};`
}
