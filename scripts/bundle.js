import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

/*
 * Puts the modules of the command line together into few files, after `tsc`: loading a hundred small modules takes longer
 * than all that a status does. `dist/cli/main.cjs` is the command, `dist/cli/command-line.cjs` what it does, and what is
 * loaded later lies in `dist/cli/bundle/`. They are CommonJS, which Node.js finds and loads in half the time. Packages
 * stay packages, names stay names, and the source maps lead back to `src/`. The rest of `dist/` stays as it is, for the
 * library and for the processes that are started by their file. See ADR 0015.
 */

const dist = join(import.meta.dirname, '..', 'dist')
const cli = join(dist, 'cli')
const killPoint = join(cli, 'kill-point.cjs')

/** Where a status begins: beside the command line itself, only what it needs is loaded. */
const STATUS = ['cli/command-line.js', 'cli/commands/status.js', 'drivers/postgres/connection.js']
/** Where a sync begins, which needs more. */
const SYNC = [...STATUS, 'cli/commands/sync.js', 'lint/content.js', 'drivers/postgres/locked-work.js']
/** The files that these import, and what those import, without what is loaded later. */
const needed = { status: new Set(), sync: new Set() }

/** What takes the place of modules of Node.js in `postgres`; ours are named `node:…`. */
const UNLOADED = {
  perf_hooks: 'export const performance = { now: () => globalThis.performance.now() }',
  tls: `export default { connect() { throw new Error('the socket is encrypted by drivers/postgres/socket.ts') } }`,
}

const bundle = await rolldown({
  input: { main: join(cli, 'main.js'), 'command-line': join(cli, 'command-line.js') },
  platform: 'node',
  preserveEntrySignatures: 'allow-extension',
  // plan is sync, and loads it at once: that is meant so.
  checks: { ineffectiveDynamicImport: false },
  external: (id) => /^[@a-z]/i.test(id) && id !== 'postgres' && !(id in UNLOADED),
  plugins: [
    {
      // A file of its own: the fault tests put another in its place.
      name: 'kill-point',
      resolveId: (id) => (id.endsWith('/core/kill-point.js') ? { id: killPoint, external: true } : null),
    },
    {
      // Loading them takes 4 ms of a status. postgres looks at the clock when a connection is closed, and is given a
      // socket that is encrypted where it has to be.
      name: 'what-postgres-need-not-load',
      resolveId: (id) => (id in UNLOADED ? `\0${id}` : null),
      load: (id) => UNLOADED[id.slice(1)] ?? null,
    },
    {
      name: 'maps-of-tsc',
      load: (id) =>
        id.startsWith(dist) ? { code: readFileSync(id, 'utf8'), map: readFileSync(`${id}.map`, 'utf8') } : null,
    },
    {
      name: 'what-is-needed',
      buildEnd() {
        const follow = (id, found) => {
          if (found.has(id)) return
          found.add(id)
          for (const imported of this.getModuleInfo(id)?.importedIds ?? []) follow(imported, found)
        }
        for (const file of STATUS) follow(join(dist, file), needed.status)
        for (const file of SYNC) follow(join(dist, file), needed.sync)
      },
    },
  ],
})
rmSync(join(cli, 'bundle'), { recursive: true, force: true })
const { output } = await bundle.write({
  dir: cli,
  format: 'cjs',
  sourcemap: true,
  entryFileNames: '[name].cjs',
  chunkFileNames: 'bundle/[name]-[hash].cjs',
  // Each file costs a look-up and each line its compiling, so what several commands share lies in three: what a status
  // needs, what a sync needs beside it, and the rest.
  codeSplitting: {
    // Else the second would take what it needs out of the first.
    includeDependenciesRecursively: false,
    groups: [
      {
        name: 'postgres',
        priority: 3,
        test: (id) => id.includes('/node_modules/postgres/') || id.slice(1) in UNLOADED,
      },
      { name: 'shared', minShareCount: 2, priority: 2, test: (id) => needed.status.has(id) },
      { name: 'writing', minShareCount: 2, priority: 1, test: (id) => needed.sync.has(id) },
      { name: 'seldom', minShareCount: 2 },
    ],
  },
  // They are in the sources, to which the maps lead; here they would only be read over.
  comments: false,
})
await bundle.close()

// What tsc made for the command line is all in the bundle.
const made = new Set(output.map(({ fileName }) => fileName.split('/')[0]))
for (const name of readdirSync(cli)) if (!made.has(name)) rmSync(join(cli, name), { recursive: true })
writeFileSync(killPoint, 'exports.reach = () => {}\n')
