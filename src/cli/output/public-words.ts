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

/** The codes of all errors and findings. They are forever, and pipelines read them. */
const CODES: readonly string[] = `
  adopt/no-file adopt/no-table adopt/not-borne-out adopt/not-tellable atomic/not-committed
  config/ambiguous-folder config/ambiguous-password config/ambiguous-value config/bad-json config/bad-name config/bad-schema config/bad-url
  config/bad-value config/conflicting-variables config/duplicate-name config/empty-list config/empty-option config/empty-variable
  config/missing-url config/missing-variable config/no-database config/no-environment config/no-user
  config/placeholder config/quoted-url config/several-hosts config/tls-disabled config/tls-mode config/unknown-binding
  config/unknown-environment config/unknown-key config/unknown-scheme config/unknown-variable config/unreadable-file
  config/url-option
  connection/login-refused connection/lost connection/no-database connection/not-postgres connection/refused
  connection/starting connection/timeout connection/too-many connection/unknown-host connection/unknown-tenant
  connection/unreachable connection/wrong-password
  embedded/bad-name embedded/no-access embedded/not-installed embedded/other-machine embedded/other-version
  embedded/query-failed embedded/start-failed embedded/supervisor embedded/unsafe-folder embedded/unsupported-platform
  history/changed history/differs-between-environments history/elsewhere history/log-lost history/lost
  history/missing-file history/not-promoted history/out-of-order history/unfinished install/missing-package internal/unexpected lock/held
  migration/bad-name migration/duplicate-version migration/escaped migration/failed migration/no-folder
  migration/nul-byte migration/orphan-down migration/undecided migration/unreadable migration/unsafe-name
  outcome/unknown output/lost plan/skips-pending plan/stale policy/confirmation-needed policy/declined
  rehearsal/failed repair/no-file repair/not-needed
  rollback/edited rollback/failed rollback/held-later rollback/incomplete rollback/none rollback/not-latest
  rollback/not-repeatable run/interrupted schema/invalid-index schema/unvalidated-constraint shard/empty
  source/cannot-write source/exists
  sql/copy-data sql/discard-all sql/drop-cascades sql/empty sql/long-batch sql/meta-command sql/no-effect
  sql/no-transaction sql/non-transactional sql/not-atomic sql/not-authorised sql/not-sql sql/nul-character
  sql/parameter sql/role-in-steps sql/rollback-not-sql sql/savepoint sql/secret sql/statement-too-long
  sql/transaction-control sql/unnamed-index sql/unterminated
  target/disk-full target/foreign-history target/not-atomic target/other-database target/other-environment
  target/permission-denied target/pooler-mode target/pooler-user target/read-only target/role-statement-timeout
  target/same-database target/server-error target/tls-refused target/tls-root-certificate target/tls-unverified
  target/transaction-pooler target/unreadable-history target/unverified-tls
  usage/bad-arguments usage/no-description usage/no-reason usage/nothing-to-check usage/one-environment
  usage/unknown-code usage/unknown-command usage/unknown-migration usage/unknown-option usage/unknown-repair
  usage/unknown-shell usage/unknown-source usage/unknown-version usage/version-needed verify/failed verify/false
`
  .trim()
  .split(/\s+/u)

/** A code as a whole: what stands beside it is no part of a name or path. Colours may stand before it. */
// oxlint-disable-next-line no-control-regex
const CODE = /(?:(?<![\w/-])|(?<=\u001b\[[\d;]*m))[a-z]+\/[a-z]+(?:-[a-z]+)*(?![\w/-])/gu

/** Where in a text the tool's codes stand; `end` is the first character behind one. */
export function findCodes(text: string): readonly { readonly start: number; readonly end: number }[] {
  return [...text.matchAll(CODE)]
    .filter(([code]) => CODES.includes(code))
    .map(({ 0: code, index }) => ({ start: index, end: index + code.length }))
}
