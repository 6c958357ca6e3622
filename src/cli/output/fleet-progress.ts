import type { RunEvent } from '../../core/event.ts'
import { isGood } from '../../core/outcome.ts'
import { count } from './page.ts'

type WaveStarted = Extract<RunEvent, { type: 'wave-started' }>
type DatabaseFinished = Extract<RunEvent, { type: 'database-finished' }>

export function describeWave({ wave, waves, databases }: WaveStarted): string {
  return `wave ${wave} of ${waves}, ${count(databases, 'database')}`
}

export function describeFinished({ finished, databases }: DatabaseFinished): string {
  return `${finished} of ${count(databases, 'database')}`
}

/** What became of the database, in a few words. */
export function describeEnd(event: DatabaseFinished): string {
  return isGood(event) ? count(event.migrations, 'migration') : event.status
}
