import { checksumOf, normalizeText } from './checksum.ts'
import type { Checksum } from './checksum.ts'
import type { Problem } from './errors.ts'
import { findRollbackBlock } from './rollback.ts'
import type { SqlSource } from './sql-source.ts'

/** One SQL file: what is run is `up`, byte for byte the text whose checksum is `checksum` (mark and CR removed). */
export interface Migration {
  /** The leading digits as written: `001`. */
  readonly version: string
  /** The file name without `.sql`: `001-initial-setup`. The key in the history. */
  readonly name: string
  /** The path as shown to people: `database/001-initial-setup.sql`. */
  readonly file: string
  readonly checksum: Checksum
  /** The forward SQL. */
  readonly up: string
  /** What takes it back: the twin `<name>.down.sql`, or else the rollback block in the file itself. */
  readonly down: SqlSource | null
  /** Number of lines of the file. */
  readonly lines: number
}

/** A file of a migrations folder as it was found: its name and its text, or why it has no text. */
export interface MigrationFile {
  readonly fileName: string
  /** The path as shown to people. */
  readonly file: string
  readonly content: { readonly text: string } | { readonly unreadable: string; readonly hint?: string }
}

const NAME = /^(\d+)[-_](.+)$/u
const DOWN = '.down.sql'

/**
 * What a file name may not hold: control and formatting characters (they hide or reorder what is printed), and what a
 * shell, Windows or SQL would read as syntax.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\\/"'`$<>|*?:;]/u

/** The longest migration name, in UTF-8 bytes: what every file system holds, with `.down.sql` to spare. */
const MAX_NAME_BYTES = 240
/** The most that one UTF-16 code unit takes in UTF-8. */
const MAX_BYTES_PER_UNIT = 3

/**
 * Turns the files of one folder into migrations in the order in which they run: by version as a number, then by name
 * by code units, never by locale. Returns every problem found instead, if there is any.
 */
export function readMigrations(
  files: readonly MigrationFile[],
): { readonly migrations: readonly Migration[] } | { readonly problems: readonly [Problem, ...Problem[]] } {
  const problems: Problem[] = []
  const ups: Migration[] = []
  const downs = new Map<string, { readonly file: string; readonly text: string }>()

  for (const { fileName, file, content } of files) {
    const problem = checkName(fileName, file)
    if (problem !== null) {
      problems.push(problem)
    } else if ('unreadable' in content) {
      problems.push({
        code: 'migration/unreadable',
        message: `${file}: ${content.unreadable}`,
        file,
        hint: content.hint,
      })
    } else if (content.text.includes('\0')) {
      problems.push({
        code: 'migration/nul-byte',
        message: `${file} holds a NUL byte, which no SQL text may hold.`,
        file,
        hint: 'Save the file as UTF-8 text (an UTF-16 file looks like this), or remove the byte.',
      })
    } else if (fileName.endsWith(DOWN)) {
      downs.set(fileName.slice(0, -DOWN.length), { file, text: normalizeText(content.text) })
    } else {
      ups.push(toMigration(fileName, file, content.text))
    }
  }

  const migrations = ups
    .map((migration) => {
      const twin = downs.get(migration.name)
      return twin === undefined ? migration : { ...migration, down: twinOf(twin) }
    })
    .toSorted(compareMigrations)
  problems.push(...findDuplicates(migrations))
  // A file that is refused is there all the same.
  const known = new Set(
    files.flatMap(({ fileName }) => (fileName.endsWith(DOWN) ? [] : [fileName.replace(/\.sql$/, '')])),
  )
  for (const [name, { file }] of downs) {
    if (!known.has(name)) {
      problems.push({
        code: 'migration/orphan-down',
        message: `${file} is the rollback of ${name}.sql, which is not there.`,
        file,
        hint: `Name it after the migration it takes back, or remove it.`,
      })
    }
  }

  const [first, ...rest] = problems
  return first === undefined ? { migrations } : { problems: [first, ...rest] }
}

/** Order of two migrations: by version as a number of any length, then by name by code units. */
export function compareMigrations(
  a: Pick<Migration, 'version' | 'name'>,
  b: Pick<Migration, 'version' | 'name'>,
): number {
  return compareVersions(a.version, b.version) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
}

