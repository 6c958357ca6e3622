import { classify, type SpecialStatement } from './classification.ts'
import { usesNewEnumValue } from './enum-value.ts'
import type { ScriptProblem } from './problem.ts'
import { type Statement, splitStatements } from './statements.ts'
import { checkTransactions } from './transactions.ts'

export interface NonTransactionalStatement {
  readonly statement: Statement
  /** The statement as its documentation names it: `CREATE INDEX CONCURRENTLY`. */
  readonly what: string
}

/** What a migration's text is to a runner. All offsets are UTF-16 offsets into that text. */
export interface Script {
  /** What to run, in order; without the file's own outer BEGIN and COMMIT when `ownTransaction`. */
  readonly statements: readonly Statement[]
  /** The file began with BEGIN and ended with COMMIT; the runner's own transaction stands in for them. */
  readonly ownTransaction: boolean
  /** Why the text must not be run, by offset; empty when it may. */
  readonly problems: readonly ScriptProblem[]
  /** The statements that the server refuses inside of a transaction. */
  readonly nonTransactional: readonly NonTransactionalStatement[]
  /** The file says `-- migration: no-transaction`: its statements run one by one, its own BEGIN and COMMIT with them. */
  readonly noTransaction: boolean
  /** It cannot run in one transaction: it says so, or holds a statement that says so by itself. */
  readonly runsInSteps: boolean
}

/** What was read last: the text of a step is looked at by several checks, and then by the driver. */
const known = new Map<string, Script>()
let knownLength = 0
/** The length of all texts together, in UTF-16 units. */
const MOST_KNOWN = 32 * 1024 * 1024

/** Reads a migration's text, as it will be sent. Never throws. */
export function readScript(text: string): Script {
  const found = known.get(text)
  if (found !== undefined) return found
  const script = read(text)
  if (text.length > MOST_KNOWN) return script
  if (knownLength + text.length > MOST_KNOWN) {
    known.clear()
    knownLength = 0
  }
  known.set(text, script)
  knownLength += text.length
  return script
}

function read(text: string): Script {
  const { statements, problems, directives } = splitStatements(text)
  const specials = findSpecials(text, statements)
  const noTransaction = directives.some((directive) => directive.words === 'no-transaction')
  const ownTransaction = !noTransaction && hasOwnTransaction(statements, specials)
  const nonTransactional = specials.flatMap(({ statement, classification }) =>
    classification.kind === 'non-transactional' ? [{ statement, what: classification.what }] : [],
  )
  const found = [...problems, ...checkTransactions({ text, specials, ownTransaction, noTransaction })]
  return {
    statements: ownTransaction ? statements.slice(1, -1) : statements,
    ownTransaction,
    problems: found.toSorted((a, b) => a.offset - b.offset),
    nonTransactional,
    noTransaction,
    runsInSteps:
      noTransaction ||
      nonTransactional.length > 0 ||
      // A file that holds its statements together itself is not torn apart for what may only look like a use.
      (!ownTransaction && usesNewEnumValue(text, statements)),
  }
}

function findSpecials(text: string, statements: readonly Statement[]): readonly SpecialStatement[] {
  const specials: SpecialStatement[] = []
  for (const [index, statement] of statements.entries()) {
    const classification = classify(text, statement)
    if (classification.kind !== 'transactional') specials.push({ index, statement, classification })
  }
  return specials
}

/** Whether the first statement is BEGIN and the last is COMMIT; what lies between is `checkTransactions`' matter. */
function hasOwnTransaction(statements: readonly Statement[], specials: readonly SpecialStatement[]): boolean {
  const first = specials.at(0)
  const last = specials.at(-1)
  return (
    first?.index === 0 &&
    first.classification.kind === 'begin' &&
    last?.index === statements.length - 1 &&
    last.classification.kind === 'commit' &&
    !last.classification.chains
  )
}
