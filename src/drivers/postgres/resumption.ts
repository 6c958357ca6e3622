import { createHash } from 'node:crypto'
import type { Unit } from '../../sql/steps.ts'
import { silenceOf } from './message-context.ts'
import { quoteLiteral } from './quote.ts'
import type { Run } from './run.ts'
import type { StepwisePart } from './stepwise-end.ts'

/** In the log: the run stopped at a step of which nothing was done; what it is for may be so all the same. */
export const UNTOUCHED = { untouched: true } as const

/** What the log knows of the run that stopped in the middle of a migration. */
export interface Resumption {
  /** It says that it has done nothing of the step at which it stopped: what that step is for is not its work. */
  readonly isUntouched: boolean
  /** The steps that it is said to have done are those of the file. */
  readonly isSame: boolean
}

/** Looks up how an earlier run, or this one before it lost its connection, left a migration behind `done` steps; before the claim. */
export async function readResumption({ link, context }: Run, part: StepwisePart, done: number): Promise<Resumption> {
  const { history, log } = context.tables
  const name = quoteLiteral(part.migration.name)
  const query = `SELECT COALESCE((SELECT l.event = 'fail' AND l.run_id = h.run_id AND l.detail @> ${quoteLiteral(JSON.stringify(UNTOUCHED))}
FROM ${history} h, ${log} l WHERE h.migration_name = ${name} AND l.migration_name = ${name} ORDER BY l.id DESC LIMIT 1), false)::text,
(SELECT l.detail->'steps' FROM ${log} l WHERE l.migration_name = ${name} AND l.event = 'begin-rollback' ORDER BY l.id DESC LIMIT 1)::text`
  const [row] = await link.session.ask(query, silenceOf(context))
  const begun: unknown = JSON.parse(row?.[1] ?? '[]')
  const steps = digestUnits(part)
  return {
    isUntouched: row?.[0] === 'true',
    // A migration's own file is compared as a whole, by its checksum.
    isSame:
      !part.isRevert || (Array.isArray(begun) && steps.slice(0, done).every((step, index) => step === begun[index])),
  }
}

/** Each unit as the first 16 hexadecimal digits of the SHA-256 of its statements. */
export function digestUnits({ source, units }: Pick<StepwisePart, 'source' | 'units'>): readonly string[] {
  return units.map((unit) => {
    const hash = createHash('sha256')
    for (const { start, end } of statementsOf(unit)) hash.update(`${source.sql.slice(start, end)};`)
    return hash.digest('hex').slice(0, 16)
  })
}

function statementsOf(unit: Unit): readonly { readonly start: number; readonly end: number }[] {
  return unit.kind === 'transaction' ? unit.statements : [unit.statement]
}
