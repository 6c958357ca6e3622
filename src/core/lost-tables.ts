import type { Reading } from './driver.ts'
import type { Finding } from './finding.ts'

/** Nothing of ours is there yet. A history that has rows is there, whatever became of its log. */
export function isFresh({ initialisedAs, history }: Pick<Reading, 'initialisedAs' | 'history'>): boolean {
  return initialisedAs === null && history.length === 0
}

/** What a driver sees of its own two tables. */
export interface OwnTables {
  readonly hasRows: boolean
  readonly hasLog: boolean
  /**
   * The migrations that are applied by what the log says (`standingMigrations`), in the order in which they were; only
   * asked for where the history has no row.
   */
  readonly logged: readonly string[]
}

/** Finds that one of the two tables is gone, or was emptied, while the other still tells of migrations. */
export function findLostTables(environment: string, { hasRows, hasLog, logged }: OwnTables): readonly Finding[] {
  if (hasRows && !hasLog) return [logLost(environment)]
  return !hasRows && logged.length > 0 ? [historyLost(environment, logged)] : []
}

/** To go on would apply everything once more. */
function historyLost(environment: string, logged: readonly string[]): Finding {
  const count = logged.length === 1 ? '1 migration is' : `${logged.length} migrations are`
  return {
    code: 'history/lost',
    severity: 'block',
    environment,
    message: `${environment} has no history any more, but by its log ${count} applied, ${logged.at(-1)} last.`,
    hint: 'Bring the table schema_migrations back: from a backup, or from the log (docs/when-a-release-goes-wrong.md says how). If the database was emptied on purpose, rename or drop schema_migrations_log too, and it begins anew.',
  }
}

function logLost(environment: string): Finding {
  return {
    code: 'history/log-lost',
    severity: 'warn',
    environment,
    message: `${environment} has a history, but its log is gone, and with it the record of which environment it is.`,
    hint: 'Is the connection string the right one? Bring the table schema_migrations_log back from a backup; otherwise the next run that writes begins a new one.',
  }
}
