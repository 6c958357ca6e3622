import { parseArgs } from 'node:util'
import type { ParseArgsConfig } from 'node:util'
import { globalOptions } from './commands/command.ts'
import type { Arguments, CommandLine, Option } from './commands/command.ts'
import { COMMANDS, GLOBAL_OPTIONS } from './commands/index.ts'

/**
 * Reads the plain command lines that make up nearly every run, without loading the parser: a known verb without
 * positionals and options that are all known and complete. Everything else, help and mistakes above all, is null and
 * left to the parser, which would understand these lines just so, and explains the others.
 */
export function readPlainCommand(argv: readonly string[]): CommandLine | null {
  const [verb, ...words] = argv
  const spec = COMMANDS.find(({ name, positionals }) => name === verb && positionals === '')
  // A dash alone and what is behind two dashes mean something of their own.
  if (spec === undefined || words.includes('--') || words.includes('-')) return null
  const known = { ...GLOBAL_OPTIONS, ...spec.options }
  const args = readOptions(words, known)
  return args === null || hasConflict(args, known)
    ? null
    : { kind: 'command', spec, args, options: globalOptions(args) }
}

function readOptions(words: readonly string[], known: Readonly<Record<string, Option>>): Arguments | null {
  const options: NonNullable<ParseArgsConfig['options']> = {}
  for (const [name, { type, array, alias }] of Object.entries(known)) {
    if (name === 'version') continue
    options[name] = {
      type: type === 'boolean' ? 'boolean' : 'string',
      multiple: array === true,
      ...(alias !== undefined ? { short: alias } : {}),
    }
  }
  options['no-color'] = { type: 'boolean' }
  try {
    const { values } = parseArgs({ args: [...words], options, strict: true, allowPositionals: false })
    const { 'no-color': isPlain, ...given } = values
    return { ...given, ...(isPlain === true ? { color: false } : {}) }
  } catch {
    return null
  }
}

/** Options that exclude or need each other; the parser says what is wrong with them. */
function hasConflict(args: Arguments, known: Readonly<Record<string, Option>>): boolean {
  return Object.keys(args).some((name) => {
    const { conflicts, implies } = known[name] ?? {}
    return (
      (conflicts !== undefined && args[conflicts] !== undefined) ||
      (implies !== undefined && args[implies] === undefined)
    )
  })
}
