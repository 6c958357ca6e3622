// Runs the migrations of ./drizzle with drizzle-orm's migrator; without a DATABASE_URL only loads the library.
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import { Client } from 'pg'

const url = process.env.DATABASE_URL
if (url) {
  const client = new Client(url)
  await client.connect()
  await migrate(drizzle(client), { migrationsFolder: 'drizzle' })
  await client.end()
}
