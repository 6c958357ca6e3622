import type { Connection } from '../core/driver.ts'
import type { MigrationManagerError } from '../core/errors.ts'
import type { Emit } from '../core/event.ts'
import type { Finding } from '../core/finding.ts'
import { digestHistory } from '../core/history.ts'
import type { Migration } from '../core/migration.ts'
import type { Step } from '../core/plan.ts'
import { compareSnapshots } from '../core/snapshot.ts'
import type { Difference, Snapshot } from '../core/snapshot.ts'

/** What the rehearsal of one migration's rollback came to. */
export interface Reversal {
  readonly migration: string
  readonly file: string
  /** `irreversible`: it has no rollback, so it only went up. `untried`: an earlier one did not come through. */
  readonly status: 'reversible' | 'irreversible' | 'failed' | 'untried'
  readonly findings: readonly Finding[]
}

/**
 * Takes each migration up, down and up again on a database that is thrown away, in order, and compares the schema: what
 * a rollback leaves behind or takes too much of is named object by object. `withoutRollback` names those whose rollback
 * is not to be tried.
 */
export async function rehearseReversals(
  connection: Connection,
  migrations: readonly Migration[],
  withoutRollback: ReadonlySet<string>,
  emit: Emit,
): Promise<readonly Reversal[]> {
  const reversals: Reversal[] = []
  let isStuck = false
  let before = await connection.snapshot()
  for (const migration of migrations) {
    if (isStuck) {
      reversals.push({ migration: migration.name, file: migration.file, status: 'untried', findings: [] })
      continue
    }
    const goesBack = migration.down !== null && !withoutRollback.has(migration.name)
    const way = goesBack ? 'up, down and up again' : 'up'
    emit({ type: 'waiting', environment: 'rehearsal', what: `${migration.name}: ${way}` })
    const tried = await rehearse(connection, migration, goesBack, before)
    reversals.push({ migration: migration.name, file: migration.file, status: tried.status, findings: tried.findings })
    isStuck = tried.after === null
    before = tried.after ?? before
  }
  return reversals
}

interface Tried {
  readonly status: Reversal['status']
  readonly findings: readonly Finding[]
  /** The schema that the next migration begins with; null when there can be no next. */
  readonly after: Snapshot | null
}

async function rehearse(
  connection: Connection,
  migration: Migration,
  goesBack: boolean,
  before: Snapshot,
): Promise<Tried> {
  const { name, down } = migration
  const refused = await runStep(connection, 'apply', migration)
  if (refused !== null) {
    const finding = failure('rehearsal/failed', migration, `${name} fails on a fresh database`, refused)
    return { status: 'failed', findings: [finding], after: null }
  }
  const up = await connection.snapshot()
  if (down === null) return { status: 'irreversible', findings: [noRollback(migration)], after: up }
  if (!goesBack) return { status: 'failed', findings: [], after: up }

  const kept = await runStep(connection, 'revert', migration)
  if (kept !== null) {
    const finding = failure('rollback/failed', migration, `The rollback of ${name} fails`, kept)
    // Carried out step by step, it has left behind what it did until then.
    return { status: 'failed', findings: [finding], after: await connection.snapshot() }
  }
  const findings = compareSnapshots(before, await connection.snapshot()).map((difference) =>
    leftOver(migration, difference),
  )
  const again = await runStep(connection, 'apply', migration)
  if (again !== null) {
    findings.push(failure('rollback/not-repeatable', migration, `${name} fails when it runs after its rollback`, again))
    return { status: 'failed', findings, after: null }
  }
  const after = await connection.snapshot()
  findings.push(...compareSnapshots(up, after).map((difference) => otherwise(migration, difference)))
  return { status: findings.length === 0 ? 'reversible' : 'failed', findings, after }
}

/** Errors of a run, whatever it carries out. */
const NOT_ITS_FAULT = /^(?:run|connection|lock)\//u

/** Does one step under the lock; what of the migration kept it from being done, or null. Throws what is not its fault. */
async function runStep(
  connection: Connection,
  kind: Step['kind'],
  migration: Migration,
): Promise<MigrationManagerError | null> {
  const result = await connection.withLock(async (locked) => {
    const basis = digestHistory(await locked.history())
    return locked.run([{ kind, migration, resumeAt: null }], basis)
  })
  if (result.kind === 'done') return null
  if (result.kind === 'stale') throw new Error('somebody else is at work on a throw-away database')
  const { error } = result.failed
  if (result.kind === 'unknown' || NOT_ITS_FAULT.test(error.code)) throw error
  return error
}

function failure(code: Finding['code'], migration: Migration, what: string, error: MigrationManagerError): Finding {
  return {
    code,
    severity: 'block',
    migration: migration.name,
    message: `${what}: ${error.message}`,
    hint: error.hint,
    at: error.at ?? { file: migration.file, line: 1, column: 1 },
    sourceLine: error.sourceLine,
  }
}

function noRollback({ name, file }: Migration): Finding {
  return {
    code: 'rollback/none',
    severity: 'warn',
    migration: name,
    message: `${name} has no rollback.`,
    hint: `If it can be taken back, write ${file.replace(/\.sql$/, '.down.sql')}.`,
  }
}

/** What is not as it was before the migration ran. */
function leftOver(migration: Migration, { kind, name, before, after }: Difference): Finding {
  const what =
    before === null ? 'leaves behind' : after === null ? 'takes away, though it was there before,' : 'does not put back'
  return {
    code: 'rollback/incomplete',
    severity: 'block',
    migration: migration.name,
    message: `The rollback of ${migration.name} ${what} ${kind} ${name}.`,
    hint: describe(before, after),
    ...placeOf(migration),
  }
}

/** What the second run made otherwise than the first. */
function otherwise(migration: Migration, { kind, name, before, after }: Difference): Finding {
  return {
    code: 'rollback/not-repeatable',
    severity: 'block',
    migration: migration.name,
    message: `Run again after its rollback, ${migration.name} does not come to the same ${kind} ${name}.`,
    hint: describe(before, after),
    ...placeOf(migration),
  }
}

function placeOf({ down }: Migration): Pick<Finding, 'at'> {
  return down === null ? {} : { at: { file: down.file, line: down.firstLine, column: 1 } }
}

function describe(before: string | null, after: string | null): string | undefined {
  if (before === null || after === null) return undefined
  return `Before: ${before.trim()}\nAfter: ${after.trim()}`
}
