export interface SanitizeOptions {
  /** Line breaks and tabs stay as they are; CRLF becomes LF. Default: they are shown as `\n` and `\t`. */
  readonly multiline?: boolean | undefined
}

/** Controls, format characters (bidi marks among them), lone surrogates, and whatever else fonts show as nothing. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/** The same, save for what a terminal may get from us: line breaks, tabs, and colour sequences as one match each. */
const UNSEEN_OR_COLOUR = new RegExp(String.raw`\u001b\[[0-9;]{0,32}m|${UNSEEN.source}`, 'gu')

/** What JSON allows inside strings although a terminal obeys it or shows nothing. */
const UNSEEN_IN_JSON = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

const NAMED: ReadonlyMap<string, string> = new Map([
  ['\n', String.raw`\n`],
  ['\r', String.raw`\r`],
  ['\t', String.raw`\t`],
])

/**
 * Makes text of foreign origin (a file name, a NOTICE, a server's error) safe to show: whatever could move the cursor,
 * colour, hide or reorder text becomes visible, as `\x1b` or `\u202e`. Doing it twice changes nothing more.
 */
export function sanitize(text: string, { multiline = false }: SanitizeOptions = {}): string {
  return multiline
    ? foldLineBreaks(text).replace(UNSEEN, (character) => (isLayout(character) ? character : escape(character)))
    : text.replace(UNSEEN, escape)
}

/** The last pass over text for people: of all control characters only line breaks, tabs and colours get through. */
export function sanitizeLayout(text: string): string {
  return foldLineBreaks(text).replace(UNSEEN_OR_COLOUR, (found) =>
    found.length > 2 || isLayout(found) ? found : escape(found),
  )
}

/** The last pass over serialised JSON: it means the same, and no terminal that shows it obeys it. */
export function sanitizeJson(json: string): string {
  return json.replace(UNSEEN_IN_JSON, (character) =>
    Array.from({ length: character.length }, (_, at) => unitEscape(character.charCodeAt(at))).join(''),
  )
}

function foldLineBreaks(text: string): string {
  return text.replaceAll('\r\n', '\n')
}

function isLayout(character: string): boolean {
  return character === '\n' || character === '\t'
}

function escape(character: string): string {
  const named = NAMED.get(character)
  if (named !== undefined) return named
  const code = character.codePointAt(0) ?? 0
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`
  return code <= 0xffff ? unitEscape(code) : `\\u{${code.toString(16)}}`
}

function unitEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}