/** Compares two digit strings as numbers of any length: `2` < `010` < `20260101120000`. */
export function compareVersions(a: string, b: string): number {
  // Digits of one length are in the order of their numbers as they stand.
  if (a.length === b.length) return a < b ? -1 : a > b ? 1 : 0
  const left = significantDigits(a)
  const right = significantDigits(b)
  return left.length - right.length || (left < right ? -1 : left > right ? 1 : 0)
}

/** The leading digits of a migration name, or null: the history of another tool may hold names without any. */
export function versionOf(name: string): string | null {
  return /^\d+/.exec(name)?.[0] ?? null
}

/**
 * Whether a person who wrote `wanted` means the migration of this name: by its version (leading zeros aside), its name, or
 * its file, in whatever folder. What holds for one command holds for all. A version may be that of several migrations.
 */
export function meansMigration(name: string, wanted: string): boolean {
  const stem = wanted.replace(/^.*[\\/]/su, '').replace(/\.sql$/iu, '')
  if (name === stem) return true
  const version = versionOf(name)
  return /^\d+$/u.test(stem) && version !== null && compareVersions(version, stem) === 0
}

function significantDigits(version: string): string {
  return version.replace(/^0+(?=\d)/, '')
}

function toMigration(fileName: string, file: string, text: string): Migration {
  const up = normalizeText(text)
  const name = fileName.slice(0, -'.sql'.length)
  return {
    version: versionOf(name) ?? '',
    name,
    file,
    checksum: checksumOf(text),
    up,
    down: findRollbackBlock(up, file),
    lines: countLines(up),
  }
}

function twinOf({ file, text }: { readonly file: string; readonly text: string }): SqlSource {
  return { sql: text, file, firstLine: 1 }
}

function countLines(text: string): number {
  if (text === '') return 0
  let lines = text.endsWith('\n') ? 0 : 1
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++
  return lines
}

function checkName(fileName: string, file: string): Problem | null {
  const form = 'Name it NNN-description.sql or NNN_description.sql, for example 001-initial-setup.sql.'
  if (UNSAFE.test(fileName)) {
    return {
      code: 'migration/unsafe-name',
      message: `${file}: the file name holds a character that is not safe in a name.`,
      file,
      hint: `${form} Control characters, quotes and any of \\ / $ < > | * ? : ; are refused.`,
    }
  }
  if (!fileName.endsWith('.sql')) {
    return {
      code: 'migration/bad-name',
      message: `${file}: the file name must end in .sql, in lower case.`,
      file,
      hint: form,
    }
  }
  const stem = fileName.slice(0, fileName.endsWith(DOWN) ? -DOWN.length : -'.sql'.length)
  if (!/^\d/.test(stem)) {
    return {
      code: 'migration/bad-name',
      message: `${file}: the file name does not begin with digits.`,
      file,
      hint: form,
    }
  }
  if (!NAME.test(stem)) {
    return {
      code: 'migration/bad-name',
      message: `${file}: a - or _ and a description must follow the digits.`,
      file,
      hint: form,
    }
  }
  if (stem.length * MAX_BYTES_PER_UNIT > MAX_NAME_BYTES && new TextEncoder().encode(stem).length > MAX_NAME_BYTES) {
    return {
      code: 'migration/bad-name',
      message: `${file}: the name is longer than ${MAX_NAME_BYTES} bytes.`,
      file,
      hint: form,
    }
  }
  return null
}

function findDuplicates(migrations: readonly Migration[]): Problem[] {
  const problems: Problem[] = []
  for (const [index, migration] of migrations.entries()) {
    const previous = migrations[index - 1]
    if (previous !== undefined && compareVersions(previous.version, migration.version) === 0) {
      problems.push({
        code: 'migration/duplicate-version',
        message: `${previous.file} and ${migration.file} have the same version ${significantDigits(migration.version)}.`,
        file: migration.file,
        hint: 'Give the newer of the two the next free number, before any environment has it.',
      })
    }
  }
  return problems
}
