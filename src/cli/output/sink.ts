import { systemErrorCode } from '../../core/errors.ts'

/** What the writer needs of a stream; `process.stdout` and `process.stderr` are such. */
export interface StreamLike {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  readonly write: (text: string, callback: (error?: Error | null) => void) => boolean
  readonly on: (event: 'error' | 'close', listener: (error?: Error) => void) => unknown
}

/** The end of a stream that never fails: when nobody reads any more, what is written to it is dropped. */
export interface Sink {
  readonly write: (text: string) => void
  /**
   * Resolves, and never rejects, when all that was written is with the operating system or the stream is gone: with the
   * code of the error that lost it, such as `ENOSPC`; null when nothing was lost, or a reader had read enough.
   */
  readonly flush: () => Promise<string | null>
}

/** What a stream fails with when nobody is there to read it, a pipe or a terminal. */
const READER_GONE = /^(?:EPIPE|ECONNRESET|EIO|ERR_STREAM_\w+)$/u

/**
 * Wraps a stream. A reader that goes away (`| head -1`) must neither crash the run nor change what it does to
 * databases, so errors of the stream end here.
 */
export function createSink(stream: StreamLike): Sink {
  let isGone = false
  let lostBy: string | null = null
  let pending = 0
  let waiting: (() => void)[] = []

  const settle = (): void => {
    if (!isGone && pending > 0) return
    const ready = waiting
    waiting = []
    for (const resolve of ready) resolve()
  }
  const lose = (cause?: unknown): void => {
    isGone = true
    const code = systemErrorCode(cause)
    if (code !== null && !READER_GONE.test(code)) lostBy ??= code
    settle()
  }
  stream.on('error', lose)
  stream.on('close', () => lose())

  return {
    write(text) {
      if (isGone) return
      pending += 1
      try {
        // Called dynamically, as a spinner replaces the method to keep its line below what others write.
        stream.write(text, (error) => {
          pending -= 1
          if (error === undefined || error === null) settle()
          else lose(error)
        })
      } catch (cause) {
        lose(cause)
      }
    },
    flush: () =>
      new Promise((resolve) => {
        waiting.push(() => resolve(lostBy))
        settle()
      }),
  }
}
