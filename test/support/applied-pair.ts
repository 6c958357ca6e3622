import { createProject } from './cli.ts'
import type { TestProject } from './cli.ts'
import { createDatabase } from './server.ts'
import type { TestDatabase } from './server.ts'

/** A project with the environments dev and prod. */
export interface AppliedPair extends AsyncDisposable {
  readonly dev: TestDatabase
  readonly prod: TestDatabase
  readonly project: TestProject
}

/** Two environments in which all of these files are applied. */
export async function createAppliedPair(files: Readonly<Record<string, string>>): Promise<AppliedPair> {
  const dev = await createDatabase('dev')
  const prod = await createDatabase('prod')
  const project = createProject({ files, env: { DATABASE_URL: dev.url, PROD_DATABASE_URL: prod.url } })
  const synced = await project.run(['sync', '--yes'])
  if (synced.exitCode !== 0)
    throw new Error(`the first sync ended with ${synced.exitCode}:\n${synced.stdout}${synced.stderr}`)
  return {
    dev,
    prod,
    project,
    async [Symbol.asyncDispose]() {
      await Promise.all([dev.drop(), prod.drop(), project[Symbol.asyncDispose]()])
    },
  }
}
