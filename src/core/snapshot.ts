/** One thing of a database's schema, in words that mean the same in every database. */
export interface SchemaObject {
  /** `table`, `column`, `index`, `function`, … */
  readonly kind: string
  /** With its schema, and unique among its kind: `public.users`, `public.users.email`. */
  readonly name: string
  /** All that can differ: type, expression, owner, privileges, comment. */
  readonly definition: string
}

/** All objects of a database's schema but the history's own, in no particular order. */
export type Snapshot = readonly SchemaObject[]

/** Where two snapshots differ in one object; null where it is not there. */
export interface Difference {
  readonly kind: string
  readonly name: string
  readonly before: string | null
  readonly after: string | null
}

/** Every object that is not the same in both, by kind and name. */
export function compareSnapshots(before: Snapshot, after: Snapshot): readonly Difference[] {
  const left = indexObjects(before)
  const right = indexObjects(after)
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((key) => left.get(key)?.definition !== right.get(key)?.definition)
    .toSorted()
    .map((key) => {
      const { kind, name } = left.get(key) ?? right.get(key) ?? { kind: '', name: '' }
      return { kind, name, before: left.get(key)?.definition ?? null, after: right.get(key)?.definition ?? null }
    })
}

function indexObjects(snapshot: Snapshot): ReadonlyMap<string, SchemaObject> {
  return new Map(snapshot.map((object) => [`${object.kind} ${object.name}`, object]))
}
