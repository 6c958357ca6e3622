import { clearLine, clearScreenDown, cursorTo, moveCursor } from 'node:readline'
import { Writable } from 'node:stream'
import type { StreamLike } from './sink.ts'

/** A stand-in for a terminal stream, for libraries that draw on it (ora). It looks like the stream that it stands for. */
export class SpinnerStream extends Writable {
  readonly #original: StreamLike
  readonly #pass: (text: string) => void

  constructor(original: StreamLike, pass: (text: string) => void) {
    super({ decodeStrings: false })
    this.#original = original
    this.#pass = pass
  }

  get isTTY(): boolean {
    return this.#original.isTTY ?? false
  }

  /** Undefined where a pseudo-terminal says 0: the spinner would take every character for a line of its own. */
  get columns(): number | undefined {
    return this.#original.columns === 0 ? undefined : this.#original.columns
  }

  get rows(): number | undefined {
    return this.#original.rows === 0 ? undefined : this.#original.rows
  }

  /** Done at once: were it to wait, cursor movements could be overtaken by lines written past this stream. */
  override _write(chunk: string | Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.#pass(typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk))
    done()
  }

  cursorTo(x: number, y?: number): boolean {
    return cursorTo(this, x, y)
  }

  moveCursor(dx: number, dy: number): boolean {
    return moveCursor(this, dx, dy)
  }

  clearLine(direction: -1 | 0 | 1): boolean {
    return clearLine(this, direction)
  }

  clearScreenDown(): boolean {
    return clearScreenDown(this)
  }
}
