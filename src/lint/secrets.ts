import type { Finding } from '../core/finding.ts'
import type { Migration } from '../core/migration.ts'
import { sourceOf } from '../core/plan.ts'
import type { Plan, Step } from '../core/plan.ts'
import { Lexer } from '../sql/lexer.ts'
import { locatorOf } from '../sql/location.ts'

/** What gives a secret away, by its form. Every part has a longest length, so that no text takes long. */
const SIGNS: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  // Not a placeholder: <password>, ${PASSWORD}, ***.
  {
    what: 'a connection string with a password',
    pattern: /\bpostgres(?:ql)?:\/\/[^\s:@/']{1,100}:(?![<$*{[%])[^\s@/']{1,300}@/iu,
  },
  { what: 'a password', pattern: /\bCONNECTION\s{1,20}'[^']{0,1000}?\bpassword\s{0,5}=\s{0,5}[^\s<$*{[%']/iu },
  { what: 'a JSON Web Token', pattern: /(?<![\w-])eyJ[\w-]{10,4000}\.eyJ[\w-]{10,4000}\.[\w-]{10}/u },
  { what: 'a private key', pattern: /-----BEGIN (?:[A-Z]{1,20} ){0,3}PRIVATE KEY-----/u },
  {
    what: 'an access key',
    pattern:
      /\b(?:sk_live_[0-9A-Za-z]{16}|sb_secret_\w{20}|sbp_[0-9a-f]{40}|AKIA[0-9A-Z]{16}|gh[pousr]_[0-9A-Za-z]{36}|xox[abprs]-[\w-]{20})/u,
  },
]

/** What is written by hand is shorter; bulk data would be looked through for nothing. */
const LONGEST = 1_000_000

/** A file is the same in a thousand databases. */
const KNOWN = {
  apply: new WeakMap<Migration, readonly Finding[]>(),
  revert: new WeakMap<Migration, readonly Finding[]>(),
}

/**
 * Warns of what looks like a secret in the text of the steps: whoever reads the repository has it, and a server that logs
 * statements keeps it. Says where, and never what.
 */
export function findSecrets({ steps }: Plan): readonly Finding[] {
  return steps.flatMap((step) => {
    const known = KNOWN[step.kind]
    const found = known.get(step.migration) ?? findSecretsOf(step)
    known.set(step.migration, found)
    return found
  })
}

function findSecretsOf(step: Step): readonly Finding[] {
  const { migration } = step
  const source = sourceOf(step)
  const text = source.sql.slice(0, LONGEST)
  const places = [
    { what: 'a password', offset: findPassword(text) },
    ...SIGNS.map(({ what, pattern }) => ({ what, offset: text.search(pattern) })),
  ]
  return places
    .filter(({ offset }) => offset >= 0)
    .map(({ what, offset }): Finding => {
      // Not its line: that is the secret.
      const { at } = locatorOf(source)(offset)
      return {
        code: 'sql/secret',
        severity: 'warn',
        migration: migration.name,
        message: `${source.file} holds what looks like ${what}.`,
        hint: 'Whoever reads the repository has it, and the server may log it: set it by other means than a migration, and change it if the file was ever pushed.',
        at,
      }
    })
}

/** Where PASSWORD stands before a literal that is neither empty nor a hash (SCRAM, MD5), or -1. */
function findPassword(text: string): number {
  // Most files need not be read for it.
  if (!/\bPASSWORD\s/iu.test(text)) return -1
  const lexer = new Lexer(text)
  let password = -1
  for (let kind = lexer.next(); kind !== 'end'; kind = lexer.next()) {
    if (kind === 'comment') continue
    if (password >= 0 && kind === 'literal' && IN_CLEAR.test(text.slice(lexer.start, lexer.start + 50))) return password
    password = kind === 'word' && lexer.keyword() === 'PASSWORD' ? lexer.start : -1
  }
  return -1
}

const IN_CLEAR = /^(?:E|U&)?'(?!'|SCRAM-SHA-256\$|md5[0-9a-f]{32}')/iu
