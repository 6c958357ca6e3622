import type { SourceLocation } from '../core/errors.ts'
import type { SqlSource } from '../core/sql-source.ts'

/** A place in a file: what errors and findings carry. */
export interface PlaceInFile {
  readonly at: SourceLocation
  /** The whole line of the file, without its line break. */
  readonly sourceLine: string
}

/** Finds places in the file of a text that is run, by offsets into that text; for many of them, see `indexLines`. */
export function locatorOf(source: SqlSource): (offset: number) => PlaceInFile {
  const find = indexLines(source.sql)
  return (offset) => {
    const { line, column, sourceLine } = find(offset)
    // It is ASCII, so that it has as many characters as code units.
    const mark = source.marks?.[line - 1] ?? ''
    const at = { file: source.file, line: line + source.firstLine - 1, column: column + mark.length }
    return { at, sourceLine: `${mark}${sourceLine}` }
  }
}

/** One place in the file of a text that is run. */
export function locateIn(source: SqlSource, offset: number): PlaceInFile {
  return locatorOf(source)(offset)
}

/** A place in a text as a person counts it. */
export interface Place {
  /** 1-based. */
  readonly line: number
  /** 1-based, in characters (code points). */
  readonly column: number
  /** The text of the line, without its line break. */
  readonly sourceLine: string
}

/** Finds places in one text: `offset` is a UTF-16 offset, one outside of the text counts as its nearest end. */
export type Locator = (offset: number) => Place

/**
 * A locator for many places in one text. The first call reads the text once, each one after it searches by halves.
 * Lines end with LF or CRLF.
 */
export function indexLines(text: string): Locator {
  let lineStarts: readonly number[] | undefined
  return (offset) => {
    lineStarts ??= findLineStarts(text)
    const bounded = clampOffset(text, offset)
    const line = countUpTo(lineStarts, bounded)
    return placeAt(text, line, lineStarts[line - 1] ?? 0, bounded)
  }
}

function clampOffset(text: string, offset: number): number {
  return Math.min(Math.max(offset, 0), text.length)
}

function findLineStarts(text: string): readonly number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

/** How many of the ascending numbers are at most `bound`. */
function countUpTo(ascending: readonly number[], bound: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ascending[middle] ?? 0) <= bound) low = middle + 1
    else high = middle
  }
  return low
}

function placeAt(text: string, line: number, lineStart: number, offset: number): Place {
  const lineBreak = text.indexOf('\n', lineStart)
  const sourceLine = text.slice(lineStart, lineBreak < 0 ? text.length : lineBreak)
  return {
    line,
    column: countCharacters(text, lineStart, offset) + 1,
    sourceLine: sourceLine.endsWith('\r') ? sourceLine.slice(0, -1) : sourceLine,
  }
}

/** Whole characters before `end`: an offset between the halves of a surrogate pair counts as the pair's own. */
function countCharacters(text: string, start: number, end: number): number {
  let count = 0
  for (let at = start; at < end; count++) {
    const width = (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
    if (at + width > end) break
    at += width
  }
  return count
}
