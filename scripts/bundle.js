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

/** Where the commands begin that are run most. Beside them only what the command line itself needs is loaded at once. */
const USUAL = [
  'cli/command-line.js',
  'cli/commands/status.js',
  'cli/commands/sync.js',
  'drivers/postgres/connection.js',
]
/** The files that these import, and what those import, without what is loaded later. */
const usual = new Set()

const bundle = await rolldown({
  input: { main: join(cli, 'main.js'), 'command-line': join(cli, 'command-line.js') },
  platform: 'node',
  preserveEntrySignatures: 'allow-extension',
  // plan is sync, and loads it at once: that is meant so.
  checks: { ineffectiveDynamicImport: false },
  external: /^[@a-z]/i,
  plugins: [
    {
      // A file of its own: the fault tests put another in its place.
      name: 'kill-point',
      resolveId: (id) => (id.endsWith('/core/kill-point.js') ? { id: killPoint, external: true } : null),
    },
    {
      name: 'maps-of-tsc',
      load: (id) =>
        id.startsWith(dist) ? { code: readFileSync(id, 'utf8'), map: readFileSync(`${id}.map`, 'utf8') } : null,
    },
    {
      name: 'what-is-usual',
      buildEnd() {
        const follow = (id) => {
          if (usual.has(id)) return
          usual.add(id)
          for (const imported of this.getModuleInfo(id)?.importedIds ?? []) follow(imported)
        }
        for (const file of USUAL) follow(join(dist, file))
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
  // Each file costs a look-up, so all that several commands share lies in two: what a status needs, and the rest of it.
  codeSplitting: {
    // Else the second would take what it needs out of the first.
    includeDependenciesRecursively: false,
    groups: [
      { name: 'shared', minShareCount: 2, priority: 1, test: (id) => usual.has(id) },
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
