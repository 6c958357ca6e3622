import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

/** A command of a package of bench/package.json, as npm's `bin` links it. */
export function binary(name: string): string {
  return resolve('bench/node_modules/.bin', name)
}

/** Why a package's command is not there, or null. */
export function findMissing(name: string): string | null {
  return existsSync(binary(name)) ? null : missing(name)
}

/** Why a package is not there, or null. */
export function findMissingPackage(name: string): string | null {
  return existsSync(resolve('bench/node_modules', name, 'package.json')) ? null : missing(name)
}

/** A program of bench/programs that drives a library which has no command of its own. */
export function program(name: string): string {
  return resolve('bench/programs', name)
}

function missing(name: string): string {
  return `${name} is NOT MEASURED: it is not installed. Run npm run bench:install.`
}
