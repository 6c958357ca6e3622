// Runs the SQL files of ./migrations with kysely's Migrator; without a DATABASE_URL only loads the library.
import { readdirSync, readFileSync } from 'node:fs'
import { Kysely, Migrator, PostgresDialect, sql } from 'kysely'
import { Pool } from 'pg'

const url = process.env.DATABASE_URL
if (url) {
  const db = new Kysely({ dialect: new PostgresDialect({ pool: new Pool({ connectionString: url, max: 1 }) }) })
  const provider = {
    getMigrations: async () =>
      Object.fromEntries(
        readdirSync('migrations').map((name) => [
          name,
          { up: (database) => sql.raw(readFileSync(`migrations/${name}`, 'utf8')).execute(database) },
        ]),
      ),
  }
  const { error } = await new Migrator({ db, provider }).migrateToLatest()
  await db.destroy()
  if (error) throw error
}
