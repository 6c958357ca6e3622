import type { Peer } from '../peer.ts'
import { dbmate } from './dbmate.ts'
import { drizzle } from './drizzle.ts'
import { graphileMigrate } from './graphile-migrate.ts'
import { kysely } from './kysely.ts'
import { migrationManager } from './migration-manager.ts'
import { bareNode } from './node.ts'
import { nodePgMigrate, nodePgMigrateByFile } from './node-pg-migrate.ts'
import { postgresJs } from './postgres-js.ts'
import { postgresMigrations } from './postgres-migrations.ts'
import { psqlProcesses, psqlSession } from './psql.ts'
import { raw, rawPipelined } from './raw.ts'
import { supabase } from './supabase.ts'

/** Everybody who is measured, in the order in which they take their turns. */
export const PEERS: readonly Peer[] = [
  bareNode,
  migrationManager,
  raw,
  rawPipelined,
  postgresJs,
  psqlSession,
  psqlProcesses,
  dbmate,
  supabase,
  nodePgMigrate,
  nodePgMigrateByFile,
  graphileMigrate,
  postgresMigrations,
  kysely,
  drizzle,
]

/** Ours: the others are given as multiples of it. */
export const BASE: Peer = migrationManager

/** The least that can be expected of a tool for Node.js; targets show what it reaches. */
export const FLOOR: Peer = postgresJs
