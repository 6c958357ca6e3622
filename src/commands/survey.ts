import type { Connection, Reading } from '../core/driver.ts'
import { nameFolderOptions } from '../core/environment.ts'
import type { Environment } from '../core/environment.ts'
import { MigrationManagerError } from '../core/errors.ts'
import type { Emit } from '../core/event.ts'
import { expectHistories } from '../core/expected-history.ts'
import type { ExpectedHistories } from '../core/expected-history.ts'
import { buildMatrix } from '../core/matrix.ts'
import type { Column, Folder, Matrix } from '../core/matrix.ts'
import type { Migration } from '../core/migration.ts'
import { DEFAULT_CONCURRENCY } from '../core/policy.ts'
import type { Project } from '../core/project.ts'
import { createTurns } from '../runner/turns.ts'
import { readFolder } from '../sources/folder.ts'
import { leave, parkConnection } from './parked-connection.ts'
import { refuseTwins } from './same-database.ts'

/** One environment as it was found. */
export type Sight =
  | {
      readonly environment: Environment
      readonly isReachable: true
      readonly connection: Connection
      readonly reading: Reading
    }
  | { readonly environment: Environment; readonly isReachable: false; readonly error: MigrationManagerError }

/** All that was read before anything is decided. Dispose of it to close the connections. */
export interface Survey extends AsyncDisposable {
  readonly folders: readonly Folder[]
  /** In promotion order. */
  readonly sights: readonly Sight[]
  readonly matrix: Matrix
  /** The migrations of an environment's folder. */
  migrationsOf(environment: Environment): readonly Migration[]
}

/** What must be known of a history: what is applied as it is, or also when, by whom and in which run. */
export type Detail = 'states' | 'everything'

/**
 * Connects to all `environments` at once and reads each with one question, then compares them with the files of
 * `folders`, which are read meanwhile. Of one server's databases, at most `project.concurrency` are connected to at a
 * time; where there are more, the connections are closed after the reading and opened again for those that are written to.
 * An environment that cannot be read is in the answer, with its error. Throws as `refuseTwins` does before anything is
 * connected to, what kept the folders from being read, and `run/interrupted`.
 * With the detail `states` the times in the histories may be null.
 */
export async function survey(
  project: Project,
  environments: readonly Environment[],
  folders: Promise<readonly Folder[]>,
  emit: Emit,
  signal: AbortSignal,
  detail: Detail = 'everything',
): Promise<Survey> {
  // Both are awaited below; whichever fails first must not find that nobody listens yet.
  folders.catch(() => {})
  refuseTwins(project, environments)
  const inVain = new AbortController()
  const stop = AbortSignal.any([signal, inVain.signal])
  const looking = lookAtAll(project, environments, createExpectations(folders, detail), emit, stop)
  looking.catch(() => {})
  const read = await folders.catch(async (cause: unknown) => {
    inVain.abort()
    await looking.then(close, () => {})
    throw cause
  })
  const sights = await looking
  if (signal.aborted) {
    // Otherwise a login that was cut off would be reported as the server's fault.
    await close(sights)
    throw new MigrationManagerError('run/interrupted', 'The run was interrupted while it read the environments.', {
      hint: 'No database was written to. Run the command again.',
    })
  }
  return {
    folders: read,
    sights,
    matrix: buildMatrix(read, columnsOf(sights)),
    migrationsOf: (environment) => read.find(({ dir }) => dir === environment.migrationsDir)?.migrations ?? [],
    async [Symbol.asyncDispose]() {
      await close(sights)
    },
  }
}

/** What was found as columns of a matrix. */
export function columnsOf(sights: readonly Sight[]): readonly Column[] {
  return sights.map((sight) => ({
    environment: sight.environment,
    history: sight.isReachable ? sight.reading.history : null,
  }))
}

/** So long after the connections are asked for, in milliseconds, the first message of a login is on its way. */
const HEAD_START_MS = 2

/**
 * Reads the migration files of these environments, each once; whatever is begun at the same time goes first. Throws
 * `ProblemsError` for bad files.
 */
export async function readFolders(project: Project, environments: readonly Environment[]): Promise<readonly Folder[]> {
  const dirs = [...new Set(environments.map(({ migrationsDir }) => migrationsDir))]
  const folders: Folder[] = []
  await new Promise((resolve) => setTimeout(resolve, HEAD_START_MS))
  for (const dir of dirs) {
    const options = nameFolderOptions(environments.filter(({ migrationsDir }) => migrationsDir === dir))
    folders.push({ dir, migrations: await readFolder(dir, project.cwd, options) })
  }
  return folders
}

/** Environments with the same answer are on one server, and share its connections. */
export function serverOf(project: Project, environment: Environment): string {
  return project.driverOf(environment.engine).serverOf?.(environment) ?? environment.name
}

function lookAtAll(
  project: Project,
  environments: readonly Environment[],
  expect: Expectations,
  emit: Emit,
  signal: AbortSignal,
): Promise<readonly Sight[]> {
  const atOnce = project.concurrency ?? DEFAULT_CONCURRENCY
  const takeTurn = createTurns(atOnce)
  const crowds = new Map<string, number>()
  for (const environment of environments) {
    const server = serverOf(project, environment)
    crowds.set(server, (crowds.get(server) ?? 0) + 1)
  }
  return Promise.all(
    environments.map((environment): Promise<Sight> => {
      const server = serverOf(project, environment)
      const connect = connector(project, environment, expect(environment.migrationsDir), emit, signal)
      if ((crowds.get(server) ?? 0) <= atOnce) return look(environment, connect)
      return takeTurn(server, async () => {
        const sight = await look(environment, connect)
        if (!sight.isReachable) return sight
        await leave(sight.connection)
        const connection = parkConnection(environment.name, sight, connect, (work) => takeTurn(server, work), signal)
        return { ...sight, connection }
      })
    }),
  )
}

/** What the histories of the databases that run a folder's files may be; nothing is asked before the files are known. */
type Expectations = (dir: string) => Promise<ExpectedHistories | null>

/** Worked out once for each folder. */
function createExpectations(folders: Promise<readonly Folder[]>, detail: Detail): Expectations {
  const expected = folders.then(
    (read) => new Map(detail === 'states' ? read.map(({ dir, migrations }) => [dir, expectHistories(migrations)]) : []),
  )
  // That the files cannot be read is said by whoever reads them, and not every driver asks.
  expected.catch(() => {})
  return (dir) => {
    const ofFolder = expected.then((all) => all.get(dir) ?? null)
    ofFolder.catch(() => {})
    return ofFolder
  }
}

function connector(
  project: Project,
  environment: Environment,
  expected: Promise<ExpectedHistories | null>,
  emit: Emit,
  signal: AbortSignal,
): () => Promise<Connection> {
  return () =>
    project.driverOf(environment.engine).connect(
      {
        environment,
        historySchema: project.historySchema,
        limits: project.limits,
        runId: project.runId,
        actor: project.actor,
        expected,
      },
      emit,
      signal,
    )
}

async function look(environment: Environment, connect: () => Promise<Connection>): Promise<Sight> {
  let connection: Connection | undefined
  try {
    connection = await connect()
    return { environment, isReachable: true, connection, reading: await connection.read() }
  } catch (cause) {
    await connection?.[Symbol.asyncDispose]()
    if (!(cause instanceof MigrationManagerError)) throw cause
    return { environment, isReachable: false, error: cause }
  }
}

async function close(sights: readonly Sight[]): Promise<void> {
  await Promise.all(sights.map(async (sight) => sight.isReachable && sight.connection[Symbol.asyncDispose]()))
}
