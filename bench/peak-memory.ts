import { readdirSync, readFileSync } from 'node:fs'

/** Between two looks, in milliseconds. The kernel keeps the high-water mark, so only the last growth can be missed. */
const EVERY_MS = 10

/**
 * Watches a process and its descendants; `stop` tells the largest resident set that any of them ever had, in MB, or
 * null where there is no `/proc` (it exists on Linux).
 */
export function watchMemory(root: number): { readonly stop: () => number | null } {
  let peakKb = 0
  const look = (): void => {
    for (const pid of familyOf(root)) peakKb = Math.max(peakKb, highWaterMark(pid))
  }
  const timer = setInterval(look, EVERY_MS)
  look()
  return {
    stop() {
      clearInterval(timer)
      return peakKb === 0 ? null : peakKb / 1024
    },
  }
}

function familyOf(root: number): readonly number[] {
  const parents = new Map<number, number>()
  for (const name of readEntries('/proc')) {
    // "pid (comm) state ppid …": a command's name may hold blanks and brackets.
    const parent = /^\d+ \(.*\) \S (\d+)/s.exec(readText(`/proc/${name}/stat`))?.[1]
    if (parent !== undefined) parents.set(Number(name), Number(parent))
  }
  const family = [root]
  for (const member of family) for (const [pid, parent] of parents) if (parent === member) family.push(pid)
  return family
}

function readEntries(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
}

function highWaterMark(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readText(`/proc/${pid}/status`))?.[1] ?? 0)
}

/** A process may end while it is looked at. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
