import { closeSync, ftruncateSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { MigrationManagerError } from '../../core/errors.ts'
import { hostIn, isEarlierBoot, machineName } from '../machine.ts'
import { READING, WRITING, openOwnFile } from './own-file.ts'
import { type Place, startFailure } from './place.ts'
import { findProcess } from './process-table.ts'
import { LOCK_FILE, SOCKET_FILE, readServerLock } from './server.ts'
import { hasCode } from './system-error.ts'

/** How long the previous server of the same data may take to end. */
const PATIENCE_MS = 20_000
/** The same of a server on another machine, which cannot be seen to end, only to have ended. */
const PATIENCE_WITH_OTHERS_MS = 5_000

/**
 * Waits for the server of a supervisor that is just leaving, ends the server of one that was killed, and removes what a
 * killed server left; then writes down that the data is this machine's. PostgreSQL's own lock on the data directory
 * keeps two servers of one machine from running in any case. A container that shares the folder and not the processes
 * would look dead to it, and to us, so a lock of another machine is left alone.
 * Only the one supervisor may call this; `supervisorProgram` is its file. Throws `embedded/start-failed` and
 * `embedded/other-machine`.
 */
export async function endPredecessor(place: Place, supervisorProgram: string): Promise<void> {
  if (readServerLock(place.dataDir) !== undefined) {
    const machine = readMachine(place)
    if (machine === machineName()) await endServer(place, supervisorProgram)
    // After a restart of the machine its number may be another program's by now.
    else if (isEarlierBoot(machine)) rmSync(join(place.dataDir, LOCK_FILE), { force: true })
    else await waitForOtherMachine(place, machine)
  }
  writeMachine(place)
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

async function waitForOtherMachine({ dataDir }: Place, machine: string): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_WITH_OTHERS_MS; readServerLock(dataDir) !== undefined; await pause(50)) {
    if (Date.now() < deadline) continue
    const whose = machine === '' ? 'a machine that left no name' : `another machine or container (${hostIn(machine)})`
    throw new MigrationManagerError(
      'embedded/other-machine',
      `The data in ${dataDir} is in use by a PostgreSQL server of ${whose}, or was when that one was stopped.`,
      {
        hint: `Two servers on one folder would destroy the data. When nothing runs there any more: rm '${join(dataDir, LOCK_FILE)}'`,
      },
    )
  }
}

/** The name of the machine that started a server on the data last; empty where none is written. */
function readMachine({ machineFile, user }: Place): string {
  try {
    const fd = openOwnFile(machineFile, READING, user)
    try {
      const name = Buffer.alloc(1_000)
      return name.toString('utf8', 0, readSync(fd, name))
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return ''
    throw error
  }
}

function writeMachine({ machineFile, user }: Place): void {
  const fd = openOwnFile(machineFile, WRITING, user)
  try {
    ftruncateSync(fd)
    writeSync(fd, machineName())
  } finally {
    closeSync(fd)
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
