// So that `cd database && node migration-manager sync` works: the project is the folder above this one.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

const here = import.meta.dirname
const main = join(here, '..', 'dist', 'cli', 'main.cjs')
if (!existsSync(main)) {
  process.stderr.write('migration-manager is not built yet: run npm ci && npm run build in the folder above.\n')
  process.exit(2)
}
// A .env beside the migrations counts as the project's own when somebody put one here.
const own = join(here, '.env')
if (existsSync(own) && !process.argv.some((word) => word.startsWith('--env-file'))) {
  process.argv.push('--env-file', own)
}
process.chdir(dirname(here))
await import(main)
