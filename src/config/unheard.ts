import type { Problem } from '../core/errors.ts'
import { isConnectionVariable } from './connection.ts'
import { foldName, isEnvironmentName, isLetterOff, isSlipOf, urlVariableOf } from './names.ts'
import { type Variables, valueOf } from './variables.ts'

/** What is read besides the variables of single environments. */
export const OUR_VARIABLES = [
  'MIGRATION_ENVIRONMENTS',
  'MIGRATION_PROTECTED',
  'MIGRATIONS_DIR',
  'MIGRATION_SCHEMA',
] as const

/** What else is known of a run when its variables are looked through. */
export interface Heard {
  /** The schemes of connection strings. */
  readonly schemes: readonly string[]
  /** The environments that have a connection string. */
  readonly connected: ReadonlySet<string>
  /** Those that take part, and no others; empty where that was not said. */
  readonly listed: ReadonlySet<string>
  /** Those that an empty variable leaves out. */
  readonly empty: ReadonlySet<string>
  /** Those of our variables that something else decides: an option, the configuration file. */
  readonly settled: ReadonlySet<string>
}

/**
 * Variables that look like ours and are not, which would change what a run does without a word: a connection string that
 * is not read, a setting that does not count. Only what is hardly anything else is told, since other programs have
 * variables, too.
 */
export function unheardVariables(variables: Variables, heard: Heard): readonly Problem[] {
  return [...variables].flatMap(([variable, { origin, value }]): readonly Problem[] => {
    if (value.trim() === '' || isConnectionVariable(variable)) return []
    const problem =
      explainConnection(variable, origin, value, heard) ??
      explainSetting(variable, origin, variables, heard) ??
      explainFolder(variable, origin, variables, heard)
    return problem === null ? [] : [{ code: 'config/unknown-variable', ...problem }]
  })
}

type Explanation = Pick<Problem, 'message' | 'hint'>

/** As others name the file with a connection string; ours is `…DATABASE_URLS_FILE`. */
const NEARLY_OURS = /^(?:(?<name>[A-Za-z0-9][\w-]{0,62})_)?DATABASE_(?:URL_FILES?|URLS_FILES)$/u

const OF_OTHERS = "If it is another program's, list in MIGRATION_ENVIRONMENTS the environments that take part."

function explainConnection(variable: string, origin: string, value: string, heard: Heard): Explanation | null {
  const groups = NEARLY_OURS.exec(variable)?.groups
  const slip = groups === undefined ? readSlip(variable) : null
  if (groups === undefined && (slip === null || !holdsScheme(value, heard.schemes))) return null
  const name = slip?.environment ?? foldName(groups?.['name'] ?? 'dev')
  if (heard.connected.has(name) || (heard.listed.size > 0 && !heard.listed.has(name))) return null
  const ours = slip?.meant ?? variable.replace(/DATABASE_URL\w*$/u, 'DATABASE_URL')
  return {
    message: `${origin} is not read, and ${name} would be left out.`,
    hint:
      slip === null
        ? `One connection string is written into ${ours}; a file of them, one a line, is named by ${ours}S_FILE. ${OF_OTHERS}`
        : `Did you mean ${ours}? ${OF_OTHERS}`,
  }
}

/**
 * What was meant by a name that ends nearly as ours do: `PROD_DATABSE_URL`. Null for the names of others: `…_DATABASE_URI`
 * is what SQLAlchemy reads, `APP__DATABASE__URL` a nested setting; `DATABASE_URL_UNPOOLED` and `DATABASE_URL2` are
 * second ones.
 */
function readSlip(variable: string): { readonly environment: string; readonly meant: string } | null {
  const words = variable.replaceAll('-', '_').split('_')
  if (/__|(?:^|_)DATABASE_URLS?_|_URIS?$|\d$/u.test(variable)) return null
  const known = variable.endsWith('S') ? 'DATABASE_URLS' : 'DATABASE_URL'
  // An underscore may be missing.
  for (const count of [2, 1]) {
    const end = words.slice(-count).join('_')
    const before = words.slice(0, -count).join('_')
    const environment = before === '' ? 'dev' : foldName(before)
    if (words.length < count || !isEnvironmentName(environment)) continue
    if (end === known || isSlipOf(end, known)) {
      return { environment, meant: urlVariableOf(environment).replace(/DATABASE_URL$/u, known) }
    }
  }
  return null
}

function holdsScheme(value: string, schemes: readonly string[]): boolean {
  return new RegExp(String.raw`(?:^|[\s,;="'])(?:${schemes.join('|')}):`, 'iu').test(value)
}

function explainSetting(
  variable: string,
  origin: string,
  variables: Variables,
  { settled }: Heard,
): Explanation | null {
  const meant = OUR_VARIABLES.find((known) => isSlipOf(variable, known))
  return meant === undefined || settled.has(meant) ? null : explainSlip(variable, origin, meant, variables)
}

/** Who has set the right one, too, knows that the other one is somebody else's. */
function explainSlip(variable: string, origin: string, meant: string, variables: Variables): Explanation | null {
  if (valueOf(variables, meant) !== undefined) return null
  return {
    message: `${origin} is not read.`,
    hint: `Did you mean ${meant}? If ${variable} is another program's, set ${meant} as well.`,
  }
}

/** A folder of its own for an environment that is called otherwise, or in a variable that is. */
function explainFolder(
  variable: string,
  origin: string,
  variables: Variables,
  { connected, listed, empty }: Heard,
): Explanation | null {
  const groups = /^(?<name>[A-Za-z0-9][\w-]*)_(?<end>[A-Z]+_[A-Z]+)$/u.exec(variable)?.groups
  const name = foldName(groups?.['name'] ?? '')
  const end = groups?.['end'] ?? ''
  const names = new Set([...connected, ...listed])
  if (isSlipOf(end, 'MIGRATIONS_DIR')) {
    return names.has(name) ? explainSlip(variable, origin, `${name.toUpperCase()}_MIGRATIONS_DIR`, variables) : null
  }
  if (end !== 'MIGRATIONS_DIR' || names.has(name) || empty.has(name)) return null
  // EU1 is not EU2, nor is TEST REST: such an environment may take part in other runs only.
  const nearest = [...names].find((each) => each.length >= 4 && isLetterOff(name, each))
  return nearest === undefined
    ? null
    : explainSlip(variable, origin, `${nearest.toUpperCase()}_MIGRATIONS_DIR`, variables)
}
