import { EXIT } from './exit.ts'

/** Signals closer together than this are one. */
const SAME_SIGNAL_MS = 500

export interface Interruption {
  /** Aborts with the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  /** 130 or 143 once a signal has come, else null. */
  exitCode(): number | null
}

/**
 * Turns ^C and SIGTERM into an abort, so that what is under way is cancelled, rolled back and reported. A second signal
 * ends the process at once; the database then rolls back by itself.
 */
export function watchSignals(onFirst: () => void): Interruption {
  const controller = new AbortController()
  let code: number | null = null
  let since = 0
  const interrupt = (exitCode: number): void => {
    if (code !== null) {
      // npx and shell scripts hand on the ^C that the terminal has sent to us already: that is one signal, not two.
      if (performance.now() - since > SAME_SIGNAL_MS) process.exit(exitCode)
      return
    }
    code = exitCode
    since = performance.now()
    onFirst()
    controller.abort(new Error('interrupted'))
  }
  process.on('SIGINT', () => interrupt(EXIT.interrupted))
  process.on('SIGTERM', () => interrupt(EXIT.terminated))
  process.on('SIGHUP', () => interrupt(EXIT.terminated))
  return { signal: controller.signal, exitCode: () => code }
}
