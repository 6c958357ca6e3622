import type { Token } from './lexer.ts'
import { leadingWords, splitSqlite } from './statements.ts'
import type { SqliteStatement } from './statements.ts'
import { beginsConstraint, fold, nameAt, wordOf } from './names.ts'

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
  | {
      readonly kind: 'makes'
      readonly object: SchemaObject
      /** Of a table, its columns, as far as the statement names them. */
      readonly columns?: readonly SchemaObject[]
    }
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

/** Something that scripts leave behind, or take away. */
export interface Trace<Script> {
  readonly object: SchemaObject
  /** Of what is there, the script that made it; of what is gone, the one that dropped or renamed it last. */
  readonly script: Script
  /** Of what is there and was renamed, or whose table was: what it is known by if that did not happen, see `gone`. */
  readonly formerly: readonly SchemaObject[]
}

/** A schema once scripts have run in order, as far as they say. */
export interface Aftermath<Script> {
  readonly there: readonly Trace<Script>[]
  /** What was dropped or renamed and not made again. What goes along with a table is not named. */
  readonly gone: readonly Trace<Script>[]
}

/** Follows what scripts do when they run in order. Nothing is known of what was there before. */
export function followEffects<Script>(
  scripts: readonly { readonly script: Script; readonly effects: readonly Effect[] }[],
): Aftermath<Script> {
  const state: State<Script> = { there: new Map(), gone: new Map() }
  for (const { script, effects } of scripts) {
    for (const effect of effects) {
      if (effect.kind === 'makes') make(state, script, effect)
      else if (effect.kind === 'drops') remove(state, script, effect.object)
      else rename(state, script, effect.object, effect.to)
    }
  }
  return { there: [...state.there.values()], gone: [...state.gone.values()] }
}

interface State<Script> {
  readonly there: Map<string, Trace<Script>>
  readonly gone: Map<string, Trace<Script>>
}

/** The first maker counts: IF NOT EXISTS makes nothing where something is, nor any column of it. */
function make<Script>(state: State<Script>, script: Script, made: Extract<Effect, { kind: 'makes' }>): void {
  if (state.there.has(keyOf(made.object))) return
  for (const object of [made.object, ...(made.columns ?? [])]) arrive(state, { object, script, formerly: [] })
}

function remove<Script>({ there, gone }: State<Script>, script: Script, object: SchemaObject): void {
  there.delete(keyOf(object))
  gone.set(keyOf(object), { object, script, formerly: [] })
  for (const known of [there, gone]) for (const key of partsOf(known, object)) known.delete(key)
}

function rename<Script>(state: State<Script>, script: Script, object: SchemaObject, to: string): void {
  const { there, gone } = state
  const own = there.get(keyOf(object))
  there.delete(keyOf(object))
  gone.set(keyOf(object), { object, script, formerly: [] })
  // Of what was made before all scripts that are known, the one that renamed it says that it is there.
  arrive(state, {
    object: { ...object, name: to },
    script: own?.script ?? script,
    formerly: [...(own?.formerly ?? []), object],
  })
  if (object.kind !== 'table') return
  const move = ({ object: part }: Trace<Script>): SchemaObject =>
    part.table === null ? { ...part, on: to } : { ...part, table: to }
  for (const [known, keys] of [there, gone].map((map) => [map, partsOf(map, object)] as const)) {
    for (const trace of keys.flatMap((key) => known.get(key) ?? [])) {
      known.delete(keyOf(trace.object))
      const moved = { ...trace, object: move(trace), formerly: [...trace.formerly, object] }
      if (known === there) arrive(state, moved)
      else gone.set(keyOf(moved.object), moved)
    }
  }
}

function arrive<Script>({ there, gone }: State<Script>, trace: Trace<Script>): void {
  gone.delete(keyOf(trace.object))
  there.set(keyOf(trace.object), trace)
}

/** The keys of what goes with a table or view: columns, indexes and triggers. */
function partsOf<Script>(known: ReadonlyMap<string, Trace<Script>>, { kind, name }: SchemaObject): readonly string[] {
  if (kind !== 'table' && kind !== 'view') return []
  return [...known].flatMap(([key, { object }]) => {
    const owner = object.table ?? object.on
    return owner !== undefined && fold(owner) === fold(name) ? [key] : []
  })
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
  const object: SchemaObject = { kind, name, table: null, ...on }
  if (kind !== 'table' || words[1] === 'VIRTUAL') return [{ kind: 'makes', object }]
  const columns = columnsIn(text, tokens.slice(next)).map((column): SchemaObject => ({
    kind: 'column',
    name: column,
    table: name,
  }))
  return [{ kind: 'makes', object, columns }]
}

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
      if (beginsConstraint(text, token)) return columns
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
