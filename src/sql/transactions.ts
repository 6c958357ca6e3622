import type { SpecialStatement } from './classification.ts'
import type { ScriptProblem } from './problem.ts'

interface ScriptTransactions {
  readonly text: string
  readonly specials: readonly SpecialStatement[]
  /** The first statement is BEGIN and the last is COMMIT. */
  readonly ownTransaction: boolean
  /** The file says that it handles its transactions itself. */
  readonly noTransaction: boolean
}

const REMOVE = 'Remove it: a migration runs in one transaction, which is committed after its last statement.'
const NO_TRANSACTION = 'A file that must commit in between says so with a line `-- migration: no-transaction`.'

/** What would end, leave or break the one transaction that a migration runs in. */
export function checkTransactions(script: ScriptTransactions): readonly ScriptProblem[] {
  if (script.noTransaction) return checkLeftOpen(script)
  return [...checkOuter(script), ...checkInner(script), ...checkSavepoints(script)]
}

/** With transactions of its own, a file still must not leave one open: what follows would be lost with it. */
function checkLeftOpen({ text, specials }: ScriptTransactions): readonly ScriptProblem[] {
  let open: SpecialStatement | undefined
  for (const special of specials) {
    const { classification } = special
    if (classification.kind === 'begin') {
      if (open !== undefined) {
        const message = `${quote(text, special)} stands inside of a transaction that is open already.`
        return [controlProblem(special, message, 'Add the COMMIT that is missing before it, or remove it.')]
      }
      open = special
    } else if (classification.kind === 'prepare-transaction') {
      const message = `${quote(text, special)} leaves a transaction behind that holds its locks until somebody ends it.`
      return [controlProblem(special, message, 'Write COMMIT instead.')]
    } else if (classification.kind === 'non-transactional' && open !== undefined) {
      const message = `${classification.what} cannot run inside of the transaction that the file has opened.`
      return [controlProblem(special, message, 'Put it behind the COMMIT.')]
    } else if (classification.kind === 'commit' || classification.kind === 'rollback') {
      open = classification.chains ? special : undefined
    }
  }
  if (open === undefined) return []
  return [
    controlProblem(
      open,
      `${quote(text, open)} opens a transaction that the file never ends.`,
      'Add the COMMIT that is missing.',
    ),
  ]
}

/** The file's own BEGIN and COMMIT are taken off, so they must say nothing that ours does not. */
function checkOuter({ specials, ownTransaction }: ScriptTransactions): readonly ScriptProblem[] {
  const begin = specials[0]
  if (!ownTransaction || begin === undefined || begin.classification.kind !== 'begin') return []
  const problems: ScriptProblem[] = []
  const { modes } = begin.classification
  if (modes !== '') {
    problems.push(
      controlProblem(
        begin,
        `${squeeze(modes)} cannot take effect: the migration's transaction is already open when the file's BEGIN comes.`,
        'Write BEGIN alone.',
      ),
    )
  }
  for (const special of specials) {
    if (special.classification.kind !== 'non-transactional') continue
    const { what } = special.classification
    problems.push(
      controlProblem(
        special,
        `${what} cannot run between BEGIN and COMMIT: the server refuses it inside of a transaction.`,
        `Move it to a migration of its own, without BEGIN and COMMIT.`,
      ),
    )
  }
  return problems
}

function checkInner({ text, specials, ownTransaction }: ScriptTransactions): readonly ScriptProblem[] {
  const inner = ownTransaction ? specials.slice(1, -1) : specials
  const controls = inner.filter(isTransactionControl)
  const [first] = controls
  if (first !== undefined && controls.length === 1 && first.index === 0 && first.classification.kind === 'begin') {
    const message = `${quote(text, first)} opens a transaction that the file never commits.`
    return [
      controlProblem(first, message, 'End the file with COMMIT; or remove the line: a transaction is open anyway.'),
    ]
  }
  return controls.map((special) =>
    controlProblem(special, `${quote(text, special)} ${consequence(special)}.`, `${REMOVE} ${NO_TRANSACTION}`),
  )
}

function isTransactionControl({ classification: { kind } }: SpecialStatement): boolean {
  return kind === 'begin' || kind === 'commit' || kind === 'rollback' || kind === 'prepare-transaction'
}

function consequence({ classification: { kind } }: SpecialStatement): string {
  if (kind === 'begin') return 'would open a transaction inside of the one that the migration runs in'
  if (kind === 'commit') return 'would commit the migration before it is recorded'
  if (kind === 'rollback') return 'would undo the migration up to here'
  return 'would take the transaction away that the migration runs in'
}

interface OpenSavepoint {
  readonly name: string
  readonly special: SpecialStatement
  wasRolledBackTo: boolean
}

/** Follows the server's stack of savepoints: RELEASE drops a savepoint and all after it, ROLLBACK TO keeps it. */
function checkSavepoints({ text, specials }: ScriptTransactions): readonly ScriptProblem[] {
  const problems: ScriptProblem[] = []
  const open: OpenSavepoint[] = []
  // Where each name stands in the stack: a search through it would take the square of its height.
  const places = new Map<string, number[]>()
  for (const special of specials) {
    const { classification } = special
    if (classification.kind === 'savepoint') {
      const own = places.get(classification.name)
      if (own === undefined) places.set(classification.name, [open.length])
      else own.push(open.length)
      open.push({ name: classification.name, special, wasRolledBackTo: false })
    } else if (classification.kind === 'release' || classification.kind === 'rollback-to') {
      const at = lastPlace(places.get(classification.name), open, classification.name)
      const savepoint = open[at]
      if (savepoint === undefined) {
        problems.push(unknownSavepointProblem(text, special))
      } else {
        savepoint.wasRolledBackTo = true
        open.length = classification.kind === 'release' ? at : at + 1
      }
    }
  }
  for (const { name, special, wasRolledBackTo } of open) {
    if (!wasRolledBackTo) problems.push(openSavepointProblem(text, special, name))
  }
  return problems
}

/** The last place of a name that still holds it; places that the stack has shrunk below are dropped on the way. */
function lastPlace(places: number[] | undefined, open: readonly OpenSavepoint[], name: string): number {
  let at = places?.at(-1)
  while (at !== undefined && open[at]?.name !== name) {
    places?.pop()
    at = places?.at(-1)
  }
  return at ?? -1
}

function unknownSavepointProblem(text: string, special: SpecialStatement): ScriptProblem {
  return {
    code: 'sql/savepoint',
    message: `${quote(text, special)} names a savepoint that is not open here.`,
    hint: 'Set it first with SAVEPOINT in the same file, or remove the statement.',
    offset: special.statement.start,
  }
}

function openSavepointProblem(text: string, special: SpecialStatement, name: string): ScriptProblem {
  return {
    code: 'sql/savepoint',
    message: `${quote(text, special)} is neither released nor rolled back to.`,
    hint: `Add RELEASE SAVEPOINT ${name}; after the statements that it guards, or remove it.`,
    offset: special.statement.start,
  }
}

function controlProblem(special: SpecialStatement, message: string, hint: string): ScriptProblem {
  return { code: 'sql/transaction-control', message, hint, offset: special.statement.start }
}

function quote(text: string, { statement }: SpecialStatement): string {
  return squeeze(text.slice(statement.start, statement.end))
}

/** On one line, and not longer than a sentence bears. */
function squeeze(sql: string): string {
  const line = sql.slice(0, 200).split(/\s+/).join(' ').trim()
  return line.length > 60 ? `${line.slice(0, 60)}…` : line
}
