import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { MigrationManagerError } from '../../core/errors.ts'
import { quoted } from '../../core/shell.ts'

/** The operating system's account that PostgreSQL runs as: ourselves, or another one when we are root. */
export interface ServerUser {
  readonly uid: number
  readonly gid: number
}

/** How to start a program as the server's user. */
export interface Launcher {
  readonly user: ServerUser
  /** `setpriv` and its options, which go before the program; empty where there is no `setpriv`. */
  readonly prefix: readonly string[]
  /** PostgreSQL's major version, as the program itself says. */
  readonly majorVersion: number
}

/**
 * PostgreSQL refuses to run as root. Root hands it to the owner of the first of `folders` that exists and is not root's,
 * so that a project that somebody else owns stays theirs; else to the user `postgres`, else to `nobody`.
 */
export function chooseServerUser(folders: readonly string[]): ServerUser {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  if (uid !== 0) return { uid, gid }
  for (const folder of folders) {
    const found = statSync(folder, { throwIfNoEntry: false })
    if (found !== undefined && found.uid !== 0) return { uid: found.uid, gid: found.gid }
  }
  return findAccount('postgres') ?? findAccount('nobody') ?? { uid: 65_534, gid: 65_534 }
}

function findAccount(name: string): ServerUser | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  // macOS writes nobody's ids as -2, which the system calls understand as unsigned.
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }
}

/**
 * Finds a way to run `program` (PostgreSQL's `postgres`) as `user` with access to `folder`, by trying it.
 * As root, folders that are closed to the user are opened to this one process with a capability, through `setpriv`.
 * Throws `embedded/no-access` that names the closed folder, or `embedded/start-failed` if the program does not run.
 */
export function prepareLauncher(user: ServerUser, program: string, folder: string): Launcher {
  const complaints: string[] = []
  for (const prefix of launchPrefixes(user)) {
    const attempt = tryLaunch(user, prefix, program, folder)
    if (attempt.majorVersion !== undefined) return { user, prefix, majorVersion: attempt.majorVersion }
    complaints.push(attempt.complaint)
  }
  const closed = closedFolder(user, folder) ?? closedFolder(user, program)
  if (closed !== undefined) {
    throw new MigrationManagerError(
      'embedded/no-access',
      `The embedded PostgreSQL runs as the user with id ${user.uid}, which may not enter ${closed}.`,
      { hint: `chmod o+x ${quoted(closed)}, or run migration-manager as the owner of the project instead of root.` },
    )
  }
  throw new MigrationManagerError(
    'embedded/start-failed',
    `${program} does not run on this machine: ${[...new Set(complaints)].join('; ')}`,
    { hint: 'Its programs need glibc on Linux (not Alpine). A postgres:// URL of another server works everywhere.' },
  )
}

/**
 * Without capabilities first. `--pdeathsig` makes the kernel stop the server when the process that started it is killed
 * (prctl(2), PR_SET_PDEATHSIG), so that no server is left behind; it exists on Linux only.
 */
function launchPrefixes(user: ServerUser): readonly (readonly string[])[] {
  if (process.platform !== 'linux') return [[]]
  const follow = ['setpriv', '--pdeathsig', 'INT']
  if (process.getuid?.() !== 0) return [follow, []]
  const change = [...follow, '--reuid', `${user.uid}`, '--regid', `${user.gid}`, '--clear-groups']
  // Containers often lack the narrower capability but have the wider one.
  const withCapability = ['+dac_read_search', '+dac_override'].map((capability) => [
    ...change,
    '--inh-caps',
    capability,
    '--ambient-caps',
    capability,
  ])
  return [change, [], ...withCapability]
}

function tryLaunch(
  user: ServerUser,
  prefix: readonly string[],
  program: string,
  folder: string,
): { readonly majorVersion: number } | { readonly majorVersion?: undefined; readonly complaint: string } {
  const [command, args, options] = commandFor(user, prefix, '/bin/sh', [
    '-c',
    'cd "$2" && exec "$1" --version',
    'sh',
    program,
    folder,
  ])
  const result = spawnSync(command, args, { ...options, encoding: 'utf8' })
  const version = /\(PostgreSQL\) (\d+)/.exec(result.stdout ?? '')?.[1]
  if (version !== undefined) return { majorVersion: Number(version) }
  return { complaint: result.error?.message ?? result.stderr.trim() }
}

/** Starts a program as the server's user. */
export function spawnAs(
  launcher: Launcher,
  program: string,
  args: readonly string[],
  options: Pick<SpawnOptions, 'stdio'>,
): ChildProcess {
  const [command, allArgs, ownOptions] = commandFor(launcher.user, launcher.prefix, program, args)
  return spawn(command, allArgs, { ...ownOptions, ...options })
}

function commandFor(
  user: ServerUser,
  prefix: readonly string[],
  program: string,
  args: readonly string[],
): [string, string[], SpawnOptions] {
  // A small environment: ours may hold database passwords, and PG* variables would change the server's settings.
  const options: SpawnOptions = { cwd: '/', env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' } }
  const [command, ...rest] = [...prefix, program, ...args]
  if (command === undefined) throw new TypeError('no program to start')
  // setpriv changes the user by itself; it has to be root until then.
  const changesUser = prefix.length === 0 && process.getuid?.() === 0
  return [command, rest, changesUser ? { ...options, uid: user.uid, gid: user.gid } : options]
}

/** The outermost folder on the way to `path` that `user` may not enter, as far as plain permissions tell. */
function closedFolder(user: ServerUser, path: string): string | undefined {
  const parent = dirname(path)
  const outer = parent === path ? undefined : closedFolder(user, parent)
  if (outer !== undefined) return outer
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined || !found.isDirectory()) return undefined
  const bit = found.uid === user.uid ? 0o100 : found.gid === user.gid ? 0o010 : 0o001
  return (found.mode & bit) === 0 ? path : undefined
}
