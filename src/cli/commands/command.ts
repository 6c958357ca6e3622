import type { Page } from '../output/page.ts'
import type { Json } from '../output/json.ts'
import type { Run } from '../wire.ts'

/** What a command line comes to: the same facts as JSON and as text. */
export interface CommandResult {
  readonly exitCode: number
  readonly json: Json
  readonly text: (page: Page) => string
}

/** The options of a command's own, as parsed. */
export type Arguments = Readonly<Record<string, unknown>>

/** One verb of the command line; its module exports it as `run`. */
export type RunCommand = (run: Run, args: Arguments) => Promise<CommandResult>

export function textArgument(args: Arguments, name: string): string | undefined {
  const value = args[name]
  return typeof value === 'string' ? value : undefined
}

export function listArgument(args: Arguments, name: string): readonly string[] {
  const value = args[name]
  return Array.isArray(value)
    ? value
        .flatMap((item) => String(item).split(','))
        .map((item) => item.trim())
        .filter((item) => item !== '')
    : []
}
