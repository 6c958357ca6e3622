/** The queries of `-- verify: SELECT …` lines, in order, each without its last semicolon. Each answers one boolean. */
export function verifyQueries(text: string): readonly string[] {
  return [...text.matchAll(/^[ \t]*--[ \t]*verify:[ \t]*(\S.*)$/gimu)].map((match) =>
    (match[1] ?? '').trim().replace(/;+$/, ''),
  )
}
