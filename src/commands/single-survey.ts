import type { Environment } from '../core/environment.ts'
import { MigrationManagerError } from '../core/errors.ts'
import type { Emit } from '../core/event.ts'
import { isBlocking } from '../core/finding.ts'
import type { Migration } from '../core/migration.ts'
import type { Project } from '../core/project.ts'
import { selectEnvironments } from './selection.ts'
import { decideFrom } from './sound-survey.ts'
import { readFolders, survey } from './survey.ts'
import type { Sight } from './survey.ts'

/** One environment as it was found, with its files. Dispose of it to close the connection. */
export interface SingleSurvey extends AsyncDisposable {
  readonly environment: Environment
  readonly sight: Extract<Sight, { isReachable: true }>
  readonly migrations: readonly Migration[]
}

/**
 * Reads the one environment that a history is changed in by hand. `what` begins the sentence for who names none, or
 * several: such a thing is never done to all of them by default. Throws `usage/one-environment`, what keeps it from
 * being read, and as `refuseMixUps` does.
 */
export async function surveyOne(
  project: Project,
  what: string,
  emit: Emit,
  signal: AbortSignal,
): Promise<SingleSurvey> {
  const [environment, ...others] = selectEnvironments(project)
  // A shard may leave one that nobody has named.
  if (environment === undefined || others.length > 0 || project.selected === null || project.shard !== undefined) {
    throw new MigrationManagerError('usage/one-environment', `${what} in one environment.`, {
      hint:
        environment === undefined || project.shard !== undefined
          ? 'Name it with --env, and leave --shard out.'
          : `Name it: --env ${environment.name}`,
    })
  }
  const seen = await survey(project, [environment], readFolders(project, [environment]), emit, signal)
  return decideFrom(seen, async () => {
    const [sight] = seen.sights
    if (sight === undefined || !sight.isReachable) throw new Error('no sight of the environment')
    // One row by hand, and a history that is lost, or in another schema, would no longer be seen to be missing here.
    const missing = sight.reading.findings.find(isBlocking)
    if (missing !== undefined) {
      const { code, message, hint } = missing
      throw new MigrationManagerError(code, message, { environment: environment.name, hint })
    }
    return {
      environment,
      sight,
      migrations: seen.migrationsOf(environment),
      async [Symbol.asyncDispose]() {
        await seen[Symbol.asyncDispose]()
      },
    }
  })
}
