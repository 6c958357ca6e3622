import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Problem, ProblemsError } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import { parseConfigFile } from './config-file.ts'
import type { FindUrlParser } from './connection.ts'
import { parseEnvFile } from './env-file.ts'
import { type Configuration, type Sources, resolveConfiguration, sharedFolder } from './resolution.ts'
import { secretsOf } from './secrets.ts'
import { mergeVariables } from './variables.ts'

export const DEFAULT_ENV_FILE = '.env'
export const DEFAULT_CONFIG_FILE = 'migration-manager.config.json'

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

/** The folder of migration files, for commands that need no environment. Throws a `ProblemsError` for bad files. */
export async function loadFolder(input: ConfigurationInput): Promise<string> {
  const sources = readSources(input)
  const [first, ...others] = sources.problems
  if (first !== undefined) throw new ProblemsError([first, ...others])
  return sharedFolder(sources)
}

function readSources(input: ConfigurationInput): Sources {
  const envText = readText(input.cwd, input.envFile, DEFAULT_ENV_FILE, '--env-file')
  const configText = readText(input.cwd, input.configFile, DEFAULT_CONFIG_FILE, '--config')
  const envFile = parseEnvFile(envText.text ?? '')
  input.onSecrets?.(secretsOf(input.env, envFile.values, envFile.uncut))
  const { config, problems } =
    configText.text === null
      ? { config: { limits: {} }, problems: [] }
      : parseConfigFile(configText.text, configText.file)
  return {
    variables: mergeVariables(input.env, envFile, envText.file),
    config,
    envFile: envText.text === null ? null : envText.file,
    configFile: configText.text === null ? null : configText.file,
    projectDir: input.cwd,
    dir: input.dir,
    only: input.only,
    findParser: input.parseUrl,
    schemes: input.schemes,
    problems: [...envText.problems, ...configText.problems, ...problems],
  }
}

interface ReadText {
  /** As given. */
  readonly file: string
  /** Null when there is none, or when it cannot be read. */
  readonly text: string | null
  readonly problems: readonly Problem[]
}

function readText(cwd: string, given: string | undefined, byDefault: string, option: string): ReadText {
  const file = given ?? byDefault
  const unreadable = (message: string, hint: string): ReadText => ({
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
    if (reason === 'ENOENT') return unreadable(`${file} does not exist.`, `Check the path behind ${option}.`)
    return unreadable(`${file} cannot be read (${reason}).`, 'Check that it is a file and that you may read it.')
  }
  try {
    return { file, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), problems: [] }
  } catch {
    return unreadable(
      `${file} is not UTF-8 text.`,
      'Save it as UTF-8; PowerShell writes UTF-16 when it redirects with >.',
    )
  }
}
