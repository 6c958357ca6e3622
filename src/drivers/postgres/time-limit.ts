/*
 * How long a server may take. As long as the message to it is still being written, nobody can be late: the time begins
 * when it is written.
 */

/** A signal that is aborted after so many milliseconds, with the code `CONNECT_TIMEOUT`. Keeps no process alive. */
export function timeoutSignal(milliseconds: number, text: string | Promise<string>): AbortSignal {
  const controller = new AbortController()
  const reason = Object.assign(new Error('time-out'), { code: 'CONNECT_TIMEOUT' })
  startTimer(milliseconds, text, () => controller.abort(reason)).unref()
  return controller.signal
}

/** Calls back after so many milliseconds; `refresh` begins anew. */
export function startTimer(milliseconds: number, text: string | Promise<string>, onLate: () => void): NodeJS.Timeout {
  let isWritten = typeof text === 'string'
  const timer = setTimeout(() => (isWritten ? onLate() : timer.refresh()), milliseconds)
  const settle = (): void => {
    isWritten = true
    timer.refresh()
  }
  if (typeof text !== 'string') void text.then(settle, settle)
  return timer
}
