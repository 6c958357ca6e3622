import type { Driver, ParsedUrl, ThrowAway } from '../core/driver.ts'
import { d1Driver } from './d1/index.ts'
import { createThrowAwayD1 } from './d1/throw-away.ts'
import { D1_SCHEMES, parseD1Url } from './d1/url.ts'
import { postgresDriver } from './postgres/index.ts'
import { createThrowAwayPostgres } from './postgres/throw-away.ts'
import { parsePostgresUrl, POSTGRES_SCHEMES } from './postgres/url.ts'

/** What a connection string may be read against. */
export interface UrlContext {
  readonly projectDir: string
  readonly variable: (name: string) => string | undefined
}

/** One engine: which connection strings are its own, and who speaks to its databases. */
export interface Engine {
  readonly schemes: readonly string[]
  readonly parse: (url: string, context: UrlContext) => ParsedUrl
  readonly driver: Driver
  /** A database to try things on, for a project that holds what the engine needs. */
  readonly createThrowAway: (projectDir: string) => Promise<ThrowAway>
}

export type EngineName = 'postgres' | 'd1'

/** The engine of files that no environment is configured for. */
export const DEFAULT_ENGINE: EngineName = 'postgres'

/** All engines. A new one is registered here and nowhere else. */
export const ENGINES: Readonly<Record<EngineName, Engine>> = {
  // An endpoint goes back only to the driver whose own parser made it.
  postgres: {
    schemes: POSTGRES_SCHEMES,
    parse: parsePostgresUrl,
    driver: postgresDriver,
    createThrowAway: createThrowAwayPostgres,
  },
  d1: { schemes: D1_SCHEMES, parse: parseD1Url, driver: d1Driver, createThrowAway: createThrowAwayD1 },
} satisfies Record<EngineName, Engine>

/** The engine whose connection strings have this scheme (in lower case, without its colon). */
export function engineOfScheme(scheme: string): Engine | undefined {
  return Object.values(ENGINES).find(({ schemes }) => schemes.includes(scheme))
}

/** The driver of an engine that a configured environment names. */
export function driverOf(engine: string): Driver {
  return engineOf(engine).driver
}

/** A database of an engine to try things on; see `Engine`. */
export function createThrowAway(engine: string, projectDir: string): Promise<ThrowAway> {
  return engineOf(engine).createThrowAway(projectDir)
}

function engineOf(name: string): Engine {
  const found = Object.values(ENGINES).find(({ driver }) => driver.engine === name)
  if (found === undefined) throw new Error(`no driver for ${name}`)
  return found
}
