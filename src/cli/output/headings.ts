import { columnsOf, shorten } from './page.ts'

/** A name is never cut shorter than this: below it, a number with a legend says more. */
const MIN_HEADING = 6

/** The columns of a table that stand under names, fitted to the room that there is. */
export interface Headings {
  /** The lines of the head, each with a text for every column. */
  readonly lines: readonly (readonly string[])[]
  readonly widths: readonly number[]
  /** Blanks between two columns. */
  readonly gap: number
  /** The columns have numbers: what each stands for, in their order. Empty where they have names. */
  readonly legend: readonly string[]
}

/**
 * Headings for columns of these names, each with `gap` blanks before it, in at most `room` columns: the names, or so much
 * of each that all differ, or numbers, at the end with one digit below the other and one blank between.
 */
export function chooseHeadings(names: readonly string[], room: number, gap: number): Headings {
  const takes = (widths: readonly number[]): number => widths.reduce((sum, width) => sum + width + gap, 0)
  const longest = Math.max(0, ...names.map(columnsOf))
  for (let length = longest; length >= Math.min(longest, MIN_HEADING); length--) {
    if (takes(names.map((name) => Math.min(columnsOf(name), length))) > room) continue
    for (const cut of [shorten, cutMiddle]) {
      const headings = names.map((name) => cut(name, length))
      if (new Set(headings).size === names.length)
        return { lines: [headings], widths: headings.map(columnsOf), gap, legend: [] }
    }
  }
  const numbers = names.map((_, index) => `${index + 1}`)
  const legend = names.map((name, index) => `${index + 1} ${name}`)
  const widths = numbers.map((number) => number.length)
  if (takes(widths) <= room) return { lines: [numbers], widths, gap, legend }
  const digits = Math.max(...widths)
  const lines = Array.from({ length: digits }, (_, digit) =>
    numbers.map((number) => number.padStart(digits)[digit] ?? ''),
  )
  return { lines, widths: numbers.map(() => 1), gap: 1, legend }
}

/** Puts entries side by side into lines of at most `width` columns; none is broken. */
export function flowEntries(entries: readonly string[], width: number): readonly string[] {
  const lines: string[] = []
  for (const entry of entries) {
    const line = lines.at(-1)
    const longer = `${line}  ${entry}`
    if (line !== undefined && columnsOf(longer) <= width) lines[lines.length - 1] = longer
    else lines.push(entry)
  }
  return lines
}

/** Names of one family differ at their ends: `staging_europe`, `staging_asia`. */
function cutMiddle(text: string, width: number): string {
  const characters = [...text]
  if (characters.length <= width) return text
  const tail = Math.floor((width - 1) / 2)
  return `${characters.slice(0, width - 1 - tail).join('')}…${characters.slice(-tail).join('')}`
}
