import type { Problem } from '../core/errors.ts'
import type { Limits } from '../core/policy.ts'
import { findJsonFault } from './json-fault.ts'
import { nearestName } from './names.ts'

/** What `migration-manager.config.json` says; undefined where it says nothing. It is data and holds no secrets. */
export interface ConfigFile {
  /** The names of those that take part, in promotion order. */
  readonly environments?: readonly string[] | undefined
  readonly migrationsDir?: string | undefined
  /** The names of those that need a confirmation; an empty list means none. */
  readonly protected?: readonly string[] | undefined
  /** The schema of the history table. */
  readonly schema?: string | undefined
  /** Does nothing yet; it is known so that a file that has it is not refused. */
  readonly supabase?: boolean | undefined
  /** How many databases of one server are connected to at once. */
  readonly concurrency?: number | undefined
  readonly limits: Partial<Limits>
}

const KEYS = ['environments', 'migrationsDir', 'protected', 'schema', 'supabase', 'concurrency', 'timeouts'] as const

/** The keys of `timeouts`, which limit each sets, and whether 0 (do not wait at all) makes sense. */
const TIMEOUTS: ReadonlyMap<string, { readonly limit: keyof Limits; readonly least: number }> = new Map<
  string,
  { readonly limit: keyof Limits; readonly least: number }
>([
  ['connectSeconds', { limit: 'connectMs', least: 1 }],
  ['lockSeconds', { limit: 'lockTimeoutMs', least: 1 }],
  ['statementSeconds', { limit: 'statementTimeoutMs', least: 1 }],
  ['lockWaitSeconds', { limit: 'lockWaitMs', least: 0 }],
  ['recoverWaitSeconds', { limit: 'recoverWaitMs', least: 0 }],
  ['silenceSeconds', { limit: 'silenceMs', least: 1 }],
])

/** PostgreSQL keeps time-outs, and Node its timers, in a signed 32-bit number of milliseconds. */
const MOST_MS = 2 ** 31 - 1

/** Reads the text of the configuration file called `file`. All that is wrong comes back together; values are not repeated. */
export function parseConfigFile(
  text: string,
  file: string,
): { readonly config: ConfigFile; readonly problems: readonly Problem[] } {
  const parsed = parseJson(text.replace(/^\uFEFF/u, ''), file)
  if ('problem' in parsed) return { config: { limits: {} }, problems: [parsed.problem] }
  const { value } = parsed
  if (!isObject(value)) return { config: { limits: {} }, problems: [wrongValue(file, 'an object: { … }')] }
  const problems = Object.keys(value)
    .filter((key) => !KEYS.some((known) => known === key))
    .map((key) => unknownKey(file, key, '', KEYS))
  const take = <T>(key: (typeof KEYS)[number], is: (item: unknown) => item is T, wanted: string): T | undefined => {
    const item = value[key]
    if (is(item)) return item
    if (Object.hasOwn(value, key)) problems.push(wrongValue(file, wanted, key))
    return undefined
  }
  const timeouts = readTimeouts(take('timeouts', isObject, 'an object: { … }') ?? {}, file)
  const config: ConfigFile = {
    environments: take('environments', isTexts, 'a list of names'),
    migrationsDir: take('migrationsDir', isText, 'the path of a folder'),
    protected: take('protected', isTexts, 'a list of names'),
    schema: take('schema', isText, 'the name of a schema'),
    supabase: take('supabase', isBoolean, 'true or false'),
    concurrency: take('concurrency', isConcurrency, 'a whole number from 1 to 1000'),
    limits: timeouts.limits,
  }
  return { config, problems: [...problems, ...timeouts.problems] }
}

function readTimeouts(
  value: Readonly<Record<string, unknown>>,
  file: string,
): { readonly limits: Partial<Limits>; readonly problems: readonly Problem[] } {
  const limits: { -readonly [Key in keyof Limits]?: Limits[Key] } = {}
  const problems: Problem[] = []
  for (const [key, seconds] of Object.entries(value)) {
    const timeout = TIMEOUTS.get(key)
    const ms = typeof seconds === 'number' ? Math.round(seconds * 1000) : Number.NaN
    if (timeout === undefined) {
      problems.push(unknownKey(file, key, 'timeouts.', [...TIMEOUTS.keys()]))
    } else if (ms >= timeout.least && ms <= MOST_MS) {
      limits[timeout.limit] = ms
    } else {
      const least = timeout.least === 0 ? '0 or more' : 'more than 0'
      problems.push(wrongValue(file, `a number of seconds, ${least}, at most ${MOST_MS / 1000}`, `timeouts.${key}`))
    }
  }
  return { limits, problems }
}

function parseJson(text: string, file: string): { readonly value: unknown } | { readonly problem: Problem } {
  try {
    return { value: JSON.parse(text) }
  } catch {
    const fault = findJsonFault(text)
    const message =
      fault === undefined
        ? `${file} is not valid JSON.`
        : `${file}:${fault.line}:${fault.column} is not valid JSON: expected ${fault.expected}.`
    const hint = 'JSON has no comments and no comma behind the last item; keys and texts stand in double quotes.'
    return { problem: { code: 'config/bad-json', message, hint } }
  }
}

function unknownKey(file: string, key: string, prefix: string, known: readonly string[]): Problem {
  const nearest = nearestName(key, known)
  const list = `It knows ${known.map((name) => prefix + name).join(', ')}.`
  const secret = /url|password|secret|token/iu.test(key)
    ? ' Connection strings and other secrets belong in environment variables.'
    : ''
  return {
    code: 'config/unknown-key',
    // A key of another form could be anything, a pasted connection string too.
    message: `${file} has an unknown key${/^[\w.$-]{1,60}$/u.test(key) ? ` "${prefix}${key}"` : ''}.`,
    hint: nearest === undefined ? list + secret : `Did you mean "${prefix}${nearest}"? ${list}${secret}`,
  }
}

function wrongValue(file: string, wanted: string, key?: string): Problem {
  return {
    code: 'config/bad-value',
    message: `${key === undefined ? file : `"${key}" in ${file}`} is not ${wanted}.`,
    hint: `Write ${wanted}.`,
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText)
}

function isConcurrency(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 1000
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean'
}
