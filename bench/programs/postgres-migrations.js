// Runs the migrations of ./migrations with the library postgres-migrations; without a DATABASE_URL only loads it.
import { Client } from 'pg'
import { migrate } from 'postgres-migrations'

const url = process.env.DATABASE_URL
if (url) {
  const client = new Client(url)
  await client.connect()
  await migrate({ client }, 'migrations')
  await client.end()
}
