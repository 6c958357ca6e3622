import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { Saying } from './oracle.ts'

/** A command line, as a new process would get it. */
export interface Job {
  readonly argv: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
}

const idle: ChildProcess[] = []

/**
 * Runs a command line in a process that has run others before, one at a time: half of what a short run costs is the
 * start of its process. `build` is that of scripts/build-faults.js. What differs from a process of its own is that
 * nothing ends with it: a socket or a timer that is left stays, and is found by the looks behind the run.
 */
export async function runWarm(build: string, job: Job, hangsAfterMs: number): Promise<Saying> {
  const child = idle.pop() ?? fork(join(build, 'warm.js'), { stdio: 'ignore' })
  return new Promise((resolve) => {
    const settle = (said: Omit<Saying, 'isHung'>, isHung: boolean): void => {
      clearTimeout(alarm)
      child.removeAllListeners()
      resolve({ ...said, isHung })
    }
    const alarm = setTimeout(() => {
      child.kill('SIGKILL')
      settle({ exitCode: null, stdout: '', stderr: 'hung in a warm process' }, true)
    }, hangsAfterMs)
    child.once('exit', (exitCode) => settle({ exitCode, stdout: '', stderr: 'the warm process has ended' }, false))
    child.once('message', (said: Omit<Saying, 'isHung'>) => {
      idle.push(child)
      settle(said, false)
    })
    child.send(job)
  })
}
