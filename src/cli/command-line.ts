import { secretsOf } from '../config/secrets.ts'
import { MigrationManagerError } from '../core/errors.ts'
import { COMMANDS, GLOBAL_OPTIONS } from './commands/index.ts'
import type { CommandLine } from './commands/command.ts'
import { createConfirmation } from './confirmation.ts'
import { EXIT, exitOfError } from './exit.ts'
import { reportToGitHub } from './github.ts'
import { errorJson, renderError } from './output/errors.ts'
import { describeUnexpected } from './output/unexpected-error.ts'
import { openTerminal } from './output/terminal.ts'
import type { Terminal } from './output/terminal.ts'
import { readPlainCommand } from './plain-command.ts'
import { watchSignals } from './signals.ts'
import { prepareForShortRun } from './short-run.ts'
import { wire } from './wire.ts'

/** Runs one command line to its exit code; everything it says has been handed to the operating system by then. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  // Known before parsing, because a failure to parse must be JSON, too.
  const wantsJson = argv.includes('--json')
  const terminal = openTerminal({
    json: wantsJson,
    quiet: argv.some((word) => word === '--quiet' || /^-[a-z]*q/u.test(word)),
    color: !argv.includes('--no-color'),
    all: argv.includes('--all'),
  })
  // A mistyped line is repeated to whoever typed it, before anything is configured.
  terminal.hide(
    secretsOf(process.env, ...argv.map((word) => ({ ARGUMENT_DATABASE_URL: word.includes('://') ? word : '' }))),
  )
  const isVerbose = argv.includes('--verbose')
  const crash = (cause: unknown): void => {
    void say(terminal, wantsJson, unexpected(cause, isVerbose)).then(() => process.exit(EXIT.failed))
  }
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
  const interruption = watchSignals(() =>
    terminal.writer.writeProgress('\nInterrupted: cancelling what is under way. Again to leave at once.\n'),
  )
  try {
    const line = readPlainCommand(argv) ?? (await parse(argv, terminal.page.width))
    const exitCode =
      line.kind === 'help'
        ? help(terminal, line.text, wantsJson)
        : await runCommand(terminal, line, interruption.signal)
    const lostBy = await terminal.writer.flush()
    if (lostBy !== null) await say(terminal, false, lostOutput(lostBy))
    return interruptedCode(lostBy === null ? exitCode : exitCode || EXIT.failed, interruption.exitCode())
  } catch (cause) {
    const error = cause instanceof MigrationManagerError ? cause : unexpected(cause, isVerbose)
    await say(terminal, wantsJson, error)
    return interruptedCode(exitOfError(error), interruption.exitCode())
  }
}

/** The parser is large, and most command lines do without. */
async function parse(argv: readonly string[], width: number): Promise<CommandLine> {
  const { parseCommandLine } = await import('./parser.ts')
  return parseCommandLine(argv, width)
}

async function runCommand(
  terminal: Terminal,
  { spec, args, options }: Extract<CommandLine, { kind: 'command' }>,
  signal: AbortSignal,
): Promise<number> {
  const { run } = await spec.load()
  const wired = wire({
    options,
    terminal,
    signal,
    confirm: createConfirmation(terminal, options.yes, signal),
    verbs: COMMANDS.map(({ name, describe, options: own }) => ({
      name,
      describe,
      options: [...Object.keys(own), ...Object.keys(GLOBAL_OPTIONS), 'help'],
    })),
  })
  // What was loaded is, and what comes now may be large.
  prepareForShortRun()
  const result = await run(wired, args)
  terminal.settle()
  if (options.json) terminal.writer.writeJson(result.json())
  else terminal.writer.writeResult(`${result.text(terminal.page)}\n`)
  if (result.summary !== undefined) reportToGitHub(result.summary, terminal.writer, process.env)
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
  reportToGitHub({ findings: [], errors: [error] }, terminal.writer, process.env)
  await terminal.writer.flush()
}

/** Whoever reads the output would take a part of it for all. */
function lostOutput(code: string): MigrationManagerError {
  return new MigrationManagerError('output/lost', `The output could not be written (${code}).`, {
    hint: 'Is the disk full? What was done is done: run status to see it.',
  })
}

function unexpected(cause: unknown, isVerbose: boolean): MigrationManagerError {
  const { code, message, hint, stack } = describeUnexpected(cause, isVerbose)
  return new MigrationManagerError(code, stack === undefined ? message : `${message}\n${stack}`, { hint })
}

/** A run that was interrupted ends with the signal's code, unless it had come to a graver end. */
function interruptedCode(exitCode: number, signalCode: number | null): number {
  // What had ended well by then was not interrupted.
  if (signalCode === null || exitCode === EXIT.done) return exitCode
  if (exitCode === EXIT.needsPerson || exitCode === EXIT.unknown) return exitCode
  return signalCode
}
