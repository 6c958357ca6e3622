import type { Secret } from './secret.ts'

/**
 * A named database with a place in the promotion order and a policy.
 * `Endpoint` is what the engine's driver made of the connection string; only that driver looks inside.
 */
export interface Environment<Endpoint = unknown> {
  /** The name in every message: `prod`; `prod/acme` for one database of a fleet. */
  readonly name: string
  /**
   * The environment that this is one database of, where that has many (`PROD_DATABASE_URLS`). Absent for the only
   * database of an environment.
   */
  readonly fleet?: string
  /** The engine's name, as its driver gives it: `postgres`. */
  readonly engine: string
  readonly endpoint: Endpoint
  /** Everything of the connection string that must not be shown: the string itself, its password. */
  readonly secrets: readonly Secret[]
  /** A protected environment needs a confirmation before anything is written. */
  readonly protected: boolean
  /** Place in the promotion order, from 0; the same for all databases of a fleet. */
  readonly order: number
  /** Where the connection string came from, never its value: `PROD_DATABASE_URL (.env)`. */
  readonly origin: string
  /** The folder of its migration files, as given (relative to the working directory, or absolute). */
  readonly migrationsDir: string
  /** The variable that gives it a folder of its own, as `origin`: `EDGE_MIGRATIONS_DIR (.env)`. Absent for the shared one. */
  readonly migrationsDirOrigin?: string
}

/** What a person would change to give these environments another folder, for a hint. */
export function nameFolderOptions(environments: readonly Pick<Environment, 'migrationsDirOrigin'>[]): string {
  const origins = environments.map(({ migrationsDirOrigin }) => migrationsDirOrigin ?? SHARED_FOLDER)
  return [...new Set(origins)].join(' or ') || SHARED_FOLDER
}

/** Of the shared folder; neither wins over a variable of the environment's own. */
const SHARED_FOLDER = '--dir or MIGRATIONS_DIR'

/** What the database is registered as: the environment, without the own name of one database of a fleet. */
export function ownerOf({ fleet, name }: Pick<Environment, 'fleet' | 'name'>): string {
  return fleet ?? name
}

/** Those that come first when no order is given, and those that come last. All others lie between, by name. */
const FIRST = ['dev', 'test', 'preview', 'staging']
const LAST = ['prod', 'production']

/** Environments that need no confirmation unless `MIGRATION_PROTECTED` says otherwise. An unknown name is protected. */
const UNPROTECTED: ReadonlySet<string> = new Set(['dev', 'local', 'test', 'preview'])

export function isProtectedByDefault(name: string): boolean {
  return !UNPROTECTED.has(name)
}

/** The promotion order of names when nobody gave one: dev, test, preview, staging, then by name, prod last. */
export function comparePromotion(a: string, b: string): number {
  return rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0)
}

function rank(name: string): number {
  const first = FIRST.indexOf(name)
  if (first >= 0) return first
  const last = LAST.indexOf(name)
  return last >= 0 ? FIRST.length + 1 + last : FIRST.length
}
