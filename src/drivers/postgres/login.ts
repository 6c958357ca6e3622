import { dirname } from 'node:path'
import type { Target } from '../../core/driver.ts'
import { MigrationManagerError } from '../../core/errors.ts'
import type { Emit } from '../../core/event.ts'
import type { Login } from './session.ts'
import type { PostgresEndpoint } from './url.ts'

/** Where an environment's database is and how to log in to it; `release` ends what had to be started for it. */
export interface LoginLease {
  readonly login: Login
  readonly release: () => void
}

/**
 * Turns an endpoint into a login, starting the project's own server when it is an embedded one, and the files are known
 * to be good: it may have to be made. Throws `run/interrupted` when the signal comes meanwhile.
 */
export async function logIn(
  { environment, expected }: Target<PostgresEndpoint>,
  emit: Emit,
  signal: AbortSignal,
): Promise<LoginLease> {
  const { endpoint } = environment
  if (endpoint.kind === 'server') return { login: endpoint, release: () => {} }
  await expected
  const { startEmbedded } = await import('../embedded/index.ts')
  const database = await startEmbedded({
    projectDir: endpoint.projectDir,
    home: endpoint.home,
    isThrowAway: endpoint.isThrowAway,
    database: endpoint.database,
    signal,
    onProgress: (what) => emit({ type: 'waiting', environment: environment.name, what }),
  }).catch((cause: unknown) => {
    throw signal.aborted && cause === signal.reason ? interruptedStart(environment.name) : cause
  })
  return {
    login: {
      host: dirname(database.socketPath),
      port: 5432,
      tls: { mode: 'off' },
      user: database.user,
      password: null,
      database: database.database,
    },
    release: () => database.release(),
  }
}

function interruptedStart(environment: string): MigrationManagerError {
  return new MigrationManagerError(
    'run/interrupted',
    `The run was interrupted while the embedded PostgreSQL server of ${environment} started.`,
    { environment, hint: 'No database was written to. Run the command again.' },
  )
}
