import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { watchMemory } from './peak-memory.ts'
import type { Command } from './peer.ts'

/**
 * Runs processes to their ends, one after the other, in `folder`. Returns the peak memory in MB of the largest, if it is
 * to be watched: that costs a little time. Throws with the last of what was said when one fails.
 */
export async function runAll(
  folder: string,
  commands: readonly Command[],
  { withMemory }: { readonly withMemory: boolean },
): Promise<number | null> {
  let peakMb: number | null = null
  for (const { program, args, env, input } of commands) {
    const child = spawn(program, args, {
      cwd: folder,
      // Nothing of the user's own variables may name a database.
      env: { PATH: process.env['PATH'], HOME: folder, NO_COLOR: '1', CI: '1', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    child.stdin.on('error', () => {})
    child.stdin.end(input ?? '')
    const watch = withMemory && child.pid !== undefined ? watchMemory(child.pid) : null
    const said = Promise.all([text(child.stdout), text(child.stderr)])
    await once(child, 'exit')
    const peak = watch?.stop() ?? null
    if (peak !== null) peakMb = Math.max(peakMb ?? 0, peak)
    if (child.exitCode !== 0) {
      const last = (await said).join('\n').trim().slice(-2000)
      throw new Error(`${program} ended with ${child.exitCode ?? child.signalCode}:\n${last}`)
    }
  }
  return peakMb
}
