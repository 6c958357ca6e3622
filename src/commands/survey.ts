import type { Connection, Reading } from '../core/driver.ts'
import type { Environment } from '../core/environment.ts'
import { MigrationManagerError, ProblemsError } from '../core/errors.ts'
import type { Problem } from '../core/errors.ts'
import type { Emit } from '../core/event.ts'
import { buildMatrix } from '../core/matrix.ts'
import type { Folder, Matrix } from '../core/matrix.ts'
import type { Migration } from '../core/migration.ts'
import type { Project } from '../core/project.ts'
import { readFolder } from '../sources/folder.ts'

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

/**
 * Connects to all `environments` at once and reads each with one question, then compares them with the files of
 * `folders`. An environment that cannot be read is in the answer, with its error. Throws `run/interrupted`.
 */
export async function survey(
  project: Project,
  environments: readonly Environment[],
  folders: readonly Folder[],
  emit: Emit,
  signal: AbortSignal,
): Promise<Survey> {
  const sights = await Promise.all(environments.map((environment) => look(project, environment, emit, signal)))
  if (signal.aborted) {
    // Otherwise a login that was cut off would be reported as the server's fault.
    await close(sights)
    throw new MigrationManagerError('run/interrupted', 'The run was interrupted while it read the environments.', {
      hint: 'No database was written to. Run the command again.',
    })
  }
  return {
    folders,
    sights,
    matrix: buildMatrix(
      folders,
      sights.map((sight) => ({
        environment: sight.environment,
        history: sight.isReachable ? sight.reading.history : null,
      })),
    ),
    migrationsOf: (environment) => folders.find(({ dir }) => dir === environment.migrationsDir)?.migrations ?? [],
    async [Symbol.asyncDispose]() {
      await close(sights)
    },
  }
}

/** Reads the migration files of these environments, each once. Throws `ProblemsError` for bad files. */
export function readFolders(project: Project, environments: readonly Environment[]): readonly Folder[] {
  const dirs = [...new Set(environments.map(({ migrationsDir }) => migrationsDir))]
  return dirs.map((dir) => ({ dir, migrations: readFolder(dir, project.cwd) }))
}

async function look(project: Project, environment: Environment, emit: Emit, signal: AbortSignal): Promise<Sight> {
  let connection: Connection | undefined
  try {
    connection = await project.driverOf(environment.engine).connect(
      {
        environment,
        historySchema: project.historySchema,
        limits: project.limits,
        runId: project.runId,
        actor: project.actor,
      },
      emit,
      signal,
    )
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

/** Nothing may be written anywhere while one environment is unknown: throws `ProblemsError` with all that could not be read. */
export function refuseUnreadable(sights: readonly Sight[]): void {
  const problems = sights.flatMap((sight): Problem[] =>
    sight.isReachable
      ? []
      : [
          {
            code: sight.error.code,
            message: `${sight.environment.name} could not be read: ${sight.error.message}`,
            hint: sight.error.hint,
          },
        ],
  )
  const [first, ...rest] = problems
  if (first !== undefined) throw new ProblemsError([first, ...rest])
}

/**
 * Refuses what would make every later word about these environments wrong. Throws `target/same-database` or
 * `target/other-environment`.
 */
export function refuseMixUps(sights: readonly Sight[], options: { readonly mayRename: boolean }): void {
  const owners = new Map<string, Environment>()
  for (const sight of sights) {
    if (!sight.isReachable) continue
    const { environment, reading } = sight
    const twin = reading.databaseId === '' ? undefined : owners.get(reading.databaseId)
    if (twin !== undefined) {
      throw new MigrationManagerError(
        'target/same-database',
        `${twin.name} and ${environment.name} are the same database.`,
        {
          environment: environment.name,
          hint: `Give each its own: look at ${twin.origin} and ${environment.origin}.`,
        },
      )
    }
    owners.set(reading.databaseId, environment)
    if (reading.initialisedAs !== null && reading.initialisedAs !== environment.name && !options.mayRename) {
      throw new MigrationManagerError(
        'target/other-environment',
        `The database of ${environment.name} was initialised as ${reading.initialisedAs}.`,
        {
          environment: environment.name,
          hint: `Is the connection string in ${environment.origin} the right one? If this database is ${environment.name} from now on (a copy, or a new name), say so: migration-manager init --env ${environment.name} --allow target/other-environment`,
        },
      )
    }
  }
}
