import { classify } from './classification.ts'
import { Lexer } from './lexer.ts'
import type { ScriptProblem } from './problem.ts'
import type { Script } from './script.ts'
import type { Statement } from './statements.ts'

/**
 * What a file that cannot run as one transaction is carried out in, step by step.
 * - `transaction`: statements that share a transaction: one of them, or all between the file's own BEGIN and COMMIT.
 *   `modes` is what stands behind that BEGIN.
 * - `alone`: a statement that the server refuses in a transaction.
 * - `setting`: says something to the session; a run that resumes behind it must say it again.
 */
export type Unit =
  | { readonly kind: 'transaction'; readonly statements: readonly Statement[]; readonly modes: string }
  | { readonly kind: 'alone'; readonly statement: Statement; readonly what: string }
  | { readonly kind: 'setting'; readonly statement: Statement }

const SETTING = /^(?:SET|RESET)\b/i
const SETTING_OF_TRANSACTION = /^SET\s+(?:LOCAL|TRANSACTION|CONSTRAINTS)\b/i

/** Cuts a script into units, in its order. The script has no problems: its transactions are closed. */
export function splitUnits(text: string, script: Script): readonly Unit[] {
  const units: Unit[] = []
  let open: { readonly statements: Statement[]; readonly modes: string } | null = null
  for (const statement of script.statements) {
    const classification = classify(text, statement)
    switch (classification.kind) {
      case 'begin':
        open = { statements: [], modes: classification.modes }
        break
      case 'commit':
        if (open !== null && open.statements.length > 0) units.push({ kind: 'transaction', ...open })
        open = classification.chains ? { statements: [], modes: '' } : null
        break
      case 'rollback':
        // What the file itself rolls back has no effect, so there is nothing to carry out.
        open = classification.chains ? { statements: [], modes: '' } : null
        break
      case 'non-transactional':
        units.push({ kind: 'alone', statement, what: classification.what })
        break
      case 'transactional':
      case 'savepoint':
      case 'release':
      case 'rollback-to':
      case 'prepare-transaction':
        if (open === null) units.push(unitOf(text, statement))
        else open.statements.push(statement)
    }
  }
  return units
}

/** Where a unit begins in the file. */
export function startOfUnit(unit: Unit): number {
  return (unit.kind === 'transaction' ? unit.statements[0]?.start : unit.statement.start) ?? 0
}

function unitOf(text: string, statement: Statement): Unit {
  const words = text.slice(statement.start, statement.end)
  // It may commit, which only a statement that stands alone can.
  const routine = /^(?:DO|CALL)\b/i.exec(words)?.[0]
  if (routine !== undefined) return { kind: 'alone', statement, what: routine.toUpperCase() }
  return SETTING.test(words) && !SETTING_OF_TRANSACTION.test(words)
    ? { kind: 'setting', statement }
    : { kind: 'transaction', statements: [statement], modes: '' }
}

const ROLE = /^SET\s+(?:SESSION\s+)?(?:ROLE|AUTHORIZATION)\b|^SET\s+SESSION\s+AUTHORIZATION\b/i

/** What cannot be carried out step by step, because the steps in between are saved by the same session. */
export function findStepProblems(text: string, script: Script): readonly ScriptProblem[] {
  if (!script.runsInSteps) return []
  return script.statements.flatMap((statement): ScriptProblem[] => {
    const words = text.slice(statement.start, statement.end)
    const offset = statement.start
    if (/^DISCARD\s+ALL\b/i.test(words)) {
      return [
        {
          code: 'sql/discard-all',
          message: 'DISCARD ALL would drop the lock that keeps other runs out.',
          hint: 'Remove it: every migration begins with fresh settings.',
          offset,
        },
      ]
    }
    if (ROLE.test(words)) {
      return [
        {
          code: 'sql/role-in-steps',
          message: 'A file that is carried out step by step cannot change the role: the steps are saved in between.',
          hint: 'Put what needs the role into a migration of its own that runs in a transaction.',
          offset,
        },
      ]
    }
    return isUnnamedIndex(words)
      ? [
          {
            code: 'sql/unnamed-index',
            message:
              'This CREATE INDEX CONCURRENTLY gives the index no name, so a half-built one could not be found again.',
            hint: 'Write a name between CONCURRENTLY and ON.',
            offset,
          },
        ]
      : []
  })
}

function isUnnamedIndex(statement: string): boolean {
  const lexer = new Lexer(statement)
  const words: string[] = []
  while (words.length < 5 && lexer.next() !== 'end') if (lexer.kind !== 'comment') words.push(lexer.keyword())
  return /^CREATE (?:UNIQUE )?INDEX CONCURRENTLY ON\b/.test(words.join(' '))
}
