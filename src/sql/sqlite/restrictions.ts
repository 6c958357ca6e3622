import type { ScriptProblem } from '../problem.ts'
import type { Token } from './lexer.ts'
import { leadingWords } from './statements.ts'
import type { SqliteScript, SqliteStatement } from './statements.ts'

/** The longest statement that Cloudflare's D1 takes, in bytes of UTF-8 (D1 documentation, "Limits"). */
export const LONGEST_STATEMENT = 100_000

/** So many statements are more than a file mostly has, and may not all be carried out within D1's 30 s. */
export const LONG_BATCH = 2_000

/** What D1 lets a statement ask of SQLite by PRAGMA (D1 documentation, "SQL statements"; tried on workerd). */
const PRAGMAS: ReadonlySet<string> = new Set([
  'case_sensitive_like',
  'data_version',
  'defer_foreign_keys',
  'foreign_key_check',
  'foreign_key_list',
  'foreign_keys',
  'function_list',
  'ignore_check_constraints',
  'index_info',
  'index_list',
  'index_xinfo',
  'legacy_alter_table',
  'optimize',
  'quick_check',
  'recursive_triggers',
  'reverse_unordered_selects',
  'table_info',
  'table_list',
  'table_xinfo',
])

const MODULES: ReadonlySet<string> = new Set(['FTS5', 'FTS5VOCAB'])

/** What keeps the statements of a script from being run as one batch on D1, by offset. */
export function findRestrictions(text: string, { statements, directives }: SqliteScript): readonly ScriptProblem[] {
  const found = statements.flatMap((statement) => [
    ...findForbidden(text, statement),
    ...findTooLong(text, statement),
    ...findParameters(text, statement),
  ])
  const alone = directives.find(({ words }) => words === 'no-transaction')
  if (alone !== undefined) {
    found.push({
      code: 'sql/no-transaction',
      message: 'D1 runs every file as one batch, all of it or nothing; it cannot leave that out.',
      hint: 'Remove the line. What should be kept when a later part fails goes into a migration of its own.',
      offset: alone.offset,
    })
  }
  return found.toSorted((a, b) => a.offset - b.offset)
}

function findForbidden(text: string, { start, tokens }: SqliteStatement): readonly ScriptProblem[] {
  const words = leadingWords(text, tokens, 3)
  const [first = ''] = words
  const forbidden = FORBIDDEN[first]
  if (forbidden !== undefined) return [{ ...forbidden, offset: start }]
  if (first === 'PRAGMA') return findPragma(text, tokens)
  if (!VERBS.has(first)) return [notSql(text, tokens)]
  if (first !== 'CREATE') return []
  if (words[1] === 'TEMP' || words[1] === 'TEMPORARY') {
    return [
      {
        code: 'sql/not-authorised',
        message: 'D1 has no temporary tables, views or triggers.',
        hint: 'Create an ordinary one, and drop it at the end of the file.',
        offset: start,
      },
    ]
  }
  return words[1] === 'VIRTUAL' ? findModule(text, tokens) : []
}

/** The words that a statement of SQLite can begin with and D1 can run. */
const VERBS: ReadonlySet<string> = new Set([
  'ALTER',
  'ANALYZE',
  'CREATE',
  'DELETE',
  'DROP',
  'EXPLAIN',
  'INSERT',
  'REINDEX',
  'REPLACE',
  'SELECT',
  'UPDATE',
  'VALUES',
  'WITH',
])

function notSql(text: string, [first]: readonly Token[]): ScriptProblem {
  const word = first === undefined ? '' : text.slice(first.start, Math.min(first.end, first.start + 40))
  return {
    code: 'sql/not-sql',
    message: `No statement of SQLite begins with ${word}.`,
    hint: 'Write SQL here, or put -- before what is only meant for people.',
    offset: first?.start ?? 0,
  }
}

const IN_ONE_BATCH =
  'Remove it: D1 runs the whole file as one batch, which is applied together with its history row or not at all.'

