/** What the writer needs of a stream; `process.stdout` and `process.stderr` are such. */
export interface StreamLike {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  readonly write: (text: string, callback: (error?: Error | null) => void) => boolean
  readonly on: (event: 'error' | 'close', listener: () => void) => unknown
}

/** The end of a stream that never fails: when nobody reads any more, what is written to it is dropped. */
export interface Sink {
  readonly write: (text: string) => void
  /** Resolves, and never rejects, when all that was written is with the operating system or the stream is gone. */
  readonly flush: () => Promise<void>
}

/**
 * Wraps a stream. A reader that goes away (`| head -1`) must neither crash the run nor change what it does to
 * databases, so errors of the stream end here.
 */
export function createSink(stream: StreamLike): Sink {
  let isGone = false
  let pending = 0
  let waiting: (() => void)[] = []

  const settle = (): void => {
    if (!isGone && pending > 0) return
    const ready = waiting
    waiting = []
    for (const resolve of ready) resolve()
  }
  const lose = (): void => {
    isGone = true
    settle()
  }
  stream.on('error', lose)
  stream.on('close', lose)

  return {
    write(text) {
      if (isGone) return
      pending += 1
      try {
        // Called dynamically, as a spinner replaces the method to keep its line below what others write.
        stream.write(text, (error) => {
          pending -= 1
          if (error === undefined || error === null) settle()
          else lose()
        })
      } catch {
        lose()
      }
    },
    flush: () =>
      new Promise((resolve) => {
        waiting.push(resolve)
        settle()
      }),
  }
}
