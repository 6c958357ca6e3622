import { rollback } from '../../commands/rollback.ts'
import { REVERTING } from '../output/outcomes.ts'
import { runPlanned } from './sync.ts'
import type { RunCommand } from './command.ts'

export const run: RunCommand = (wired, args) =>
  runPlanned(wired, args, args['dry-run'] === true, { run: rollback, words: REVERTING })
