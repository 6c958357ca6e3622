import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { ProblemsError } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import { parseConfigFile } from './config-file.ts'
import { type ConnectionVariable, type FindUrlParser, connectionVariables } from './connection.ts'
import { isPath } from './database-list.ts'
import type { ListFile } from './databases.ts'
import { parseEnvFile } from './env-file.ts'
import { folderForNew } from './new-folder.ts'
import { type Configuration, DEFAULT_FOLDER, type Sources, resolveConfiguration, sharedFolder } from './resolution.ts'
import { secretsOf, secretsOfLists } from './secrets.ts'
import type { Shard } from './shard.ts'
import { type Variables, mergeVariables } from './variables.ts'

const DEFAULT_ENV_FILE = '.env'
const DEFAULT_CONFIG_FILE = 'migration-manager.config.json'

export interface ConfigurationInput {
  /** The variables of the process. They win over the `.env` file. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The working directory, absolute. */
  readonly cwd: string
  /** `--env-file`; without it `.env`, which may be missing. */
  readonly envFile?: string | undefined
  /** `--config`; without it `migration-manager.config.json`, which may be missing. */
  readonly configFile?: string | undefined
  /** `--dir` */
  readonly dir?: string | undefined
  /** `--env` */
  readonly only?: readonly string[] | undefined
  /** `--shard`: of the databases of an environment of many only those that fall to it. */
  readonly shard?: Shard | undefined
  /** For commands that connect to nothing: an environment without a connection string is no problem of theirs. */
  readonly isOffline?: boolean | undefined
  /** Who reads the connection strings of a scheme. */
  readonly parseUrl: FindUrlParser
  /** The schemes that `parseUrl` knows, for messages: `postgres`, `embedded`, …. */
  readonly schemes: readonly string[]
  /** Called as soon as the secrets are known, before anything can be said about them. */
  readonly onSecrets?: ((secrets: readonly Secret[]) => void) | undefined
}

/** Reads the files and decides the configuration. Throws a `ProblemsError` with everything that is wrong. */
export async function loadConfiguration(input: ConfigurationInput): Promise<Configuration> {
  return resolveConfiguration(readSources(input))
}

/** The folder of migration files, for commands that need no environment. Throws a `ProblemsError` as well. */
export async function loadFolder(input: ConfigurationInput): Promise<string> {
  const sources = readSources(input)
  const problems = [...sources.problems]
  const folder = sharedFolder(sources, problems)
  const [first, ...others] = problems
  if (first !== undefined) throw new ProblemsError([first, ...others])
  return folder
}

/** The folder that a new migration file belongs into. Throws a `ProblemsError` for bad files, or a choice to be made. */
export async function loadNewFolder(input: ConfigurationInput): Promise<string> {
  return folderForNew(readSources(input))
}

function readSources(input: ConfigurationInput): Sources {
  const envText = readText(input.cwd, input.envFile, DEFAULT_ENV_FILE, '--env-file')
  const configText = readText(input.cwd, input.configFile, DEFAULT_CONFIG_FILE, '--config')
  const envFile = parseEnvFile(envText.text ?? '')
  const variables = mergeVariables(input.env, envFile, envText.file)
  const listFiles = readListFiles(variables, input.cwd)
  const lists = [...listFiles.values()].flatMap(({ text }) => (text === null ? [] : [text]))
  input.onSecrets?.([
    ...secretsOf(input.env, envFile.values, envFile.uncut),
    ...secretsOfLists([...listValues(variables), ...lists], input.schemes),
  ])
  const { config, problems } =
    configText.text === null
      ? { config: { limits: {} }, problems: [] }
      : parseConfigFile(configText.text, configText.file)
  return {
    variables,
    listFiles,
    config,
    envFile: envText.text === null ? null : envText.file,
    configFile: configText.text === null ? null : configText.file,
    projectDir: input.cwd,
    // Who has one here is in the right place.
    projectAbove: envText.text === null && configText.text === null ? findProjectAbove(input.cwd) : null,
    dir: input.dir,
    only: input.only,
    shard: input.shard,
    isOffline: input.isOffline,
    findParser: input.parseUrl,
    schemes: input.schemes,
    problems: [...envText.problems, ...configText.problems, ...problems],
  }
}

/** The folder above the working directory, and what tells that it is the project; null where nothing does. */
function findProjectAbove(cwd: string): Sources['projectAbove'] {
  const dir = dirname(cwd)
  const holds = [DEFAULT_ENV_FILE, DEFAULT_CONFIG_FILE].find((file) => isFile(resolve(dir, file)))
  if (holds !== undefined) return { dir, holds }
  return holdsMigrations(resolve(dir, DEFAULT_FOLDER)) ? { dir, holds: `${DEFAULT_FOLDER}/` } : null
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

function holdsMigrations(dir: string): boolean {
  try {
    return readdirSync(dir).some((name) => /^\d.*\.sql$/iu.test(name))
  } catch {
    return false
  }
}

/** The files that variables name, by variable. What is wrong with one matters only if its environment takes part. */
function readListFiles(variables: Variables, cwd: string): ReadonlyMap<string, ListFile> {
  const files = [...connectionVariables(variables).values()].flat().filter(({ kind }) => kind === 'file')
  return new Map(files.map((content) => [content.variable, readListFile(content, cwd)]))
}

function readListFile({ variable, value, origin }: ConnectionVariable, cwd: string): ListFile {
  const file = value.trim()
  if (!isPath(file)) {
    const message = `${origin} is not the path of a file.`
    const hint = `Write the connection strings themselves into ${variable.replace(/_FILE$/u, '')}. Before a path that holds an @, write ./`
    return { file: '', text: null, problems: [{ code: 'config/bad-value', message, hint }] }
  }
  return readText(cwd, file, file, variable, true)
}

/** The values of the variables that hold lists. */
function listValues(variables: Variables): readonly string[] {
  return [...connectionVariables(variables).values()]
    .flat()
    .filter(({ kind }) => kind === 'list')
    .flatMap(({ value, uncut }) => (uncut === undefined ? [value] : [value, uncut]))
}

function readText(
  cwd: string,
  given: string | undefined,
  byDefault: string,
  option: string,
  isVariable = false,
): ListFile {
  const file = given ?? byDefault
  const called = isVariable ? `${file} (${option})` : file
  const unreadable = (message: string, hint: string): ListFile => ({
    file,
    text: null,
    problems: [{ code: 'config/unreadable-file', message, hint }],
  })
  if (given?.trim() === '')
    return unreadable(`${option} was given without a file.`, `Name a file, or leave ${option} out.`)
  let bytes: Buffer
  try {
    bytes = readFileSync(resolve(cwd, file))
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    // A folder named .env is a habit of Python projects.
    if (given === undefined && (reason === 'ENOENT' || reason === 'EISDIR')) return { file, text: null, problems: [] }
    if (reason === 'ENOENT')
      return unreadable(
        `${called} does not exist.`,
        `Check the path ${isVariable ? 'in' : 'behind'} ${option}; it starts at the working directory.`,
      )
    return unreadable(`${called} cannot be read (${reason}).`, 'Check that it is a file and that you may read it.')
  }
  try {
    return { file, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), problems: [] }
  } catch {
    return unreadable(
      `${called} is not UTF-8 text.`,
      'Save it as UTF-8; PowerShell writes UTF-16 when it redirects with >.',
    )
  }
}
