import type { SourceLocation } from '../../core/errors.ts'
import { sanitize } from './sanitizer.ts'
import type { Page } from './page.ts'

/** So many characters of a long line are shown, the place somewhere in them. */
const WINDOW = 100

/** A place in a file: `file:line:column`, the line, and a caret under the column. */
export function renderSource(at: SourceLocation, sourceLine: string | undefined, page: Page): string {
  const place = `  ${page.paint('strong', sanitize(page.redact(`${at.file}:${at.line}:${at.column}`)))}`
  if (sourceLine === undefined || sourceLine.trim() === '') return place
  const line = page.redact(sourceLine)
  // What was hidden has moved the characters behind it: the place is still in the line above.
  const isMoved = line !== sourceLine
  const gutter = `    ${at.line} | `
  const width = Math.max(20, Math.min(WINDOW, page.width - gutter.length - 2))
  // A tab is one character and many columns: one space keeps the caret under its place.
  const characters = [...line.replaceAll('\t', ' ')]
  const column = isMoved ? 0 : at.column - 1
  const start = column < width - 10 ? 0 : column - Math.floor(width / 2)
  const end = Math.min(characters.length, start + width)
  const shown = characters.slice(start, end).map(oneColumn).join('')
  const text = `${start > 0 ? '…' : ''}${shown}${end < characters.length ? '…' : ''}`
  const caret = ' '.repeat(gutter.length + (column - start) + (start > 0 ? 1 : 0))
  const shownLine = `${place}\n${page.paint('dim', gutter)}${text}`
  return isMoved ? shownLine : `${shownLine}\n${caret}${page.paint('bad', '^')}`
}

/** A character that would have to be spelled out takes one column all the same, so that the caret stays true. */
function oneColumn(character: string): string {
  return sanitize(character) === character ? character : '·'
}
