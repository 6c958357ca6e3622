import { ProblemsError } from '../core/errors.ts'
import type { ErrorCode, MigrationManagerError } from '../core/errors.ts'
import { isBlocking } from '../core/finding.ts'
import type { Finding } from '../core/finding.ts'
import type { Outcome } from '../core/outcome.ts'

/** The exit codes: a public contract that pipelines depend on. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notInSync: 3,
  blocked: 4,
  locked: 5,
  needsPerson: 6,
  unknown: 7,
  unsafe: 8,
  interrupted: 130,
  terminated: 143,
} as const

/** Codes of the `target` area that mean "this is not a database to write to", as against "it failed there". */
const UNSAFE: ReadonlySet<ErrorCode> = new Set([
  'target/same-database',
  'target/other-environment',
  'target/other-database',
  'target/foreign-history',
  'target/pooler-mode',
  'target/tls-unverified',
  'target/tls-refused',
  'target/tls-root-certificate',
])

/** Areas of codes that come from what was typed or configured, before a database was asked anything. */
const USAGE_AREAS: ReadonlySet<string> = new Set(['usage', 'config', 'migration', 'source', 'repair'])

/** The exit code for something that was thrown. `migration/failed` and its like are outcomes and never get here. */
export function exitOfError(error: MigrationManagerError): number {
  const codes = error instanceof ProblemsError ? error.problems.map(({ code }) => code) : [error.code]
  return Math.max(...codes.map(exitOfCode))
}

function exitOfCode(code: ErrorCode): number {
  switch (code) {
    case 'lock/held':
      return EXIT.locked
    case 'history/lost':
    case 'history/elsewhere':
      return EXIT.blocked
    case 'outcome/unknown':
      return EXIT.unknown
    case 'migration/escaped':
    case 'migration/undecided':
      return EXIT.needsPerson
    case 'run/interrupted':
      return EXIT.interrupted
    case 'migration/failed':
      return EXIT.failed
    default:
      if (UNSAFE.has(code)) return EXIT.unsafe
      return USAGE_AREAS.has(code.split('/')[0] ?? '') ? EXIT.usage : EXIT.failed
  }
}

/** The exit code for findings: one that blocks because the target is unsafe is graver than the others. */
export function exitOfFindings(findings: readonly Finding[]): number {
  const blocking = findings.filter(isBlocking)
  if (blocking.some(({ code }) => UNSAFE.has(code))) return EXIT.unsafe
  return blocking.length > 0 ? EXIT.blocked : EXIT.done
}

/** The exit code for what became of each environment: the one where the run stopped decides. */
export function exitOfOutcomes(outcomes: readonly Outcome[]): number {
  return Math.max(EXIT.done, ...outcomes.map(exitOfOutcome))
}

function exitOfOutcome({ status, failed, left }: Outcome): number {
  switch (status) {
    case 'blocked':
      return EXIT.blocked
    case 'locked':
      return EXIT.locked
    case 'needs-person':
      return EXIT.needsPerson
    case 'unknown':
      return EXIT.unknown
    case 'failed':
      return failed === null ? EXIT.failed : exitOfFailure(failed.error)
    case 'skipped':
      // Behind a failure, or an interruption, that itself may have come to a good end.
      return left.length === 0 ? EXIT.done : EXIT.failed
    case 'up-to-date':
    case 'planned':
    case 'applied':
      return EXIT.done
  }
}

function exitOfFailure(error: MigrationManagerError): number {
  const code = exitOfCode(error.code)
  return code === EXIT.usage ? EXIT.failed : code
}
