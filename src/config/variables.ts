import type { EnvFile } from './env-file.ts'

/** One environment variable that is set, and where. */
export interface Variable {
  readonly value: string
  /** See `EnvFile.uncut`. */
  readonly uncut: string | undefined
  /** For people, never with the value: `PROD_DATABASE_URL`, or `PROD_DATABASE_URL (.env)`. */
  readonly origin: string
}

export type Variables = ReadonlyMap<string, Variable>

/**
 * The process's variables and those of the file. As dotenv has it, a variable that is set wins over the file even when
 * it is empty, so that `PROD_DATABASE_URL= migration-manager …` leaves prod out for once.
 */
export function mergeVariables(
  env: Readonly<Record<string, string | undefined>>,
  file: EnvFile,
  fileName: string,
): Variables {
  const variables = new Map<string, Variable>()
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined) variables.set(name, { value, uncut: undefined, origin: name })
  }
  for (const [name, value] of Object.entries(file.values)) {
    if (variables.has(name)) continue
    const uncut = Object.hasOwn(file.uncut, name) ? file.uncut[name] : undefined
    variables.set(name, { value, uncut, origin: `${name} (${fileName})` })
  }
  return variables
}

/** The trimmed value, or undefined when the variable is not set or holds nothing but space. */
export function valueOf(variables: Variables, name: string): string | undefined {
  return variables.get(name)?.value.trim() || undefined
}

/** What to call a variable in a message: its name, and the file when it comes from there. */
export function originOf(variables: Variables, name: string): string {
  return variables.get(name)?.origin ?? name
}
