import type { Paint } from './paint.ts'

/** How a text is laid out: its colours and its width in columns (Infinity where nobody sees lines break). */
export interface Page {
  readonly paint: Paint
  readonly width: number
  /** `--all`: nothing is left out for brevity. */
  readonly all: boolean
  /** Hides secrets: before a text is cut or laid out, because a part of a secret is not known as one. */
  readonly redact: (text: string) => string
}

const WIDE =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}|[\u3000-\u303e\uff01-\uff60]/u
const NO_WIDTH = /\p{M}|\p{Cf}/u

/** How many columns a terminal takes for a text: two for East Asian letters and emoji, none for what sits on another. */
export function columnsOf(text: string): number {
  let columns = 0
  for (const character of text) columns += NO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return columns
}

/** A text without colours in at most so many columns; what is cut off is an ellipsis. */
export function shorten(text: string, width: number): string {
  if (columnsOf(text) <= width) return text
  let shown = ''
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (columnsOf(shown) + columnsOf(segment) > width - 1) break
    shown += segment
  }
  return `${shown}…`
}

/** `1 migration`, `2 migrations`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** `18 ms`, `1.2 s`, `3 min 4 s`. */
export function duration(milliseconds: number): string {
  // Each is rounded before it is compared, so that none shows a whole of the next unit.
  const whole = Math.round(milliseconds)
  if (whole < 1_000) return `${whole} ms`
  const tenths = Math.round(milliseconds / 100)
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`
  const seconds = Math.round(milliseconds / 1_000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/**
 * Breaks text at spaces into lines of at most `width` characters; longer words stay whole. Lines after the first are
 * indented, those that the text itself begins as well.
 */
export function wrap(text: string, width: number, indent: string): string {
  return text
    .split('\n')
    .flatMap((line) => wrapLine(line, width - indent.length))
    .join(`\n${indent}`)
}

function wrapLine(text: string, width: number): readonly string[] {
  if (text.length <= width) return [text]
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
