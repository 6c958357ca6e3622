import type { Migration } from './migration.ts'

/**
 * The file name of a new migration that runs after all others: the next number in the width and with the separator
 * of the newest file, or, where versions are time stamps (14 digits), the stamp of `now` in UTC. Returns null when
 * nothing that could be a name is left of the description.
 */
export function nextFileName(files: readonly Migration[], description: string, now: Date): string | null {
  const slug = description
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 80)
    .replace(/-+$/, '')
  if (slug === '') return null
  const newest = files.at(-1)
  const separator = newest?.name.charAt(newest.version.length) ?? '-'
  return `${nextVersion(newest, now)}${separator}${separator === '_' ? slug.replaceAll('-', '_') : slug}.sql`
}

function nextVersion(newest: Migration | undefined, now: Date): string {
  if (newest === undefined) return '001'
  const next = (BigInt(newest.version) + 1n).toString()
  if (newest.version.length !== 14) return next.padStart(newest.version.length, '0')
  const stamp = now.toISOString().replace(/\D/g, '').slice(0, 14)
  return BigInt(stamp) >= BigInt(next) ? stamp : next
}
