import type { Migration } from './migration.ts'
import { quoted } from './shell.ts'

/** One version of a migration file, as git's history has it. */
export interface FileVersion {
  /** 40 or 64 hexadecimal digits: the newest commit that brought this version. */
  readonly commit: string
  readonly author: string
  /** When the author wrote it; null where the commit holds a date that nothing can read, such as one beyond the year 9999. */
  readonly date: Date | null
  /** The first line of the commit's message. */
  readonly subject: string
  /** Its path in that commit, from the top of the repository. */
  readonly file: string
  /** It has another path now. */
  readonly isMoved: boolean
  /** The text that was run: mark and CR removed. */
  readonly text: string
}

/** Why git cannot say what a version looked like. */
export type GitGap =
  | 'not-committed'
  | 'shallow-clone'
  | 'partial-clone'
  | 'no-git'
  | 'no-repository'
  | 'not-trusted'
  | 'timed-out'
  | 'too-large'
  | 'failed'

/** Where a text that a database ran came from. */
export type Provenance =
  | { readonly found: true; readonly version: FileVersion }
  | { readonly found: false; readonly gap: GitGap }

/** A version of a migration that a database ran and that is not what is on disk. */
export interface Change {
  /** The migration's name. */
  readonly migration: string
  /** The file now; null where it is gone. */
  readonly current: Migration | null
  /** The path of the file, whether it is there or not. */
  readonly file: string
  /** What the environments ran. */
  readonly checksum: string
  /** The environments that ran it, in promotion order. */
  readonly environments: readonly string[]
  readonly provenance: Provenance
}

/**
 * `commit 1f0c2ab3 of 2026-11-01 by Ana ("Add tokens")`. The subject stays whole: what is cut before it is redacted may
 * show a part of a secret.
 */
export function describeVersion({ commit, date, author, subject }: FileVersion): string {
  const when = date === null ? '' : ` of ${date.toISOString().slice(0, 10)}`
  return `commit ${commit.slice(0, 8)}${when} by ${author} ("${subject}")`
}

/** Why git cannot say what ran, as a sentence with the way out. */
export function describeGap(gap: GitGap): string {
  switch (gap) {
    case 'not-committed':
      return 'Git has no version of the file with this checksum: it was never committed, or not in this clone.'
    case 'shallow-clone':
      return 'This clone of the repository is shallow and does not hold what ran. Run git fetch --unshallow (in CI: check out with fetch-depth: 0).'
    case 'partial-clone':
      return 'This clone of the repository is partial and does not hold what ran. Run git fetch --refetch --no-filter.'
    case 'no-git':
      return 'Git is not installed here, so what ran cannot be looked up.'
    case 'no-repository':
      return 'The files are in no git repository, so what ran cannot be looked up.'
    case 'not-trusted':
      return 'Git does not trust this repository, because it belongs to another user (git config --global --add safe.directory …), so what ran cannot be looked up.'
    case 'timed-out':
      return 'Git took too long to say what ran.'
    case 'too-large':
      return 'The versions of the file are too large to look through for what ran.'
    case 'failed':
      return 'Git could not say what ran.'
  }
}

/** The command that brings the text which ran back to `file`, a path from the working directory. */
export function restoreCommand({ commit, file: then, isMoved }: FileVersion, file: string): string {
  const short = commit.slice(0, 8)
  // A checkout would bring it back to where it was then.
  return isMoved
    ? `git show ${quoted(`${short}:${then}`)} > ${quoted(file)}`
    : `git checkout ${short} -- ${quoted(file)}`
}

/** The commands that look for a version, as findings name them where no version is known. */
export const SEARCH = {
  edited: (file: string): string => `git log -- ${quoted(file)}`,
  gone: (name: string): string => `git log --all -- ${quoted(`*${name}.sql`)}`,
}
