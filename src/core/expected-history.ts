import { createHash } from 'node:crypto'
import { compareByBytes, lineOf, unreadRow } from './history.ts'
import type { AppliedMigration } from './history.ts'
import type { Migration } from './migration.ts'

/**
 * Histories that somebody who has the files knows without reading a row: all files applied as they are, or all but the
 * last few. When a database says that its history has one of these digests, its rows may stay where they are.
 */
export interface ExpectedHistories {
  /** As they would be read, but for what only the database knows: the times and who applied them are null or empty. */
  readonly rows: readonly AppliedMigration[]
  /** How many of the first rows have which digest, as `digestHistory` computes it. */
  readonly lengths: ReadonlyMap<string, number>
}

/** Below so many files the rows themselves are as quickly had as a digest: they fit into the server's first packets. */
const WORTH_IT = 100

/** So many pending files at the end are still expected; behind a longer absence the rows are read. */
const MOST_PENDING = 20

/** What the histories of databases may be that run these files, in order; null for so few that it is not worth asking. */
export function expectHistories(files: readonly Migration[]): ExpectedHistories | null {
  if (files.length < WORTH_IT) return null
  const rows = files.map((file) => unreadRow(file, 'applied'))
  const sorted = rows.toSorted(compareByBytes)
  // Where names sort otherwise than files run, the first files are not the first lines: only the whole is expected.
  const isInOrder = sorted.every((row, place) => row === rows[place])
  const shortest = isInOrder ? rows.length - MOST_PENDING : rows.length
  const hash = createHash('sha256').update(sorted.slice(0, shortest).map(lineOf).join('\n'), 'utf8')
  const lengths = new Map([[hash.copy().digest('hex'), shortest]])
  for (const [index, row] of sorted.slice(shortest).entries()) {
    hash.update(`\n${lineOf(row)}`, 'utf8')
    lengths.set(hash.copy().digest('hex'), shortest + index + 1)
  }
  return { rows, lengths }
}

/** The history with this digest, or null when it is none of those expected. */
export function findExpected({ rows, lengths }: ExpectedHistories, digest: string): readonly AppliedMigration[] | null {
  const length = lengths.get(digest)
  return length === undefined ? null : length === rows.length ? rows : rows.slice(0, length)
}
