import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { MigrationManagerError } from '../../core/errors.ts'
import { hostIn, isOfSameBoot, machineName } from '../machine.ts'
import { type Place, startFailure } from './place.ts'
import { findProcess } from './process-table.ts'
import { LOCK_FILE, SOCKET_FILE, readServerLock } from './server.ts'
import { SILENCE_MS, giveSigns, readSign } from './sign-of-life.ts'
import { hasCode } from './system-error.ts'

/** How long the previous server of the same data may take to end. */
const PATIENCE_MS = 20_000
/** How long a server on another machine is watched: longer than one that is dead can seem to live. */
const WATCH_MS = SILENCE_MS + 1_000

/**
 * Waits for the server of a supervisor that is just leaving, ends the server of one that was killed, and removes what a
 * killed server left; then shows that the data is this machine's. PostgreSQL's own lock on the data directory keeps two
 * servers of one machine from running in any case. A container that shares the folder and not the processes looks dead to
 * it, and to us, but for the signs of life of its supervisor.
 * Only the one supervisor may call this; `supervisorProgram` is its file. Throws `embedded/start-failed` and
 * `embedded/other-machine`.
 */
export async function endPredecessor(place: Place, supervisorProgram: string): Promise<void> {
  if (readServerLock(place.dataDir) !== undefined) {
    const { machine } = readSign(place)
    if (machine === '' || machine === machineName()) await endServer(place, supervisorProgram)
    else await outlastOtherMachine(place, machine)
  }
  giveSigns(place)
  for (const name of [SOCKET_FILE, `${SOCKET_FILE}.lock`]) rmSync(join(place.socketDir, name), { force: true })
}

async function endServer(place: Place, supervisorProgram: string): Promise<void> {
  const { dataDir, socketDir } = place
  const lock = readServerLock(dataDir)
  if (lock === undefined) return
  const deadline = Date.now() + PATIENCE_MS
  const running = findServer(lock.pid, dataDir)
  const isOrphan = findProcess(running?.parentPid ?? 0)?.command.includes(supervisorProgram) !== true
  if (running?.command.includes(socketDir) === true && isOrphan) askToEnd(lock.pid)
  while (findServer(lock.pid, dataDir) !== undefined || (countAttached(lock.sharedMemory) ?? 0) > 0) {
    if (Date.now() > deadline) {
      throw startFailure(place, `Another PostgreSQL server (process ${lock.pid}) uses the data in ${dataDir}.`)
    }
    await pause(10)
  }
  // PostgreSQL would believe in a dead server if its number is taken: by another program, or by the dead process itself
  // in a container whose first process does not collect the dead.
  const isProvenDead = countAttached(lock.sharedMemory) === 0
  if (isProvenDead && readServerLock(dataDir)?.pid === lock.pid) rmSync(join(dataDir, LOCK_FILE), { force: true })
}

function askToEnd(pid: number): void {
  try {
    process.kill(pid, 'SIGINT')
  } catch (error) {
    // It ended since it was looked for.
    if (!hasCode(error, 'ESRCH')) throw error
  }
}

/**
 * Removes the lock of a server on another machine, or of this one before it was started anew or renamed, when there was no
 * sign of life for long enough.
 */
async function outlastOtherMachine(place: Place, machine: string): Promise<void> {
  const { dataDir } = place
  const lock = readServerLock(dataDir)
  let { at } = readSign(place)
  // One kernel has one clock. Of another machine only tells whether the time changes.
  let heard = isOfSameBoot(machine) ? at : Date.now()
  for (const deadline = Date.now() + WATCH_MS; readServerLock(dataDir) !== undefined; await pause(50)) {
    const sign = readSign(place)
    if (sign.at !== at) heard = Date.now()
    ;({ at } = sign)
    if (Date.now() - heard > SILENCE_MS) {
      if (readServerLock(dataDir)?.pid === lock?.pid) rmSync(join(dataDir, LOCK_FILE), { force: true })
      return
    }
    if (Date.now() < deadline) continue
    throw new MigrationManagerError(
      'embedded/other-machine',
      `The data in ${dataDir} is in use by a PostgreSQL server of another machine or container (${hostIn(machine)}).`,
      {
        hint: `Two servers on one folder would destroy the data. Wait until nothing runs there any more, or give each a copy of the project of its own.`,
      },
    )
  }
}

function findServer(pid: number, dataDir: string): ReturnType<typeof findProcess> {
  const found = findProcess(pid)
  return found?.command.includes(dataDir) === true ? found : undefined
}

/**
 * How many processes of a server live, by its System V shared memory segment, which PostgreSQL makes for this purpose:
 * a query may outlive the server's first process. `undefined` where the system does not tell. Format: proc_sysvipc_shm(5).
 */
function countAttached(segment: string | undefined): number | undefined {
  if (process.platform !== 'linux') return undefined
  if (segment === undefined) return 0
  const [key, id] = segment.split(/\s+/)
  try {
    const rows = readFileSync('/proc/sysvipc/shm', 'utf8').split('\n').slice(1)
    const found = rows.map((row) => row.trim().split(/\s+/)).find((row) => row[1] === id && isSameKey(row[0], key))
    return Number(found?.[6] ?? 0)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return undefined
    throw error
  }
}

/** PostgreSQL writes the 32-bit key as an unsigned 64-bit number, the kernel as a signed one. */
function isSameKey(first: string | undefined, second: string | undefined): boolean {
  return BigInt.asIntN(32, BigInt(first ?? 0)) === BigInt.asIntN(32, BigInt(second ?? 0))
}
