import { createProject } from './cli.ts'
import type { TestProject } from './cli.ts'
import { createDatabase } from './server.ts'
import type { TestDatabase } from './server.ts'

/** A project whose environment prod has many databases, listed in `tenants.txt`. */
export interface TestFleet extends AsyncDisposable {
  readonly dev: TestDatabase
  /** `prod/t01` is the first. */
  readonly tenants: readonly TestDatabase[]
  readonly project: TestProject
}

/** The environments dev, with one database, and prod, with `count` of them. */
export async function createFleet(count: number, files: Readonly<Record<string, string>>): Promise<TestFleet> {
  const [dev, ...tenants] = await Promise.all(
    Array.from({ length: count + 1 }, (_, index) => createDatabase(index === 0 ? 'dev' : 'tenant')),
  )
  if (dev === undefined) throw new Error('no database')
  const project = createProject({ files, env: { DATABASE_URL: dev.url, PROD_DATABASE_URLS_FILE: 'tenants.txt' } })
  project.write('tenants.txt', tenants.map(({ url }, index) => `${tenantName(index)}=${url}\n`).join(''))
  return {
    dev,
    tenants,
    project,
    async [Symbol.asyncDispose]() {
      await Promise.all([dev, ...tenants].map((database) => database.drop()))
      await project[Symbol.asyncDispose]()
    },
  }
}

/** `t01` for the first, index 0. */
export function tenantName(index: number): string {
  return `t${String(index + 1).padStart(2, '0')}`
}
