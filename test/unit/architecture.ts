/** What one room (a folder of `src`) may import beside its own files. */
interface Room {
  readonly rooms: readonly string[]
  /** Modules of Node; null for any. */
  readonly builtins: readonly string[] | null
}

/** Who may import whom. A new room needs a row here. */
const TABLE: Readonly<Record<string, Room>> = {
  core: { rooms: [], builtins: ['node:crypto'] },
  runner: { rooms: ['core'], builtins: [] },
  config: { rooms: ['core'], builtins: null },
  sources: { rooms: ['core'], builtins: null },
  sql: { rooms: ['core'], builtins: [] },
  drivers: { rooms: ['core'], builtins: null },
  'drivers/postgres': { rooms: ['core', 'drivers', 'sql'], builtins: null },
  'drivers/d1': { rooms: ['core', 'drivers', 'sql'], builtins: null },
  reporters: { rooms: ['core'], builtins: null },
  lint: { rooms: ['core', 'sql'], builtins: [] },
  drift: { rooms: ['core', 'sql'], builtins: [] },
  rehearsal: { rooms: ['core', 'runner', 'drivers'], builtins: null },
  backup: { rooms: ['core', 'runner', 'drivers'], builtins: null },
  fleet: { rooms: ['core', 'runner'], builtins: [] },
  commands: { rooms: ['core', 'runner', 'fleet', 'sources', 'config', 'drift', 'lint'], builtins: [] },
  dashboard: { rooms: ['core', 'commands'], builtins: null },
}

/** The composition root and the library's front door: the only files that may reach for what others are handed. */
const ROOTS: ReadonlySet<string> = new Set(['src/cli/wire.ts', 'src/index.ts'])

/** Rooms that the command line gets from its composition root; their types it may name. */
const HANDED_IN: ReadonlySet<string> = new Set(['drivers', 'lint', 'drift', 'rehearsal', 'backup'])

interface Import {
  readonly file: string
  readonly line: number
  readonly specifier: string
  readonly isType: boolean
}

const STATEMENT =
  /^(?:import|export)\s+(?<type>type\s+)?(?:(?:[\w$]+|\*(?:\s+as\s+[\w$]+)?|\{[^}]*\})(?:\s*,\s*(?:\{[^}]*\}|\*\s+as\s+[\w$]+))?\s+from\s+)?'(?<specifier>[^']+)'/gm
/** Also the form in types: `typeof import('…')`. */
const CALL = /\bimport\(\s*'(?<specifier>[^']+)'/g

/**
 * Checks source texts, by their path from the project's folder (`src/core/plan.ts`), against the table. Returns one
 * line for each offence: `file:line: what is wrong`, by file and line.
 */
export function findOffences(texts: ReadonlyMap<string, string>): readonly string[] {
  const imports = [...texts].flatMap(([file, text]) => readImports(file, text))
  return [...findForbidden(imports, texts), ...findShared(imports), ...findCycles(imports)]
}

function readImports(file: string, text: string): readonly Import[] {
  return [...text.matchAll(STATEMENT), ...text.matchAll(CALL)].map((match) => ({
    file,
    line: text.slice(0, match.index).split('\n').length,
    specifier: match.groups?.['specifier'] ?? '',
    isType: match.groups?.['type'] !== undefined,
  }))
}

function findForbidden(imports: readonly Import[], texts: ReadonlyMap<string, string>): readonly string[] {
  return imports.flatMap((each) => {
    const { file, line, specifier } = each
    const target = resolve(file, specifier)
    const isMissing = target !== null && !texts.has(target)
    const reason = isMissing ? 'there is no such file' : findReason(each, target)
    return reason === null ? [] : [`${file}:${line}: imports ${specifier}, but ${reason}`]
  })
}

/** Why an import is against the table; null when it is not. `target` is the path of a file of ours. */
function findReason({ file, specifier, isType }: Import, target: string | null): string | null {
  const room = roomOf(file)
  const row = TABLE[file.split('/').slice(1, 3).join('/')] ?? TABLE[room]
  const isOutermost = room === 'cli' || file === 'src/index.ts'
  if (row === undefined && !isOutermost) return `src/${room} has no row in the table of rooms`
  if (target === null) {
    const isBuiltin = specifier.startsWith('node:')
    if (row === undefined || row.builtins === null) return null
    if (isBuiltin && row.builtins.includes(specifier)) return null
    if (!isBuiltin && room === 'sql') return null
    return `${room} does not touch the outside`
  }
  const other = roomOf(target)
  if (other === room) return null
  if (other === 'cli') return 'nobody imports cli'
  if (row !== undefined) return row.rooms.includes(other) ? null : `${room} does not know ${other}`
  if (HANDED_IN.has(other) && !isType && !ROOTS.has(file)) return `only the composition root builds what is in ${other}`
  return null
}

function findShared(imports: readonly Import[]): readonly string[] {
  const owners = new Map<string, string>()
  return imports.flatMap(({ file, line, specifier }) => {
    if (specifier.startsWith('.') || specifier.startsWith('node:')) return []
    const name = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/')
    const owner = owners.get(name) ?? file
    owners.set(name, owner)
    return owner === file ? [] : [`${file}:${line}: imports ${name}, which ${owner} already knows`]
  })
}

/** Files that depend on themselves, be it for a type or only when something is loaded late. */
function findCycles(imports: readonly Import[]): readonly string[] {
  const edges = new Map<string, Import[]>()
  for (const each of imports) {
    edges.set(each.file, [...(edges.get(each.file) ?? []), each])
  }
  const finished = new Set<string>()
  const offences: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    for (const { line, specifier } of finished.has(file) ? [] : (edges.get(file) ?? [])) {
      const target = resolve(file, specifier)
      if (target === null) continue
      const start = [...path, file].indexOf(target)
      if (start < 0) visit(target, [...path, file])
      else offences.push(`${file}:${line}: closes a cycle: ${[...path, file].slice(start).join(' → ')} → ${target}`)
    }
    finished.add(file)
  }
  for (const file of edges.keys()) visit(file, [])
  return offences
}

/** The first folder below `src`, or the file's own name there. */
function roomOf(file: string): string {
  return file.split('/')[1] ?? ''
}

/** The path of a file of ours; null for modules of Node and of others. */
function resolve(file: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null
  return new URL(specifier, `file:///${file}`).pathname.slice(1)
}
