import { isatty } from 'node:tty'
import type { RunEvent } from '../../core/event.ts'
import type { Secret } from '../../core/secret.ts'
import type { Page } from './page.ts'
import { choosePaint } from './paint.ts'
import { hushCrowds } from './crowds.ts'
import { createPlainProgress, createSpinnerProgress, SILENT } from './progress.ts'
import type { ProgressReporter, Spinner } from './progress.ts'
import { createRedactor } from './redactor.ts'
import { sanitize } from './sanitizer.ts'
import { createWriter } from './writer.ts'
import type { Writer } from './writer.ts'

export interface TerminalOptions {
  readonly json: boolean
  readonly quiet: boolean
  readonly color: boolean
  readonly all: boolean
}

/** Everything that a run says, to whomever is there: a person at a terminal, a log, a program. */
export interface Terminal {
  /** Texts for stdout are laid out on this page. */
  readonly page: Page
  /** Texts for stderr are laid out on this page. */
  readonly errorPage: Page
  readonly writer: Writer
  /** A person is there to answer a question. */
  readonly isInteractive: boolean
  /** From now on these are not shown in any form. */
  hide(secrets: readonly Secret[]): void
  report(event: RunEvent): void
  /** Ends the progress display; what is written next stands alone. */
  settle(): void
}

export function openTerminal(options: TerminalOptions): Terminal {
  const { stdout, stderr, env } = process
  const redactor = createRedactor()
  const writer = createWriter({ stdout, stderr, redactor, env })
  const pageOf = (stream: NodeJS.WriteStream): Page => ({
    paint: choosePaint(stream, env, options.color),
    width: widthOf(stream),
    all: options.all,
    redact: (text) => redactor.redact(text),
  })
  const page = pageOf(stdout)
  const errorPage = pageOf(stderr)
  let progress: ProgressReporter | null = null
  const start = (): ProgressReporter => {
    if (options.quiet) return SILENT
    const write = (line: string): void => writer.writeProgress(line)
    // In this order: a secret whose line breaks have become visible is not the secret any more.
    const clean = (text: string): string => sanitize(redactor.redact(text))
    if (!stderr.isTTY || env['CI'] === 'true' || env['TERM'] === 'dumb')
      return hushCrowds(createPlainProgress(write, clean))
    return hushCrowds(createSpinnerProgress(loadSpinner(writer), write, errorPage.paint, clean))
  }
  return {
    page,
    errorPage,
    writer,
    // Not process.stdin.isTTY: that opens the stream, and few runs read from it.
    isInteractive: isatty(0) && stderr.isTTY && !options.json && env['CI'] !== 'true',
    hide: (secrets) => redactor.add(secrets),
    report(event) {
      progress ??= start()
      progress.report(event)
    },
    settle() {
      progress?.stop()
      progress = null
    },
  }
}

async function loadSpinner(writer: Writer): Promise<Spinner> {
  const { default: ora } = await import('ora')
  // ora asks for a whole WriteStream and uses of it what our stand-in has.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const stream = (await writer.asTerminal()) as unknown as NodeJS.WriteStream
  // discardStdin would put the terminal into raw mode, and ^C would no longer be a signal.
  return ora({ stream, discardStdin: false })
}

function widthOf(stream: NodeJS.WriteStream): number {
  return stream.isTTY ? Math.max(40, stream.columns || 80) : Number.POSITIVE_INFINITY
}