function control(what: string): Omit<ScriptProblem, 'offset'> {
  return {
    code: 'sql/transaction-control',
    message: `${what} cannot be used on D1, which knows no BEGIN and COMMIT.`,
    hint: IN_ONE_BATCH,
  }
}

const FORBIDDEN: Readonly<Record<string, Omit<ScriptProblem, 'offset'>>> = {
  BEGIN: control('BEGIN'),
  COMMIT: control('COMMIT'),
  END: control('END'),
  ROLLBACK: control('ROLLBACK'),
  SAVEPOINT: control('SAVEPOINT'),
  RELEASE: control('RELEASE'),
  ATTACH: {
    code: 'sql/not-authorised',
    message: 'D1 does not authorise ATTACH: a database there sees no other one.',
    hint: 'Remove it, and what uses the attached database.',
  },
  DETACH: {
    code: 'sql/not-authorised',
    message: 'D1 does not authorise DETACH: a database there sees no other one.',
    hint: 'Remove it.',
  },
  VACUUM: {
    code: 'sql/not-authorised',
    message: 'VACUUM cannot run on D1, which gives free space back by itself.',
    hint: 'Remove it.',
  },
}

function findPragma(text: string, tokens: readonly Token[]): readonly ScriptProblem[] {
  const name = pragmaName(text, tokens)
  const offset = tokens[0]?.start ?? 0
  if (!PRAGMAS.has(name)) {
    return [
      {
        code: 'sql/not-authorised',
        message: `D1 does not authorise PRAGMA ${name}.`,
        hint: 'Remove it: how a D1 database is kept is not for a migration to say.',
        offset,
      },
    ]
  }
  return []
}

/** The name of a PRAGMA in lower case; a schema may stand before it. */
export function pragmaName(text: string, tokens: readonly Token[]): string {
  const [, first, dot, second] = tokens.map(({ start, end }) => text.slice(start, end).toLowerCase())
  return (dot === '.' ? second : first) ?? ''
}

function findModule(text: string, tokens: readonly Token[]): readonly ScriptProblem[] {
  const at = tokens.findIndex(({ start, end }) => text.slice(start, end).toUpperCase() === 'USING')
  const module = tokens[at + 1]
  if (at < 0 || module === undefined) return []
  const name = text.slice(module.start, module.end).toUpperCase()
  if (MODULES.has(name)) return []
  return [
    {
      code: 'sql/not-authorised',
      message: `D1 has no virtual tables of the kind ${text.slice(module.start, module.end)}.`,
      hint: 'It knows fts5 and fts5vocab.',
      offset: module.start,
    },
  ]
}

function findTooLong(text: string, { start, end }: SqliteStatement): readonly ScriptProblem[] {
  // A character is at most three bytes long for each of its UTF-16 units.
  if ((end - start) * 3 <= LONGEST_STATEMENT) return []
  const bytes = utf8Length(text, start, end)
  if (bytes <= LONGEST_STATEMENT) return []
  return [
    {
      code: 'sql/statement-too-long',
      message: `This statement is ${bytes} bytes long; D1 takes at most ${LONGEST_STATEMENT}.`,
      hint: 'Split it: several INSERT statements with fewer rows each, in the same file, are still one batch.',
      offset: start,
    },
  ]
}

function utf8Length(text: string, start: number, end: number): number {
  return new TextEncoder().encode(text.slice(start, end)).length
}

/** A placeholder would be filled in by a program; a migration has nothing to fill in. */
function findParameters(text: string, { tokens }: SqliteStatement): readonly ScriptProblem[] {
  const found = tokens.find(({ kind }) => kind === 'parameter')
  if (found === undefined) return []
  return [
    {
      code: 'sql/parameter',
      message: `${text.slice(found.start, found.end)} is a placeholder for a value, and a migration has none to put there.`,
      hint: 'Write the value itself.',
      offset: found.start,
    },
  ]
}
