// The main job on two real databases of this folder's own, dev and prod, in under a minute. Nothing is left behind.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const main = join(root, 'dist', 'cli', 'main.cjs')
const project = mkdtempSync(join(tmpdir(), 'migration-manager-demo-'))
const isTerminal = process.stdout.isTTY
const env = { ...process.env, DATABASE_URL: 'embedded:dev', PROD_DATABASE_URL: 'embedded:prod' }
for (const name of Object.keys(env)) {
  // Nobody's own databases or settings take part in a demonstration.
  const isOurs = name === 'DATABASE_URL' || name === 'PROD_DATABASE_URL'
  if (!isOurs && (/_DATABASE_URL$|_MIGRATIONS_DIR$/.test(name) || name.startsWith('MIGRATION'))) delete env[name]
}

let failures = 0

/** Runs one command as a person would type it, and looks whether it ends as it should. */
function show(comment, args, expected) {
  console.log(`\n${bold(`# ${comment}`)}\n$ migration-manager ${args.join(' ')}`)
  const { status } = spawnSync(process.execPath, [main, ...args], { cwd: project, env, stdio: 'inherit' })
  console.log(dim(`exit code ${status}`))
  if (status !== expected) {
    failures++
    console.log(`The demo expected exit code ${expected}.`)
  }
}

function bold(text) {
  return isTerminal ? `\u001b[1m${text}\u001b[22m` : text
}

function dim(text) {
  return isTerminal ? `\u001b[2m${text}\u001b[22m` : text
}

try {
  cpSync(join(root, 'database'), join(project, 'database'), { recursive: true })
  console.log('Two environments, dev and prod, each a real PostgreSQL database of this demo’s own.')
  show('dev is a little ahead: two of four migrations', ['sync', '--env', 'dev', '--to', '002'], 0)
  show('where does each environment stand?', ['status'], 0)
  show('what would a sync do, and in which order?', ['plan'], 0)
  show('do it; prod is protected, so somebody must say yes', ['sync', '--yes'], 0)
  show('in step, and a pipeline can check it', ['status', '--check'], 0)

  const file = join(project, 'database', '002-token-encryption.sql')
  writeFileSync(file, `${readFileSync(file, 'utf8')}\n-- a late idea\n`)
  show('somebody edits a file that both have run: refused, with the way out', ['sync', '--yes'], 4)
} finally {
  if (existsSync(project)) rmSync(project, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
}

console.log(failures === 0 ? '\nThe demo went as it should.' : `\nThe demo failed at ${failures} step(s).`)
process.exit(failures === 0 ? 0 : 1)
