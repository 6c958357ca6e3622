import type { Check } from '../core/check.ts'
import { checkPostgresAtomic, checkPostgresContent } from './content.ts'
import { checkD1Atomic, checkD1Content } from './d1.ts'
import { findSecrets } from './secrets.ts'

/** What one engine's SQL is looked at for. */
interface EngineChecks {
  /** What cannot be run there. */
  readonly content: Check
  /** What cannot be part of an atomic run, in addition. */
  readonly atomic: Check
}

/** The only place that chooses checks by engine. An engine that is not here has none. */
const CHECKS: Readonly<Record<string, EngineChecks>> = {
  postgres: { content: checkPostgresContent, atomic: checkPostgresAtomic },
  d1: { content: checkD1Content, atomic: checkD1Atomic },
}

/** What in the text of the steps cannot be run by the environment's engine, and what should not stand there, with its place. */
export const checkContent: Check = async (plan, environment, reading, plans) => [
  ...((await CHECKS[environment.engine]?.content(plan, environment, reading, plans)) ?? []),
  ...findSecrets(plan),
]

/** What cannot be part of an atomic run. */
export const checkAtomicContent: Check = async (plan, environment, reading, plans) =>
  CHECKS[environment.engine]?.atomic(plan, environment, reading, plans) ?? []
