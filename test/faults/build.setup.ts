import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** Makes the build with kill points from the one that `npm run build` has left, once for all tests of the project. */
export function setup(): void {
  if (process.env['FAULTS_BUILD'] !== undefined) return
  execFileSync(process.execPath, [join(import.meta.dirname, '..', '..', 'scripts', 'build-faults.js')])
}
