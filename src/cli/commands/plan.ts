import { runSync } from './sync.ts'
import type { RunCommand } from './command.ts'

export const run: RunCommand = (wired, args) => runSync(wired, args, true)
