import type { Confirm } from '../commands/confirmation.ts'
import type { Environment } from '../core/environment.ts'
import type { Page } from './output/page.ts'
import { sanitize } from './output/sanitizer.ts'
import type { Terminal } from './output/terminal.ts'

/**
 * Confirms what is about to be done to a protected environment: with `--yes` at once, on a terminal by typing the
 * environment's name; elsewhere nobody can be asked. An interruption counts as "no".
 */
export function createConfirmation(terminal: Terminal, yes: boolean, signal: AbortSignal): Confirm {
  return async (environment, what) => {
    if (yes) return 'yes'
    if (!terminal.isInteractive) return 'cannot-ask'
    terminal.settle()
    terminal.writer.writeProgress(renderQuestion(environment, what, terminal.errorPage))
    // Loaded when somebody is asked, which is seldom.
    const { createInterface } = await import('node:readline/promises')
    const reader = createInterface({ input: process.stdin, terminal: false })
    // ^D closes the input without an answer, and the question would wait for ever.
    const closed = new Promise<null>((resolve) => reader.once('close', () => resolve(null)))
    try {
      const answer = await Promise.race([reader.question('', { signal }), closed])
      if (answer === null) terminal.writer.writeProgress('\n')
      return answer?.trim() === environment.name ? 'yes' : 'declined'
    } catch {
      return 'declined'
    } finally {
      reader.close()
    }
  }
}

/** The question, in two lines: what is about to be done may hold names that a database gave. */
export function renderQuestion({ name, protected: isProtected }: Environment, what: string, page: Page): string {
  const why = isProtected ? `${page.paint('warn', `${name} is protected.`)} ` : ''
  return `\n${why}About to ${sanitize(page.redact(what))}.\nType ${name} to go on: `
}
