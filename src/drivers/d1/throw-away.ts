import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ThrowAway } from '../../core/driver.ts'
import type { LocalEndpoint } from './url.ts'

/** A local D1 database in a folder of its own, which is started with the first connection and thrown away afterwards. */
export async function createThrowAwayD1(projectDir: string): Promise<ThrowAway> {
  const folder = mkdtempSync(join(tmpdir(), 'migration-manager-d1-'))
  const endpoint: LocalEndpoint = { kind: 'local', persistDir: folder, databaseId: 'rehearsal', projectDir }
  return {
    endpoint,
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    },
  }
}
