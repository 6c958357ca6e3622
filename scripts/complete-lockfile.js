// Adds to package-lock.json the optional platform packages that npm left out because the registry at hand did not
// serve them: `npm ci` refuses a lock file that does not name every optional dependency, wanted here or not.
// Run it after every change of dependencies; it changes nothing when nothing is missing. With a folder (bench) it looks
// at that folder's lock file.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const path = join(import.meta.dirname, '..', process.argv[2] ?? '.', 'package-lock.json')
const lock = JSON.parse(readFileSync(path, 'utf8'))
const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32', 'aix', 'netbsd', 'openbsd', 'sunos']
const processors = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el', 'wasm32']
let added = 0

for (const [parent, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
  if (parent === '') continue
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const place = `node_modules/${name}`
    if (place in lock.packages) continue
    const parts = name.split(/[/-]/)
    const os = parts.includes('windows') ? 'win32' : systems.find((system) => parts.includes(system))
    const cpu = processors.find((processor) => parts.includes(processor))
    if (os === undefined || cpu === undefined || !/^\d/.test(version)) {
      console.error(`${name} ${version}: which platform it is for cannot be told from its name`)
      process.exitCode = 1
      continue
    }
    const libc = parts.some((part) => part.startsWith('musl'))
      ? ['musl']
      : os === 'linux' && parts.some((part) => part.startsWith('gnu'))
        ? ['glibc']
        : undefined
    lock.packages[place] = {
      version,
      cpu: [cpu],
      ...(dev ? { dev } : {}),
      ...(libc ? { libc } : {}),
      optional: true,
      os: [os],
    }
    added++
  }
}

if (added > 0) {
  lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
}
console.log(`${added} platform package(s) added to package-lock.json`)
