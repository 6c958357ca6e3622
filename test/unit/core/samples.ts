import type { Environment } from '../../../src/core/environment.ts'
import type { AppliedMigration } from '../../../src/core/history.ts'
import { readMigrations } from '../../../src/core/migration.ts'
import type { Migration, MigrationFile } from '../../../src/core/migration.ts'
import { checksumOf } from '../../../src/core/checksum.ts'

/** A file of the folder `database`, as a source hands it over. */
export function fileOf(fileName: string, text: string = `-- ${fileName}\n`): MigrationFile {
  return { fileName, file: `database/${fileName}`, content: { text } }
}

/** The migrations of names (without `.sql`), each with a text of its own. Throws when they are refused. */
export function migrationsOf(...names: readonly string[]): readonly Migration[] {
  const result = readMigrations(names.map((name) => fileOf(`${name}.sql`)))
  if ('problems' in result) throw new Error(result.problems.map((problem) => problem.message).join('\n'))
  return result.migrations
}

/** A row of a history, applied from the text that `fileOf` and `migrationsOf` give to this name. */
export function rowOf(name: string, change: Partial<AppliedMigration> = {}): AppliedMigration {
  return {
    name,
    checksum: checksumOf(`-- ${name}.sql\n`),
    status: 'applied',
    step: null,
    appliedAt: new Date('2026-01-02T03:04:05Z'),
    durationMs: 7,
    appliedBy: 'postgres',
    runId: null,
    ...change,
  }
}

export function environmentOf(name: string, order: number = 0, migrationsDir: string = 'database'): Environment {
  return {
    name,
    engine: 'memory',
    endpoint: null,
    secrets: [],
    protected: false,
    order,
    origin: `${name.toUpperCase()}_DATABASE_URL in .env`,
    migrationsDir,
  }
}
