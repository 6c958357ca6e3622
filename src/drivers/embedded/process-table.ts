import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { hasCode } from './system-error.ts'

export interface ProcessEntry {
  readonly parentPid: number
  /** The program and its arguments, separated by spaces. */
  readonly command: string
}

/** What the operating system says about a process; `undefined` if it is gone (or only its exit code is left). */
export function findProcess(pid: number): ProcessEntry | undefined {
  // Small container images have no ps.
  return process.platform === 'linux' ? readProc(pid) : askPs(pid)
}

/** Formats: proc_pid_stat(5), proc_pid_cmdline(5). */
function readProc(pid: number): ProcessEntry | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in parentheses, and may itself hold spaces and parentheses.
    const [state, parentPid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (state === 'Z') return undefined
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return { parentPid: Number(parentPid), command }
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined
    throw error
  }
}

function askPs(pid: number): ProcessEntry | undefined {
  const { stdout } = spawnSync('ps', ['-o', 'ppid=,stat=,command=', '-p', `${pid}`], { encoding: 'utf8' })
  const [, parentPid, command] = /^\s*(\d+)\s+[^\sZ]\S*\s+(.*)$/m.exec(stdout) ?? []
  return parentPid === undefined || command === undefined ? undefined : { parentPid: Number(parentPid), command }
}
