import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { MigrationManagerError } from '../core/errors.ts'
import type { ErrorCode } from '../core/errors.ts'

/**
 * The built file of a driver that runs as a process of its own, `embedded/supervisor` for one. Node.js 20 runs no
 * TypeScript: from the sources (in tests) it is the built file, too, that is started. This module may run from
 * `src/drivers/`, from `dist/drivers/` or as part of the bundle in `dist/cli/bundle/`. Throws `code` when it is not there.
 */
export function findProgram(name: string, code: ErrorCode): string {
  const here = import.meta.url
  const isSource = here.endsWith('.ts')
  const dist = isSource ? '../../dist' : here.includes('/cli/bundle/') ? '../..' : '..'
  const program = fileURLToPath(new URL(`${dist}/drivers/${name}.js`, here))
  if (existsSync(program)) return program
  throw new MigrationManagerError(code, `${program} is missing.`, {
    hint: isSource ? 'npm run build' : 'Install migration-manager again.',
  })
}
