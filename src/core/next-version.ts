import type { Migration } from './migration.ts'

/** What a description may take of a name, which file systems limit in bytes: the rest is for the version. */
const MAX_CHARACTERS = 80
const MAX_BYTES = 160

/**
 * The file name of a new migration that runs after all others: the next number in the width and with the separator
 * of the newest file, or, where versions are time stamps (14 digits), the stamp of `now` in UTC. The description is cut
 * to 80 characters and 160 bytes of UTF-8. Returns null when nothing that could be a name is left of it.
 */
export function nextFileName(files: readonly Migration[], description: string, now: Date): string | null {
  const words = description
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    // Taking accents off has taken Korean syllables apart as well.
    .normalize('NFC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+/, '')
  const slug = cut(words).replace(/-+$/, '')
  if (slug === '') return null
  const newest = files.at(-1)
  const separator = newest?.name.charAt(newest.version.length) ?? '-'
  return `${nextVersion(newest, now)}${separator}${separator === '_' ? slug.replaceAll('-', '_') : slug}.sql`
}

/** The beginning of a text that keeps both limits, without half a character at its end. */
function cut(text: string): string {
  let kept = ''
  let bytes = 0
  for (const character of Array.from(text.slice(0, 2 * MAX_CHARACTERS)).slice(0, MAX_CHARACTERS)) {
    bytes += Buffer.byteLength(character, 'utf8')
    if (bytes > MAX_BYTES) break
    kept += character
  }
  return kept
}

function nextVersion(newest: Migration | undefined, now: Date): string {
  if (newest === undefined) return '001'
  const next = (BigInt(newest.version) + 1n).toString()
  if (newest.version.length !== 14) return next.padStart(newest.version.length, '0')
  const stamp = now.toISOString().replace(/\D/g, '').slice(0, 14)
  return BigInt(stamp) >= BigInt(next) ? stamp : next
}
