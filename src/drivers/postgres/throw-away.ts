import type { ThrowAway } from '../../core/driver.ts'
import type { EmbeddedEndpoint } from './url.ts'

/**
 * A database on a PostgreSQL server of its own, which is started with the first connection and thrown away afterwards:
 * roles and whatever else is not in one database go with it.
 */
export async function createThrowAwayPostgres(projectDir: string): Promise<ThrowAway> {
  const { createThrowAwayFolder } = await import('../embedded/throw-away.ts')
  const folder = createThrowAwayFolder()
  const endpoint: EmbeddedEndpoint = {
    kind: 'embedded',
    database: 'rehearsal',
    projectDir,
    home: folder.path,
    isThrowAway: true,
  }
  return { endpoint, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}
