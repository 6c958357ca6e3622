import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { preparePlace } from './place.ts'

/** A folder for an embedded server that nobody needs afterwards. Dispose of it when its last user has gone. */
export interface ThrowAwayFolder extends AsyncDisposable {
  readonly path: string
}

/** How long the server may take to end, before its folder is left to the operating system. */
const END_MS = 10_000

/** Makes an empty folder in the temporary folder; `embedded:` databases of it have a server of their own. */
export function createThrowAwayFolder(): ThrowAwayFolder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'mm-rehearsal-')))
  return {
    path,
    async [Symbol.asyncDispose]() {
      const { socketDir } = preparePlace(path)
      // The supervisor removes this folder as the last thing that it does.
      for (const deadline = Date.now() + END_MS; existsSync(socketDir); await pause(20)) {
        if (Date.now() > deadline) return
      }
      rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
  }
}
