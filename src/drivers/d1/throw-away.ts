import type { ThrowAway } from '../../core/driver.ts'
import type { LocalEndpoint } from './url.ts'

/** A local D1 database in a folder of its own, which is made with the first connection and thrown away afterwards. */
export async function createThrowAwayD1(projectDir: string): Promise<ThrowAway> {
  const { mkdtempSync, rmSync } = await import('node:fs')
  const { tmpdir } = await import('node:os')
  const { join } = await import('node:path')
  const folder = mkdtempSync(join(tmpdir(), 'migration-manager-d1-'))
  const endpoint: LocalEndpoint = { kind: 'local', persistDir: folder, databaseId: 'rehearsal', projectDir }
  return {
    endpoint,
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    },
  }
}
