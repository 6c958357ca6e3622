import type { ErrorCode } from '../../core/errors.ts'
import { sanitize } from './sanitizer.ts'

/** What may be told of an error that nobody foresaw. Not redacted yet: that is the writer's part. */
export interface UnexpectedError {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
  /** The frames of the stack, one a line, without the message. Only with `isVerbose`. */
  readonly stack?: string
}

/** V8 quotes the text that is no JSON, and cut short it may be a part of a secret that the redactor cannot know. */
const QUOTED_INPUT = /,? *(?:\.\.\.)?"[^]*"(?:\.\.\.)? is not valid JSON$/u

/**
 * Describes whatever was thrown. Takes the message, the error's class and its system code, and the stack if asked;
 * never another property, since `input`, `cause`, `query`, `parameters`, `args` of foreign errors hold connection
 * strings and row data. Never throws, whatever the thrown thing's getters do.
 */
export function describeUnexpected(cause: unknown, isVerbose = false): UnexpectedError {
  const missing = missingPackageOf(cause)
  if (missing !== null) {
    return {
      code: 'install/missing-package',
      message: `The npm package ${missing} is not installed. migration-manager does not work without it.`,
      hint: 'Run npm install in your project. If migration-manager is linked from a checkout of its repository (file:…), run npm ci there.',
    }
  }
  const stack = isVerbose ? framesOf(cause) : ''
  return {
    code: 'internal/unexpected',
    message: messageOf(cause),
    hint: isVerbose
      ? 'This is a defect of migration-manager. Please report it with the stack above. Running the command again is safe.'
      : 'This is a defect of migration-manager. Run the command again with --verbose, and please report what it prints.',
    ...(stack === '' ? {} : { stack }),
  }
}

/**
 * The package that Node did not find, or null where something else is wrong; a path that is missing is a defect. The
 * messages are Node's, `Cannot find package '…' imported from …` and `Cannot find module '…'`.
 */
function missingPackageOf(cause: unknown): string | null {
  if (!/^(?:ERR_)?MODULE_NOT_FOUND$/u.test(readText(cause, 'code'))) return null
  const name = /^Cannot find (?:package|module) '(?<name>(?:@[\w.-]+\/)?[\w-][\w.-]*)(?:\/[^']*)?'/u
  return name.exec(readText(cause, 'message'))?.groups?.['name'] ?? null
}

function messageOf(cause: unknown): string {
  if (typeof cause === 'string') return sanitize(cause, { multiline: true })
  const name = readText(cause, 'name')
  const message = readText(cause, 'message').replace(QUOTED_INPUT, ' in a text that is not valid JSON')
  const code = readText(cause, 'code')
  const known = [name, /^[A-Z][A-Z0-9_]*$/u.test(code) ? code : '', message].filter((part) => part !== '')
  return known.length === 0 ? 'Something that is no error was thrown.' : sanitize(known.join(': '), { multiline: true })
}

function framesOf(cause: unknown): string {
  const frames = readText(cause, 'stack')
    .split('\n')
    .filter((line) => /^\s+at /u.test(line))
  return sanitize(frames.join('\n'), { multiline: true })
}

function readText(cause: unknown, key: 'name' | 'message' | 'code' | 'stack'): string {
  try {
    if (!(cause instanceof Error)) return ''
    const value: unknown = Reflect.get(cause, key)
    return typeof value === 'string' ? value : ''
  } catch {
    return ''
  }
}
