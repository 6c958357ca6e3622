import { MigrationManagerError } from '../core/errors.ts'
import { parseCommandLine } from './commands/parser.ts'
import type { CommandLine } from './commands/parser.ts'
import { createConfirmation } from './confirmation.ts'
import { EXIT, exitOfError } from './exit.ts'
import { errorJson, renderError } from './output/errors.ts'
import { openTerminal } from './output/terminal.ts'
import type { Terminal } from './output/terminal.ts'
import { watchSignals } from './signals.ts'
import { wire } from './wire.ts'

/** Runs one command line to its exit code; everything it says has been handed to the operating system by then. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  // Known before parsing, because a failure to parse must be JSON, too.
  const wantsJson = argv.includes('--json')
  const terminal = openTerminal({
    json: wantsJson,
    quiet: argv.includes('--quiet') || argv.includes('-q'),
    color: !argv.includes('--no-color'),
    all: argv.includes('--all'),
  })
  const crash = (cause: unknown): void => {
    void say(terminal, wantsJson, unexpected(cause)).then(() => process.exit(EXIT.failed))
  }
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
  const interruption = watchSignals(() =>
    terminal.writer.writeProgress('\nInterrupted: cancelling what is under way. Again to leave at once.\n'),
  )
  try {
    const line = await parseCommandLine(argv, terminal.page.width)
    const exitCode =
      line.kind === 'help'
        ? help(terminal, line.text, wantsJson)
        : await runCommand(terminal, line, interruption.signal)
    await terminal.writer.flush()
    return interruptedCode(exitCode, interruption.exitCode())
  } catch (cause) {
    const error = cause instanceof MigrationManagerError ? cause : unexpected(cause)
    await say(terminal, wantsJson, error)
    return interruptedCode(exitOfError(error), interruption.exitCode())
  }
}

async function runCommand(
  terminal: Terminal,
  { spec, args, options }: Extract<CommandLine, { kind: 'command' }>,
  signal: AbortSignal,
): Promise<number> {
  const { run } = await spec.load()
  const wired = wire({ options, terminal, signal, confirm: createConfirmation(terminal, options.yes, signal) })
  const result = await run(wired, args)
  terminal.settle()
  if (options.json) terminal.writer.writeJson(result.json)
  else terminal.writer.writeResult(`${result.text(terminal.page)}\n`)
  return result.exitCode
}

function help(terminal: Terminal, text: string, wantsJson: boolean): number {
  if (wantsJson) terminal.writer.writeJson({ help: text })
  else terminal.writer.writeResult(`${text}\n`)
  return EXIT.done
}

async function say(terminal: Terminal, wantsJson: boolean, error: MigrationManagerError): Promise<void> {
  terminal.settle()
  if (wantsJson) terminal.writer.writeJson({ status: 'error', error: errorJson(error) })
  else terminal.writer.writeProgress(`${renderError(error, terminal.errorPage)}\n`)
  await terminal.writer.flush()
}

/** A bug of ours. Nothing of a foreign error but its name: it may hold a query, an input or a password. */
function unexpected(cause: unknown): MigrationManagerError {
  const name = cause instanceof Error ? cause.name : typeof cause
  return new MigrationManagerError('internal/unexpected', `Something happened that should not (${name}).`, {
    hint: 'Run the command again: what was under way was rolled back or will be found. Please report this with --verbose.',
    cause,
  })
}

/** A run that was interrupted ends with the signal's code, unless it had come to a graver end. */
function interruptedCode(exitCode: number, signalCode: number | null): number {
  if (signalCode === null || exitCode === EXIT.needsPerson || exitCode === EXIT.unknown) return exitCode
  return signalCode
}
