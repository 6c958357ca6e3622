import { parseConfigFile } from '../../../src/config/config-file.ts'
import { parseEnvFile } from '../../../src/config/env-file.ts'
import type { ListFile } from '../../../src/config/databases.ts'
import { type Configuration, type Sources, resolveConfiguration } from '../../../src/config/resolution.ts'
import type { Shard } from '../../../src/config/shard.ts'
import { mergeVariables } from '../../../src/config/variables.ts'
import { type Problem, ProblemsError } from '../../../src/core/errors.ts'
import { D1_SCHEMES, parseD1Url } from '../../../src/drivers/d1/url.ts'
import { POSTGRES_SCHEMES, parsePostgresUrl } from '../../../src/drivers/postgres/url.ts'

export const SCHEMES: readonly string[] = [...POSTGRES_SCHEMES, ...D1_SCHEMES]

export interface Given {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly envFile?: string
  /** The text of the configuration file. */
  readonly config?: string
  /** What went wrong before. */
  readonly unreadable?: Problem
  readonly dir?: string
  /** The files that variables name, by variable; a problem for one that cannot be read. */
  readonly files?: Readonly<Record<string, string | Problem>>
  readonly only?: readonly string[]
  readonly shard?: Shard
  readonly isOffline?: boolean
  readonly above?: Sources['projectAbove']
}

/** The configuration of these variables and files, with the engines that there are. */
export function resolve(given: Given): Configuration {
  return resolveConfiguration(sourcesOf(given))
}

export function sourcesOf(given: Given): Sources {
  const { env = {}, envFile, config, unreadable, dir, files = {}, only, shard, isOffline, above } = given
  const configFile = 'migration-manager.config.json'
  const parsed = config === undefined ? { config: { limits: {} }, problems: [] } : parseConfigFile(config, configFile)
  const listFiles = new Map<string, ListFile>()
  for (const [variable, content] of Object.entries(files)) {
    const isText = typeof content === 'string'
    const file = env[variable] ?? ''
    listFiles.set(variable, { file, text: isText ? content : null, problems: isText ? [] : [content] })
  }
  return {
    variables: mergeVariables(env, parseEnvFile(envFile ?? ''), '.env'),
    config: parsed.config,
    problems: [...(unreadable === undefined ? [] : [unreadable]), ...parsed.problems],
    envFile: envFile === undefined ? null : '.env',
    configFile: config === undefined ? null : configFile,
    projectDir: '/project',
    projectAbove: above ?? null,
    listFiles,
    only,
    dir,
    shard,
    isOffline,
    findParser: (scheme) => {
      if (POSTGRES_SCHEMES.includes(scheme)) return { engine: 'postgres', parse: parsePostgresUrl }
      return D1_SCHEMES.includes(scheme) ? { engine: 'd1', parse: parseD1Url } : undefined
    },
    schemes: SCHEMES,
  }
}

/** What is wrong with these; empty when nothing is. */
export function problemsOf(given: Given): readonly Problem[] {
  try {
    resolve(given)
    return []
  } catch (error) {
    if (error instanceof ProblemsError) return error.problems
    throw error
  }
}
