import type { Token } from './lexer.ts'
import { leadingWords, splitSqlite } from './statements.ts'
import type { SqliteStatement } from './statements.ts'
import { fold, nameAt, wordOf } from './names.ts'

/** Something of a schema that a script makes: a table, index, trigger or view, or a column of a table. */
export interface SchemaObject {
  readonly kind: 'table' | 'index' | 'trigger' | 'view' | 'column'
  readonly name: string
  /** Of a column, its table; of others, nothing. */
  readonly table: string | null
  /** Of an index or trigger, the table or view that it goes with. */
  readonly on?: string
}

/** One thing that a script does to a schema. */
export type Effect =
  | { readonly kind: 'makes'; readonly object: SchemaObject }
  | { readonly kind: 'drops'; readonly object: SchemaObject }
  | { readonly kind: 'renames'; readonly object: SchemaObject; readonly to: string }

/** What a script does to a schema, in order, as far as its statements say so by themselves. */
export function findEffects(text: string): readonly Effect[] {
  return splitSqlite(text).statements.flatMap((statement) => effectsOf(text, statement))
}

/** The key by which an object is known: SQLite compares names without regard to case. */
export function keyOf({ kind, name, table }: SchemaObject): string {
  return JSON.stringify([kind, fold(name), table === null ? null : fold(table)])
}

export function describeObject({ kind, name, table }: SchemaObject): string {
  return table === null ? `${kind} ${name}` : `${kind} ${table}.${name}`
}

/**
 * The objects that are there once the scripts have run in order, each with the script that made it last. Nothing is
 * known of what was there before.
 */
export function followEffects<Script>(
  scripts: readonly { readonly script: Script; readonly effects: readonly Effect[] }[],
): readonly { readonly object: SchemaObject; readonly script: Script }[] {
  const found = new Map<string, { readonly object: SchemaObject; readonly script: Script }>()
  for (const { script, effects } of scripts) {
    for (const effect of effects) {
      const { object } = effect
      if (effect.kind === 'makes') {
        // The first maker counts: IF NOT EXISTS makes nothing where something is.
        if (!found.has(keyOf(object))) found.set(keyOf(object), { object, script })
      } else if (effect.kind === 'drops') {
        remove(found, object)
      } else {
        rename(found, object, effect.to)
      }
    }
  }
  return [...found.values()]
}

type Found<Script> = Map<string, { readonly object: SchemaObject; readonly script: Script }>

function remove<Script>(found: Found<Script>, object: SchemaObject): void {
  found.delete(keyOf(object))
  if (object.kind !== 'table' && object.kind !== 'view') return
  for (const [key, { object: other }] of found) {
    const owner = other.table ?? other.on
    if (owner !== undefined && fold(owner) === fold(object.name)) found.delete(key)
  }
}

function rename<Script>(found: Found<Script>, object: SchemaObject, to: string): void {
  const own = found.get(keyOf(object))
  if (own !== undefined) {
    found.delete(keyOf(object))
    const renamed = { ...object, name: to }
    found.set(keyOf(renamed), { object: renamed, script: own.script })
  }
  if (object.kind !== 'table') return
  const before = Array.from(found)
  for (const [key, { object: other, script }] of before) {
    const owner = other.table ?? other.on
    if (owner === undefined || fold(owner) !== fold(object.name)) continue
    found.delete(key)
    const moved = other.table === null ? { ...other, on: to } : { ...other, table: to }
    found.set(keyOf(moved), { object: moved, script })
  }
}

function effectsOf(text: string, { tokens }: SqliteStatement): readonly Effect[] {
  const words = leadingWords(text, tokens, 8)
  if (words[0] === 'CREATE') return create(text, tokens, words)
  if (words[0] === 'DROP') return drop(text, tokens, words)
  if (words[0] === 'ALTER' && words[1] === 'TABLE') return alter(text, tokens)
  return []
}

const KINDS: Readonly<Record<string, SchemaObject['kind']>> = {
  TABLE: 'table',
  INDEX: 'index',
  TRIGGER: 'trigger',
  VIEW: 'view',
}

function create(text: string, tokens: readonly Token[], words: readonly string[]): readonly Effect[] {
  const at = words.findIndex((word, index) => index > 0 && index < 3 && KINDS[word] !== undefined)
  const kind = KINDS[words[at] ?? '']
  if (kind === undefined) return []
  const { name, next } = nameAt(text, tokens, words[at + 1] === 'IF' ? at + 4 : at + 1)
  const behindOn = tokens.findIndex((token, index) => index >= next && wordOf(text, token) === 'ON') + 1
  const on = (kind === 'index' || kind === 'trigger') && behindOn > 0 ? { on: nameAt(text, tokens, behindOn).name } : {}
  const made: Effect = { kind: 'makes', object: { kind, name, table: null, ...on } }
  if (kind !== 'table' || words[1] === 'VIRTUAL') return [made]
  return [
    made,
    ...columnsIn(text, tokens.slice(next)).map((column): Effect => ({
      kind: 'makes',
      object: { kind: 'column', name: column, table: name },
    })),
  ]
}

const CONSTRAINTS: ReadonlySet<string> = new Set(['CONSTRAINT', 'PRIMARY', 'UNIQUE', 'CHECK', 'FOREIGN'])

/** The names of the columns between the parentheses of a CREATE TABLE; none of `CREATE TABLE … AS SELECT`. */
function columnsIn(text: string, tokens: readonly Token[]): readonly string[] {
  const columns: string[] = []
  let depth = 0
  let isFirst = false
  for (const [index, token] of tokens.entries()) {
    const symbol = token.kind === 'symbol' ? text.charAt(token.start) : ''
    if (index === 0 && symbol !== '(') return []
    if (symbol === '(') {
      depth++
      isFirst = depth === 1
    } else if (symbol === ')') {
      depth--
      if (depth === 0) return columns
    } else if (symbol === ',' && depth === 1) {
      isFirst = true
    } else if (isFirst) {
      isFirst = false
      if (CONSTRAINTS.has(wordOf(text, token))) return columns
      columns.push(nameAt(text, tokens, index).name)
    }
  }
  return columns
}

function drop(text: string, tokens: readonly Token[], words: readonly string[]): readonly Effect[] {
  const kind = KINDS[words[1] ?? '']
  if (kind === undefined) return []
  const { name } = nameAt(text, tokens, words[2] === 'IF' ? 4 : 2)
  return [{ kind: 'drops', object: { kind, name, table: null } }]
}

function alter(text: string, tokens: readonly Token[]): readonly Effect[] {
  const { name: table, next } = nameAt(text, tokens, 2)
  const rest = tokens.slice(next)
  const [verb, second] = rest.slice(0, 2).map((token) => wordOf(text, token))
  const behindColumn = second === 'COLUMN' ? 2 : 1
  const column = (at: number): string => nameAt(text, rest, at).name
  if (verb === 'ADD') return [{ kind: 'makes', object: { kind: 'column', name: column(behindColumn), table } }]
  if (verb === 'DROP') return [{ kind: 'drops', object: { kind: 'column', name: column(behindColumn), table } }]
  if (verb !== 'RENAME') return []
  return second === 'TO'
    ? [{ kind: 'renames', object: { kind: 'table', name: table, table: null }, to: column(2) }]
    : [
        {
          kind: 'renames',
          object: { kind: 'column', name: column(behindColumn), table },
          to: column(behindColumn + 2),
        },
      ]
}
