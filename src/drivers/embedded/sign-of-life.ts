import { closeSync, fstatSync, ftruncateSync, futimesSync, readSync, writeSync } from 'node:fs'
import { machineName } from '../machine.ts'
import { READING, WRITING, openOwnFile } from './own-file.ts'
import type { Place } from './place.ts'
import { hasCode } from './system-error.ts'

/** So often, in milliseconds, the supervisor of a server shows that it lives. */
const BEAT_MS = 1_000

/** After so long without a sign, in milliseconds, it does not. */
export const SILENCE_MS = 5_000

/** What the supervisor that started a server last has left beside the data. */
export interface Sign {
  /** Its machine, as `machineName` says it; empty where none is written, as by versions without signs. */
  readonly machine: string
  /** When it was last renewed, in milliseconds since 1970, by the clock of that machine; 0 where there is none. */
  readonly at: number
}

/**
 * Writes down that the data is used by this machine, and shows from now on, for as long as the process lives, that it
 * does: in the file's time, since a container that shares the folder may see neither the process nor its sockets.
 */
export function giveSigns({ machineFile, user }: Place): void {
  const fd = openOwnFile(machineFile, WRITING, user)
  ftruncateSync(fd)
  writeSync(fd, machineName())
  const beat = setInterval(() => {
    try {
      futimesSync(fd, new Date(), new Date())
    } catch {
      // The disk is gone, or was never one that takes times: nothing to show it on.
      clearInterval(beat)
    }
  }, BEAT_MS)
  beat.unref()
}

export function readSign({ machineFile, user }: Place): Sign {
  try {
    const fd = openOwnFile(machineFile, READING, user)
    try {
      const name = Buffer.alloc(1_000)
      return { machine: name.toString('utf8', 0, readSync(fd, name)), at: fstatSync(fd).mtimeMs }
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { machine: '', at: 0 }
    throw error
  }
}
