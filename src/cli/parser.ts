import { nearestName } from '../config/names.ts'
import { MigrationManagerError } from '../core/errors.ts'
import { checkArgv, HELP, unknownOption } from './argv.ts'
import { globalOptions } from './commands/command.ts'
import type { Arguments, CommandLine, CommandSpec } from './commands/command.ts'
import { COMMANDS, GLOBAL_OPTIONS } from './commands/index.ts'

/**
 * Parses the arguments behind the program's name, strictly; without a command, they ask for the help. Throws `usage/…`
 * with the nearest name as a hint.
 */
export async function parseCommandLine(argv: readonly string[], width: number): Promise<CommandLine> {
  checkArgv(argv)
  // It comes as an ES module only, and the bundle is none.
  const { default: yargs } = await import('yargs')
  let chosen: { readonly spec: CommandSpec; readonly args: Arguments } | null = null
  const parser = yargs([...argv])
    .scriptName('migration-manager')
    .usage('Usage: $0 <command> [options]')
    .parserConfiguration({ 'greedy-arrays': false, 'parse-numbers': false })
    // A person's locale would change the words that usageError takes apart.
    .detectLocale(false)
    .updateStrings({
      'Not enough arguments following: %s': '--%s needs a value.',
      'Arguments %s and %s are mutually exclusive': '--%s and --%s exclude each other.',
    })
    .version(false)
    .options(GLOBAL_OPTIONS)
    .group(Object.keys(GLOBAL_OPTIONS), 'Options of all commands:')
    .wrap(Math.min(100, width))
    .strict()
    .help()
    .alias('help', 'h')
    .exitProcess(false)
    .showHelpOnFail(false)
    .fail((message: string, cause: Error | undefined) => {
      throw cause instanceof MigrationManagerError ? cause : usageError(message ?? cause?.message ?? '', argv)
    })
  for (const spec of COMMANDS) {
    parser.command({
      command: `${spec.name} ${spec.positionals}`.trim(),
      describe: spec.describe,
      builder: (own) => own.options(spec.options),
      handler: (args: Arguments) => {
        chosen = { spec, args }
      },
    })
  }
  if (argv.length === 0) return { kind: 'help', text: await parser.getHelp() }
  let help = ''
  await parser.parseAsync([...argv], {}, (_error: unknown, _parsed: unknown, output: string) => {
    help = output
  })
  // The handler has run by now, which the compiler cannot see.
  const found = chosen as { readonly spec: CommandSpec; readonly args: Arguments } | null
  if (found === null) {
    // An unset variable in its place would make a release of nothing.
    if (help === '' && !argv.every((word) => OF_OUTPUT.has(word))) throw noCommand()
    return { kind: 'help', text: help === '' ? await parser.getHelp() : help }
  }
  return { kind: 'command', ...found, options: globalOptions(found.args) }
}

/** Options that ask for nothing to be done. */
const OF_OUTPUT: ReadonlySet<string> = new Set(['--json', '--verbose', '--quiet', '-q', '--no-color', '--color'])

function noCommand(): MigrationManagerError {
  return new MigrationManagerError('usage/bad-arguments', 'There is no command.', { hint: HELP })
}

function usageError(message: string, argv: readonly string[]): MigrationManagerError {
  const [, option, needed] = /^Missing dependent arguments:\s+(\S+) -> (\S+)/.exec(message) ?? []
  if (option !== undefined && needed !== undefined) {
    return new MigrationManagerError('usage/bad-arguments', `--${option} needs --${needed}.`, {
      hint: `Add --${needed}, or leave out --${option}.`,
    })
  }
  const given = /^Not enough non-option arguments: got (\d+)/.exec(message)?.[1]
  const commands = argv.flatMap((word) => COMMANDS.filter(({ name }) => name === word))
  // The value of an option may be called like a command.
  const short = commands.find(({ positionals }) => positionals !== '' && positionals.split(' ').length > Number(given))
  if (given !== undefined && short !== undefined) return missingWord(short, Number(given))
  const unknown = /^Unknown (?:argument|command)s?: (.+)$/.exec(message)?.[1]?.split(', ')[0]
  if (unknown === undefined) {
    return new MigrationManagerError('usage/bad-arguments', `${message}.`.replace(/\.\.$/, '.'), { hint: HELP })
  }
  const isOption = argv.some((word) => word === `-${unknown}` || word.split('=')[0] === `--${unknown}`)
  const takers = COMMANDS.filter(({ options }) => isOption && Object.hasOwn(options, unknown)).map(({ name }) => name)
  if (takers.length > 0) {
    return new MigrationManagerError('usage/unknown-option', `This command does not take --${unknown}.`, {
      hint: `--${unknown} belongs to ${takers.join(', ')}.`,
    })
  }
  if (isOption) return unknownOption(unknown.length === 1 ? `-${unknown}` : `--${unknown}`, unknown)
  const command = COMMANDS.find(({ name }) => name === argv.find((word) => !word.startsWith('-')))
  if (command !== undefined && command.name !== unknown) return strayWord(command, unknown)
  const nearest = nearestName(
    unknown,
    COMMANDS.map(({ name }) => name),
  )
  return new MigrationManagerError('usage/unknown-command', `There is no command ${unknown}.`, {
    hint: nearest === undefined ? HELP : `Did you mean ${nearest}?`,
  })
}

/** Of the words that a command needs only the first `given` are there. */
function missingWord({ name, positionals, needs }: CommandSpec, given: number): MigrationManagerError {
  const missing = positionals.replaceAll('..>', '>').split(' ').slice(given)
  const usage = ['migration-manager', name, positionals.replaceAll('..>', '>'), needs].filter(Boolean).join(' ')
  return new MigrationManagerError(
    'usage/bad-arguments',
    `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing behind ${name}.`,
    { hint: `Write ${usage}, or see migration-manager ${name} --help.` },
  )
}

/** A word that stands alone behind a command: an environment, a version or an option's name, perhaps. */
function strayWord({ name, options }: CommandSpec, word: string): MigrationManagerError {
  const known = [...Object.keys(options), ...Object.keys(GLOBAL_OPTIONS)]
  const option = known.find((each) => each === word)
  const hint =
    option !== undefined
      ? `Did you mean --${option}?`
      : /^\d/u.test(word) && Object.hasOwn(options, 'only')
        ? `Did you mean ${name} --only ${word}, or ${name} --to ${word}?`
        : /^\d/u.test(word) && Object.hasOwn(options, 'migration')
          ? `Did you mean ${name} --migration ${word}?`
          : `Did you mean ${name} --env ${word}? Several are written with commas and no spaces: --env dev,prod.`
  return new MigrationManagerError('usage/bad-arguments', `${name} takes no word like ${word}.`, { hint })
}
