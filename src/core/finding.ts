import type { ErrorCode, SourceLocation } from './errors.ts'
import type { Provenance } from './provenance.ts'

export type Severity = 'info' | 'warn' | 'block'

/**
 * Something a person should know that a careful person can meet on an ordinary day: an edited file, a migration out of
 * order. `block` stops a run before its first write; `--allow <code>` turns it into a `warn`.
 */
export interface Finding {
  readonly code: ErrorCode
  readonly severity: Severity
  /** One sentence: what is so. */
  readonly message: string
  /** The way out, filled in with the user's own names. */
  readonly hint?: string | undefined
  readonly environment?: string | undefined
  /** The migration's name. */
  readonly migration?: string | undefined
  readonly at?: SourceLocation | undefined
  /** The text of the line at `at`. */
  readonly sourceLine?: string | undefined
  /** What git knows of the text that the environment ran, where that is not what is on disk. */
  readonly provenance?: Provenance | undefined
}

export function isBlocking(finding: Finding): boolean {
  return finding.severity === 'block'
}

/** What `--allow` can name. */
export const ALLOWABLE: readonly ErrorCode[] = [
  'history/changed',
  'history/missing-file',
  'history/out-of-order',
  'history/elsewhere',
  'history/differs-between-environments',
  'history/not-promoted',
  'schema/invalid-index',
  'schema/unvalidated-constraint',
  'verify/false',
  'verify/failed',
  'rollback/not-latest',
  'rollback/held-later',
  'sql/empty',
  'target/other-environment',
]

/** Areas of findings that nobody can accept: the server would refuse the SQL, the target is not to be written to. */
const NOT_ALLOWABLE: ReadonlySet<string> = new Set(['sql', 'target', 'policy'])

/** Of those areas, what the server has nothing against. */
const HARMLESS: ReadonlySet<ErrorCode> = new Set(['sql/empty'])

/**
 * Nobody can accept a migration of which only a part is there (the next one may rest on the rest), or that everything is
 * applied once more.
 */
const NEVER_ALLOWED: ReadonlySet<ErrorCode> = new Set(['history/unfinished', 'history/lost'])

/** Findings whose code is in `allowed` no longer block; they stay visible as warnings. */
export function allowFindings(findings: readonly Finding[], allowed: ReadonlySet<string>): readonly Finding[] {
  return findings.map((finding) =>
    isBlocking(finding) && allowed.has(finding.code) && isAllowable(finding.code)
      ? { ...finding, severity: 'warn' }
      : finding,
  )
}

function isAllowable(code: ErrorCode): boolean {
  if (HARMLESS.has(code)) return true
  return !NEVER_ALLOWED.has(code) && !NOT_ALLOWABLE.has(code.split('/')[0] ?? '')
}
