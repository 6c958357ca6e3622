import { cpSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/*
 * Makes the build that the fault-injection tests run: a copy of dist/ in which `reach` (core/kill-point) does something.
 *
 *   MM_FAULT=applied:2:SIGKILL   the second time that the moment `applied` is reached, the process sends itself SIGKILL
 *   MM_FAULT_TRACE=<file>        every moment is written to this file, one a line
 *
 * It also has `warm.js`, which runs command lines one after the other in one process (test/faults/warm.ts).
 *
 * Usage: node scripts/build-faults.js [folder], by default dist-faults; it must lie where node_modules is found.
 */

const KILL_POINT = `const { appendFileSync } = require('node:fs')

const [moment, occurrence, signal] = (process.env.MM_FAULT ?? '').split(':')
const trace = process.env.MM_FAULT_TRACE
let times = 0

exports.reach = (reached) => {
  if (trace !== undefined) appendFileSync(trace, reached + '\\n')
  if (reached !== moment || ++times !== Number(occurrence)) return
  process.kill(process.pid, signal)
  // SIGKILL is on its way, and nothing more may be done before it arrives.
  while (signal === 'SIGKILL');
}
`

const WARM = `import { runCommandLine } from './cli/command-line.cjs'

const said = { stdout: '', stderr: '' }
for (const name of ['stdout', 'stderr']) {
  process[name].write = (chunk, ...rest) => {
    said[name] += chunk
    rest.at(-1)?.()
    return true
  }
}
process.on('disconnect', () => process.exit())
process.on('message', async ({ argv, cwd, env }) => {
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, env)
  process.chdir(cwd)
  said.stdout = said.stderr = ''
  const exitCode = await runCommandLine(argv)
  process.send({ exitCode, ...said })
  for (const name of ['uncaughtException', 'unhandledRejection', 'SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name)
  for (const name of ['error', 'close']) for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners(name)
})
`

const root = join(import.meta.dirname, '..')
const target = process.argv[2] ?? join(root, 'dist-faults')
// Complete or not at all: several test runs may start at once.
const unfinished = `${target}.new-${process.pid}`
cpSync(join(root, 'dist'), unfinished, { recursive: true })
writeFileSync(join(unfinished, 'cli', 'kill-point.cjs'), KILL_POINT)
writeFileSync(join(unfinished, 'warm.js'), WARM)
const old = `${target}.old-${process.pid}`
try {
  renameSync(target, old)
} catch (error) {
  if (error.code !== 'ENOENT') throw error
}
renameSync(unfinished, target)
rmSync(old, { recursive: true, force: true })
