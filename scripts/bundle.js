import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

/*
 * Puts the modules of the command line together into few files, after `tsc`: loading a hundred small modules takes longer
 * than all that a status does. `dist/cli/command-line.js` becomes the entry of the bundle, what it loads later lies in
 * `dist/cli/bundle/`. Packages stay packages, names stay names, and the source maps lead back to `src/`. The rest of
 * `dist/` stays as it is, for the library and for the processes that are started by their file. See ADR 0015.
 */

const dist = join(import.meta.dirname, '..', 'dist')
const bundle = join(dist, 'cli', 'bundle')

/** Where the commands begin that are run most. Beside them only what the command line itself needs is loaded at once. */
const USUAL = [
  'cli/command-line.js',
  'cli/commands/status.js',
  'cli/commands/sync.js',
  'drivers/postgres/connection.js',
]
/** The files that these import, and what those import, without what is loaded later. */
const usual = new Set()

rmSync(bundle, { recursive: true, force: true })
const made = await rolldown({
  input: { 'command-line': join(dist, 'cli', 'command-line.js') },
  platform: 'node',
  // plan is sync, and loads it at once: that is meant so.
  checks: { ineffectiveDynamicImport: false },
  // The kill points stay a file of their own: the fault tests put another in its place.
  external: (id) => /^[@a-z]/i.test(id) || id.endsWith('/core/kill-point.js'),
  plugins: [
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
await made.write({
  dir: join(dist, 'cli'),
  format: 'esm',
  sourcemap: true,
  entryFileNames: '[name].js',
  chunkFileNames: 'bundle/[name]-[hash].js',
  // Each file costs a look-up, so all that several commands share lies in two: what a status needs, and the rest of it.
  codeSplitting: {
    groups: [
      { name: 'shared', minShareCount: 2, priority: 1, test: (id) => usual.has(id) },
      { name: 'seldom', minShareCount: 2 },
    ],
  },
  // They are in the sources, to which the maps lead; here they would only be read over.
  comments: false,
})
await made.close()
