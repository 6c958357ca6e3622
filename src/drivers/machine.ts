import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/**
 * A name of this machine, or container, for as long as it runs: those of a CI service may all have one host name, and
 * a pid means something only among processes that see each other.
 */
export function machineName(): string {
  const read = (look: () => string): string => {
    try {
      return look().trim()
    } catch {
      // Not Linux.
      return ''
    }
  }
  const boot = read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'))
  const processes = read(() => readlinkSync('/proc/self/ns/pid'))
  return [hostname(), boot, processes].join(' ')
}

/** Whether a name is that of a machine, or container, on the kernel that runs here now. */
export function isOfSameBoot(name: string): boolean {
  const boot = name.split(' ')[1] ?? ''
  return boot !== '' && boot === machineName().split(' ')[1]
}

/** The part of a machine's name that says something to a person. */
export function hostIn(name: string): string {
  return name.split(' ')[0] ?? ''
}
