// So that `cd database && node migration-manager sync` works: the project is the folder above this one.
import { existsSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const here = import.meta.dirname
const project = dirname(here)
const main = join(project, 'dist', 'cli', 'main.cjs')
if (!existsSync(main)) {
  process.stderr.write('migration-manager is not built yet: run npm ci && npm run build in the folder above.\n')
  process.exit(2)
}

// Paths were written where the caller stands, and are read in the project's folder.
const PATHS = ['--dir', '--env-file', '--config']
const words = process.argv.slice(2).map((word, index, all) => {
  const [name = '', ...value] = word.split('=')
  if (PATHS.includes(name) && value.length > 0) return `${name}=${fromProject(value.join('='))}`
  return PATHS.includes(all[index - 1] ?? '') && !word.startsWith('-') ? fromProject(word) : word
})

// A .env beside the migrations counts as the project's own when somebody put one here.
const own = join(here, '.env')
const hasCommand = words.some((word) => !word.startsWith('-'))
if (hasCommand && existsSync(own) && !words.some((word) => word.startsWith('--env-file'))) {
  words.push('--env-file', own)
}
process.argv.splice(2, words.length, ...words)
process.chdir(project)
await import(main)

function fromProject(path) {
  return path.trim() === '' ? path : relative(project, resolve(path)) || '.'
}
