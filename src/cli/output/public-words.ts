/**
 * Words that the output itself is made of: what the tool calls things, the keys and states of `--json`, and the
 * passwords that everybody has on a local database.
 */
const PUBLIC_WORDS: readonly string[] = `
  postgres postgresql supabase cloudflare sqlite embedded d1-local localhost 5432 6543
  public root admin administrator username password true false null undefined
  dev development test testing preview local staging prod production
  migration-manager migrations schema_migrations_log databases database_url sha256
  init new status plan sync rollback check verify diff history doctor backup repair adopt dashboard completion
  accept-checksum mark-applied mark-not-applied finish abandon
  insync environments name engine protected reachable initialised origin serverversion
  version file checksum lines columns state startedat appliedat durationms event
  findings code severity message hint checks level done failed left error problems log
  up-to-date planned applied blocked unknown needs-person locked skipped
  pending changed missing started info warning internal/unexpected
  history/changed history/missing-file history/out-of-order history/differs-between-environments
  history/unfinished history/not-promoted config/no-environment
`
  .trim()
  .split(/\s+/u)

const LONGEST = Math.max(...PUBLIC_WORDS.map((word) => word.length))

/**
 * Whether `text` is one of the tool's own words, or a part of one, in any case. To hide it would tell nobody anything
 * and would make holes in every message and in the keys that pipelines read.
 */
export function isPublicWord(text: string): boolean {
  if (text.length > LONGEST) return false
  const word = text.toLowerCase()
  return PUBLIC_WORDS.some((known) => known.includes(word))
}
