import { createHash } from 'node:crypto'
import { unreadRow } from './history.ts'
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
  const sorted = rows
    .map(({ name, checksum, status }, index) => ({
      index,
      key: Buffer.from(name, 'utf8'),
      line: `${name}:${checksum}:${status}`,
    }))
    .toSorted((a, b) => Buffer.compare(a.key, b.key))
  // Where names sort otherwise than files run, the first files are not the first lines: only the whole is expected.
  const isInOrder = sorted.every(({ index }, place) => index === place)
  const lengths = new Map<string, number>()
  const hash = createHash('sha256')
  for (const [place, { line }] of sorted.entries()) {
    hash.update(place === 0 ? line : `\n${line}`, 'utf8')
    const length = place + 1
    const isWanted = length === sorted.length || (isInOrder && length >= sorted.length - MOST_PENDING)
    if (isWanted) lengths.set(hash.copy().digest('hex'), length)
  }
  return { rows, lengths }
}

/** The history with this digest, or null when it is none of those expected. */
export function findExpected({ rows, lengths }: ExpectedHistories, digest: string): readonly AppliedMigration[] | null {
  const length = lengths.get(digest)
  return length === undefined ? null : length === rows.length ? rows : rows.slice(0, length)
}
