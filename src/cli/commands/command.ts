import { nearestName } from '../../config/names.ts'
import type { Shard } from '../../config/shard.ts'
import { MigrationManagerError } from '../../core/errors.ts'
import { ALLOWABLE } from '../../core/finding.ts'
import type { GlobalOptions } from '../options.ts'
import type { Page } from '../output/page.ts'
import type { Json } from '../output/json.ts'
import type { Summary } from '../../reporters/github.ts'
import type { Run } from '../wire.ts'

/** What a command line comes to: the same facts as JSON and as text. */
export interface CommandResult {
  readonly exitCode: number
  readonly json: () => Json
  readonly text: (page: Page) => string
  /** For those who show it elsewhere; absent where a command finds nothing that could be wrong. */
  readonly summary?: Summary
}

/** The options of a command's own, as parsed. */
export type Arguments = Readonly<Record<string, unknown>>

/** One option of the command line, under its name without the dashes. */
export interface Option {
  readonly type: 'string' | 'boolean'
  readonly describe: string
  /** May be given several times. */
  readonly array?: boolean
  /** Nothing behind it is a mistake, not an empty text. */
  readonly requiresArg?: boolean
  /** One letter, for one dash. */
  readonly alias?: string
  /** The option that cannot stand beside it. */
  readonly conflicts?: string
  /** The option that it needs beside it. */
  readonly implies?: string
  readonly default?: boolean
}

/** A verb as the parser and the help need it; its module is loaded when it is chosen. */
export interface CommandSpec {
  readonly name: string
  /** What stands behind the name in the usage line, as yargs writes positionals. */
  readonly positionals: string
  /** The options that it cannot do without, as the usage line shows them. */
  readonly needs?: string
  readonly describe: string
  readonly options: Readonly<Record<string, Option>>
  readonly load: () => Promise<{ readonly run: RunCommand }>
}

/** One verb of the command line; its module exports it as `run`. */
export type RunCommand = (run: Run, args: Arguments) => Promise<CommandResult>

/** What a command line asks for. */
export type CommandLine =
  | { readonly kind: 'help'; readonly text: string }
  | {
      readonly kind: 'command'
      readonly spec: CommandSpec
      readonly args: Arguments
      readonly options: GlobalOptions
    }

/** The options of all commands, out of what was parsed. */
export function globalOptions(args: Arguments): GlobalOptions {
  return {
    env: Array.isArray(args['env']) ? args['env'].map(String) : undefined,
    shard: shardArgument(args),
    dir: textArgument(args, 'dir'),
    envFile: textArgument(args, 'env-file'),
    config: textArgument(args, 'config'),
    concurrency: countArgument(args, 'concurrency', { from: 1, to: 1000 }),
    json: args['json'] === true,
    yes: args['yes'] === true,
    verbose: args['verbose'] === true,
    quiet: args['quiet'] === true,
    color: args['color'] !== false,
  }
}

/** An option's text; of one that is given several times, the last. */
export function textArgument(args: Arguments, name: string): string | undefined {
  const given = args[name]
  const value: unknown = Array.isArray(given) ? given.at(-1) : given
  return typeof value === 'string' ? value : undefined
}

function listArgument(args: Arguments, name: string): readonly string[] {
  const value = args[name]
  return Array.isArray(value)
    ? value
        .flatMap((item) => String(item).split(','))
        .map((item) => item.trim())
        .filter((item) => item !== '')
    : []
}

/** The bounds of an option that is a whole number. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** An option that is a whole number; undefined when it was not given. Throws `usage/bad-arguments`. */
export function countArgument(args: Arguments, name: string, { from, to }: Range): number | undefined {
  const value = textArgument(args, name)
  if (value === undefined) return undefined
  if (/^\d{1,6}$/.test(value) && Number(value) >= from && Number(value) <= to) return Number(value)
  throw new MigrationManagerError('usage/bad-arguments', `--${name} ${value} is not a number from ${from} to ${to}.`, {
    hint: `Give a whole number: --${name} 10`,
  })
}

/** `--shard`, as `3/10`, of at most 1000 parts; undefined when it was not given. Throws `usage/bad-arguments`. */
function shardArgument(args: Arguments): Shard | undefined {
  const value = textArgument(args, 'shard')
  if (value === undefined) return undefined
  const [part = 0, parts = 0] = /^\d{1,4}\/\d{1,4}$/.test(value) ? value.split('/').map(Number) : []
  if (part >= 1 && part <= parts && parts <= 1000) return { part, parts }
  throw new MigrationManagerError('usage/bad-arguments', `--shard ${value} is not one of at most 1000 parts.`, {
    hint: 'Give the part and how many there are: --shard 1/10 to --shard 10/10, each in a run of its own.',
  })
}

/** The codes of `--allow`. Throws `usage/unknown-code` for one that nothing could find. */
export function allowArgument(args: Arguments): readonly string[] {
  const codes = listArgument(args, 'allow')
  const unknown = codes.find((code) => !ALLOWABLE.some((known) => known === code))
  if (unknown === undefined) return codes
  const nearest = nearestName(unknown, ALLOWABLE)
  throw new MigrationManagerError(
    'usage/unknown-code',
    `--allow ${unknown}: no finding that can be accepted has this code.`,
    {
      hint: nearest === undefined ? `There are ${ALLOWABLE.join(', ')}.` : `Did you mean ${nearest}?`,
    },
  )
}

/** An option in seconds, as milliseconds; undefined when it was not given. Throws `usage/bad-arguments`. */
export function secondsArgument(args: Arguments, name: string): number | undefined {
  const value = textArgument(args, name)
  if (value === undefined) return undefined
  const seconds = Number(value)
  if (/^\d+(\.\d+)?$/.test(value) && seconds <= 86_400) return seconds * 1000
  throw new MigrationManagerError('usage/bad-arguments', `--${name} ${value} is not a number of seconds.`, {
    hint: `Give seconds, at most a day: --${name} 60`,
  })
}
