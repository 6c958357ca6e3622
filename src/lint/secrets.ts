import type { Finding } from '../core/finding.ts'
import { sourceOf } from '../core/plan.ts'
import type { Plan, Step } from '../core/plan.ts'
import { locatorOf } from '../sql/location.ts'

/** What gives a secret away, and what it is called. A password that is a hash already (SCRAM, MD5) is none. */
const SIGNS: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'a password', pattern: /\bPASSWORD\s+(?:E|U&)?'(?!'|SCRAM-SHA-256\$|md5[0-9a-f]{32}')/iu },
  { what: 'a connection string with a password', pattern: /\bpostgres(?:ql)?:\/\/[^\s:@/']+:[^\s@']+@/iu },
  { what: 'a password', pattern: /\bCONNECTION\s+'[^']*\bpassword\s*=/iu },
  { what: 'a JSON Web Token', pattern: /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/u },
  { what: 'a private key', pattern: /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/u },
  {
    what: 'an access key',
    pattern:
      /\b(?:sk_live_[0-9A-Za-z]{16,}|sb_secret_\w{20,}|sbp_[0-9a-f]{40}|AKIA[0-9A-Z]{16}|gh[pousr]_[0-9A-Za-z]{36,}|xox[abprs]-[\w-]{20,})/u,
  },
]

/** What is written by hand is shorter; bulk data would be looked through for nothing. */
const LONGEST = 1_000_000

/**
 * Warns of what looks like a secret in the text of the steps: whoever reads the repository has it, and a server that logs
 * statements keeps it. Says where, and never what.
 */
export function findSecrets({ steps }: Plan): readonly Finding[] {
  return steps.flatMap(findSecretsOf)
}

function findSecretsOf(step: Step): readonly Finding[] {
  const { migration } = step
  const source = sourceOf(step)
  const text = source.sql.slice(0, LONGEST)
  return SIGNS.flatMap(({ what, pattern }): Finding[] => {
    const offset = text.search(pattern)
    if (offset < 0) return []
    // Not its line: that is the secret.
    const { at } = locatorOf(source)(offset)
    return [
      {
        code: 'sql/secret',
        severity: 'warn',
        migration: migration.name,
        message: `${source.file} holds what looks like ${what}.`,
        hint: 'Whoever reads the repository has it, and the server may log it: set it by other means than a migration, and change it if the file was ever pushed.',
        at,
      },
    ]
  })
}
