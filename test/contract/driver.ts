import type { Driver } from '../../src/core/driver.ts'
import { describeLock } from './lock.ts'
import { describeLoss } from './loss.ts'
import { describeReading } from './reading.ts'
import { describeRunning } from './running.ts'
import { connectTo, makeMigration } from './suite.ts'
import type { ContractDatabase, Suite } from './suite.ts'

/** The suite that every driver passes: what the port in `src/core/driver.ts` promises, seen from both sides. */
export function describeDriver<Endpoint>(
  name: string,
  driver: Driver<Endpoint>,
  createDatabase: () => Promise<ContractDatabase<Endpoint>>,
): void {
  const suite: Suite<Endpoint> = {
    name,
    createDatabase,
    connect: (database, options) => connectTo(driver, database.endpoint, options),
    migrationOf: (database, migration, behaviour = 'works') =>
      makeMigration(migration, database.textOf(migration, behaviour)),
  }
  describeReading(suite)
  describeRunning(suite)
  describeLock(suite)
  describeLoss(suite)
}
