import { nearestName } from '../config/names.ts'
import { MigrationManagerError } from '../core/errors.ts'
import type { Option } from './commands/command.ts'
import { COMMANDS, GLOBAL_OPTIONS } from './commands/index.ts'

/** What to say to whoever is lost. */
export const HELP = 'Run migration-manager --help, or --help behind a command.'

const SWITCH: Option = { type: 'boolean', describe: '' }

/** Every option of every command, by name. */
const OPTIONS: ReadonlyMap<string, Option> = new Map([
  ...COMMANDS.flatMap(({ options }) => Object.entries(options)),
  ...Object.entries(GLOBAL_OPTIONS),
  ['help', { ...SWITCH, alias: 'h' }],
  ['no-color', SWITCH],
])

/** Heard before the line is parsed, by the word alone. */
const AT_ONCE: ReadonlySet<string> = new Set([
  'json',
  'quiet',
  'verbose',
  'color',
  'no-color',
  'all',
  'help',
  'version',
])

const LETTERS: ReadonlySet<string> = new Set([...OPTIONS.values()].map(({ alias }) => alias ?? '').filter(Boolean))

/**
 * Refuses what the parser would pass over without a word, or take for something else: a switch that is not heard may be
 * the one that keeps a run from writing. Throws `usage/…` with the way out.
 */
export function checkArgv(argv: readonly string[]): void {
  let awaiting: string | null = null
  for (const [index, word] of argv.entries()) {
    const option = awaiting
    awaiting = null
    if (option !== null) checkValue(option, word)
    else if (word === '--') return refuseBehindDashes(argv[index + 1])
    else if (/^--.*[^-]/u.test(word)) awaiting = checkLong(word)
    else if (/^-[a-z]/iu.test(word)) checkShort(word)
  }
}

function refuseBehindDashes(first: string | undefined): void {
  if (first === undefined) return
  throw new MigrationManagerError('usage/bad-arguments', `What stands behind -- would not be heard: ${first}.`, {
    hint: 'Leave the -- out. Some package managers pass it on: put the options into the script itself.',
  })
}

/** A negative number, or a dash alone, is a value as well. */
function checkValue(option: string, word: string): void {
  if (!/^-[^\d]/u.test(word)) return
  throw new MigrationManagerError('usage/bad-arguments', `--${option} needs a value.`, {
    hint: `One that begins with a dash is written --${option}=…`,
  })
}

/** Returns the option's name when the next word is its value. */
function checkLong(word: string): string | null {
  const [name = '', ...rest] = word.slice(2).split('=')
  const value = rest.length === 0 ? null : rest.join('=')
  const option = OPTIONS.get(name)
  if (option === undefined) throw unknownOption(`--${name}`, name)
  if (option.type !== 'boolean') return value === null ? name : null
  const isHeard = value === 'true' || value === 'false'
  if (value === null || (isHeard && !AT_ONCE.has(name))) return null
  throw new MigrationManagerError(
    'usage/bad-arguments',
    isHeard ? `--${name} takes no value.` : `--${name}=${value} is neither true nor false.`,
    {
      hint: `Write --${name} alone, or leave it out.`,
    },
  )
}

function checkShort(word: string): void {
  const letters = word.slice(1)
  if ([...letters].every((letter) => LETTERS.has(letter))) return
  throw unknownOption(word, letters.split('=')[0] ?? '')
}

/** `shown` is what was written, with its dashes, `name` the option that it might mean. */
export function unknownOption(shown: string, name: string): MigrationManagerError {
  const nearest = OPTIONS.has(name) ? name : nearestName(name, OPTIONS.keys())
  return new MigrationManagerError('usage/unknown-option', `There is no option ${shown}.`, {
    hint: nearest === undefined ? HELP : `Did you mean --${nearest}?`,
  })
}
