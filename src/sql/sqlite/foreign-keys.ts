import type { Dependent } from '../../core/driver.ts'
import type { ScriptProblem } from '../problem.ts'
import type { Token } from './lexer.ts'
import { fold, nameAt, nameOf, wordOf } from './names.ts'
import { leadingWords } from './statements.ts'
import type { SqliteScript, SqliteStatement } from './statements.ts'

/** What a script does to the foreign keys that there are. */
export interface KeyChanges {
  /** The statements by which rows of other tables would be lost. */
  readonly problems: readonly ScriptProblem[]
  /** The foreign keys that act on deletion once the script has run. */
  readonly dependents: readonly Dependent[]
}

/**
 * Follows the foreign keys through a script and finds each DROP TABLE that would take rows of other tables with it:
 * SQLite empties a table before it drops it, and on D1 nothing can switch the foreign keys off. A table whose dependents
 * have been emptied before, or are dropped next without a look at them, is dropped on purpose. Names are compared as
 * SQLite does.
 */
export function followForeignKeys(
  text: string,
  { statements }: Pick<SqliteScript, 'statements'>,
  known: readonly Dependent[],
): KeyChanges {
  const problems: ScriptProblem[] = []
  const changes = statements.map((statement) => ({ statement, change: readChange(text, statement) }))
  /** Whether the rows of a table go with it: it is dropped before anything behind `index` names it. */
  const isDroppedNext = (table: string, index: number): boolean => {
    const next = changes.slice(index + 1).find(({ statement }) => namesTable(text, statement, table))
    return next?.change?.kind === 'drop' && isSame(next.change.table, table)
  }
  const emptied = new Set<string>()
  let dependents = known
  for (const [index, { statement, change }] of changes.entries()) {
    if (mayFill(text, statement)) {
      for (const table of emptied) if (namesTable(text, statement, table)) emptied.delete(table)
    }
    switch (change?.kind) {
      case 'create':
        dependents = [...dependents, ...change.dependents]
        break
      case 'rename':
        dependents = dependents.map(({ table, parent, onDelete }) => ({
          table: isSame(table, change.from) ? change.to : table,
          parent: isSame(parent, change.from) ? change.to : parent,
          onDelete,
        }))
        break
      case 'empty':
        emptied.add(fold(change.table))
        break
      case 'drop': {
        const losing = dependents.filter(
          ({ table, parent }) =>
            isSame(parent, change.table) &&
            !isSame(table, change.table) &&
            !emptied.has(fold(table)) &&
            !isDroppedNext(table, index),
        )
        const [first] = losing
        if (first !== undefined) problems.push(losingProblem(change.table, losing, statement.start))
        dependents = dependents.filter(({ table }) => !isSame(table, change.table))
        break
      }
      case undefined:
    }
  }
  return { problems, dependents }
}

/** Whether a statement may put rows into a table that it names. */
function mayFill(text: string, { tokens }: SqliteStatement): boolean {
  const [first] = tokens
  return first !== undefined && /^(?:INSERT|REPLACE|WITH|ALTER)$/u.test(wordOf(text, first))
}

/** Whether a table's name stands anywhere in a statement. */
function namesTable(text: string, { tokens }: SqliteStatement, table: string): boolean {
  const folded = fold(table)
  return tokens.some((token) => fold(nameOf(text, token)) === folded)
}

type Change =
  | { readonly kind: 'create'; readonly dependents: readonly Dependent[] }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'drop' | 'empty'; readonly table: string }

function readChange(text: string, { tokens }: SqliteStatement): Change | null {
  const words = leadingWords(text, tokens, 5)
  const [first, second, third] = words
  if (first === 'DROP' && second === 'TABLE') {
    return { kind: 'drop', table: nameAt(text, tokens, third === 'IF' ? 4 : 2).name }
  }
  if (first === 'ALTER' && second === 'TABLE') {
    const { name, next } = nameAt(text, tokens, 2)
    const [rename, to] = tokens.slice(next, next + 2).map((token) => wordOf(text, token))
    if (rename === 'ADD') return { kind: 'create', dependents: referencesIn(text, tokens.slice(next), name) }
    if (rename !== 'RENAME' || to !== 'TO') return null
    return { kind: 'rename', from: name, to: nameAt(text, tokens, next + 2).name }
  }
  if (first === 'DELETE' && second === 'FROM') {
    const { name, next } = nameAt(text, tokens, 2)
    return next === tokens.length ? { kind: 'empty', table: name } : null
  }
  if (first !== 'CREATE' || second !== 'TABLE') return null
  const { name, next } = nameAt(text, tokens, third === 'IF' ? 5 : 2)
  return { kind: 'create', dependents: referencesIn(text, tokens.slice(next), name) }
}

/** The foreign keys in the body of a CREATE TABLE that act when rows of the other table go. */
function referencesIn(text: string, tokens: readonly Token[], table: string): readonly Dependent[] {
  return tokens.flatMap((token, index): readonly Dependent[] => {
    if (wordOf(text, token) !== 'REFERENCES') return []
    const { name: parent, next } = nameAt(text, tokens, index + 1)
    const rest = tokens.slice(next).map((each) => wordOf(text, each))
    const end = rest.findIndex((word) => word === 'REFERENCES')
    const clause = rest.slice(0, end < 0 ? rest.length : end)
    const at = clause.findIndex((word, place) => word === 'ON' && clause[place + 1] === 'DELETE')
    const [action, object] = at < 0 ? [] : clause.slice(at + 2, at + 4)
    if (action === 'CASCADE') return [{ table, parent, onDelete: 'CASCADE' }]
    if (action === 'SET' && object !== undefined) return [{ table, parent, onDelete: `SET ${object}` }]
    return []
  })
}

function isSame(a: string, b: string): boolean {
  return fold(a) === fold(b)
}

function losingProblem(table: string, losing: readonly Dependent[], offset: number): ScriptProblem {
  const namesWhere = (isCascade: boolean): string =>
    [...new Set(losing.filter(({ onDelete }) => (onDelete === 'CASCADE') === isCascade).map((key) => key.table))].join(
      ', ',
    )
  const deleted = namesWhere(true)
  const cleared = namesWhere(false)
  const harm = [
    deleted === '' ? '' : `deletes the rows of ${deleted}`,
    cleared === '' ? '' : `clears columns of ${cleared}`,
  ].filter((part) => part !== '')
  const child = losing[0]?.table ?? ''
  return {
    code: 'sql/drop-cascades',
    message: `DROP TABLE ${table} ${harm.join(' and ')}: their foreign keys say so (ON DELETE CASCADE or SET), and D1 cannot switch foreign keys off.`,
    hint: `To rebuild ${table} without a loss: CREATE TABLE ${child}_kept AS SELECT * FROM ${child}; DROP TABLE ${child}; rebuild ${table}; create ${child} again, fill it from ${child}_kept, DROP TABLE ${child}_kept. To lose the rows on purpose, write DELETE FROM ${child}; before it.`,
    offset,
  }
}
