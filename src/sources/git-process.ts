import { execFile } from 'node:child_process'
import { systemErrorCode } from '../core/errors.ts'
import type { GitGap } from '../core/provenance.ts'

/** What git wrote to its standard output, or why there is nothing. */
export type GitAnswer =
  | { readonly ok: true; readonly stdout: Buffer }
  | { readonly ok: false; readonly gap: Exclude<GitGap, 'not-committed' | 'shallow-clone'> }

export interface GitCall {
  /** The working directory; it must be there. */
  readonly cwd: string
  readonly args: readonly string[]
  /** What git reads from its standard input. */
  readonly input?: string
  readonly deadlineMs: number
  /** The largest output that is taken; beyond it git is ended. */
  readonly maxBytes?: number
  /** Exit codes that are an answer. */
  readonly exitCodes?: readonly number[]
  /** Variables in addition to the few that git inherits. */
  readonly env?: Readonly<Record<string, string>>
}

/**
 * What git may know of our environment: where it finds itself and its configuration. No connection string is among it,
 * so that nothing which a repository's configuration might start can read one.
 */
const INHERITED = /^(?:PATH|HOME|USERPROFILE|APPDATA|SYSTEMROOT|XDG_CONFIG_HOME|TMPDIR|TEMP|TMP|GIT_CONFIG_\w+)$/i

/**
 * A repository may be hostile: no program that its configuration names is started, nothing is fetched, nothing is
 * written, and no path means more than itself.
 */
const SETTINGS = ['--no-pager', '-c', 'core.fsmonitor=false', '-c', 'core.pager=cat', '-c', 'log.showSignature=false']
const ENVIRONMENT = {
  LC_ALL: 'C',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_TERMINAL_PROMPT: '0',
  GIT_LITERAL_PATHSPECS: '1',
  GIT_NO_REPLACE_OBJECTS: '1',
  // A partial clone would fetch what it lacks, with the commands of its configuration.
  GIT_NO_LAZY_FETCH: '1',
  GIT_ALLOW_PROTOCOL: 'none',
}

/** The only way to git. Starts it without a shell and ends it at the deadline; never throws. */
export function callGit(call: GitCall): Promise<GitAnswer> {
  const { cwd, args, input, deadlineMs, maxBytes = 16 * 1024 * 1024, exitCodes = [0], env = {} } = call
  const options = {
    cwd,
    env: { ...inheritedEnvironment(), ...ENVIRONMENT, ...env },
    encoding: 'buffer',
    timeout: deadlineMs,
    killSignal: 'SIGKILL',
    maxBuffer: maxBytes,
    windowsHide: true,
  } as const
  return new Promise<GitAnswer>((resolve) => {
    const child = execFile('git', [...SETTINGS, ...args], options, (error, stdout, stderr) => {
      // Of a program that was ended the code is null.
      const isAnswer = error === null || (typeof error.code === 'number' && exitCodes.includes(error.code))
      resolve(isAnswer ? { ok: true, stdout } : { ok: false, gap: gapOf(error, stderr.toString('utf8')) })
    })
    // Git that has ended does not read any more; its exit says why.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
    // More arguments than the system takes, for one, is thrown at once.
  }).catch(() => ({ ok: false, gap: 'failed' }))
}

function inheritedEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => INHERITED.test(name)))
}

function gapOf(error: Error & { readonly killed?: boolean }, stderr: string): Exclude<GitAnswer, { ok: true }>['gap'] {
  const code = systemErrorCode(error)
  if (code === 'ENOENT' || code === 'EACCES') return 'no-git'
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'too-large'
  if (error.killed === true) return 'timed-out'
  if (/promisor remote/.test(stderr)) return 'partial-clone'
  if (/dubious ownership/.test(stderr)) return 'not-trusted'
  return /not a git repository/i.test(stderr) ? 'no-repository' : 'failed'
}
