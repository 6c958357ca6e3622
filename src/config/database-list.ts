/** One connection string of a list, as it is written there. */
export interface Listed {
  /** Counted from 1. */
  readonly line: number
  /** What stands before its `=`, which may be anything; null where there is none. */
  readonly name: string | null
  /** Not looked at yet. */
  readonly url: string
}

/** Whether a text can be the name of one database among many: it becomes the part behind the slash of `prod/acme`. */
export function isDatabaseName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/u.test(text)
}

/** Whether a list holds nothing besides blank lines and comments. */
export function isListEmpty(text: string): boolean {
  return linesOf(text).every(holdsNothing)
}

/** Whether a text can be the path of a list; the list itself, in the variable for its path, must not be repeated. */
export function isPath(text: string): boolean {
  // Without a scheme a connection string still has its @; a path that holds one begins like a path.
  if (text.includes('@') && !/^(?:\.{0,2}[\\/]|[a-z]:[\\/])/iu.test(text)) return false
  // One letter and a colon are a drive.
  return !/:\/\/|[\r\n]|^(?:[^=:/@]*=)?[a-z][a-z0-9+.-]+:/iu.test(text)
}

/** Where a connection string of a list stands, for people: `PROD_DATABASE_URLS, line 3`. */
export function placeIn(list: string, line: number): string {
  return `${list}, line ${line}`
}

/** The list of such a place, or the text as it is. */
export function listOfPlace(place: string): string {
  return place.replace(/, line \d+$/u, '')
}

/** Any scheme, for those who do not know which there are. */
const ANY_SCHEME = '[a-z][a-z0-9+.-]*'

/**
 * The entries of a list: one a line; several on one line where a scheme follows the white space, comma or semicolon, so
 * that a password that holds one stays whole. Blank lines and those that begin with # are left out. Never throws; takes
 * time in proportion to the text.
 */
export function listedIn(text: string, schemes?: readonly string[]): readonly Listed[] {
  const scheme = schemes?.map((known) => known.replace(/[.+]/gu, String.raw`\$&`)).join('|') ?? ANY_SCHEME
  const start = new RegExp(String.raw`(?<=[\s,;])(?:[a-z0-9][a-z0-9._-]{0,62}=)?(?:${scheme}):`, 'giu')
  const named = new RegExp(String.raw`^(?<name>[^=:/@]*)=\s*(?<url>["'\x60‘“]?(?:${scheme}):.*)$`, 'isu')
  return linesOf(text).flatMap((content, index) => {
    if (holdsNothing(content)) return []
    return piecesOf(content, start).map((piece) => {
      const { name, url } = named.exec(piece)?.groups ?? {}
      return { line: index + 1, name: name?.trim() ?? null, url: url ?? piece }
    })
  })
}

function linesOf(text: string): readonly string[] {
  return text.split(/\r\n|\r|\n/u)
}

function holdsNothing(line: string): boolean {
  const content = line.trimStart()
  return content === '' || content.startsWith('#')
}

function piecesOf(line: string, start: RegExp): readonly string[] {
  const pieces: string[] = []
  let from = 0
  for (const { index } of line.matchAll(start)) {
    const piece = withoutSeparators(line, from, index)
    // With spaces around its `=`, a name is no entry of its own.
    if (/^[^=:/@]{0,99}=$/u.test(piece)) continue
    pieces.push(piece)
    from = index
  }
  pieces.push(line.slice(from).trim())
  return pieces.filter((piece) => piece !== '')
}

/** A loop, as a pattern that ends at the end of a text looks from every separator in it. */
function withoutSeparators(line: string, from: number, to: number): string {
  let end = to
  while (end > from && /[\s,;]/u.test(line.charAt(end - 1))) end -= 1
  return line.slice(from, end).trimStart()
}
