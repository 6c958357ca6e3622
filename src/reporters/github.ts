import { problemsOf } from '../core/errors.ts'
import type { MigrationManagerError, Problem, SourceLocation } from '../core/errors.ts'
import { isBlocking } from '../core/finding.ts'
import type { Finding } from '../core/finding.ts'
import { chooseFew, databaseOf, likenessOfError, likenessOfFinding } from '../core/few.ts'
import type { Likeness } from '../core/few.ts'
import { groupFleets } from '../core/fleet.ts'
import type { Cell, CellState, Matrix } from '../core/matrix.ts'

/** What a command found, for those who show it elsewhere than on the terminal. */
export interface Summary {
  /** Absent where a command has none to show. */
  readonly matrix?: Matrix
  /** Where the files of migrations are, by the migration's name; where there is a matrix, that says it. */
  readonly files?: ReadonlyMap<string, string>
  readonly findings: readonly Finding[]
  readonly errors: readonly MigrationManagerError[]
}

/** A remark on a file and line of a pull request. */
export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice'
  /** The code of the finding or error. */
  readonly title: string
  readonly at: SourceLocation | null
  readonly message: string
}

const LEVELS = { block: 'error', warn: 'warning', info: 'notice' } as const

/** Findings and errors as annotations, on the line where they have one, else on the file of their migration. */
export function annotationsOf({ matrix, files, findings, errors }: Summary): readonly Annotation[] {
  const known = new Map([
    ...(files ?? []),
    ...(matrix?.rows ?? []).map(({ name, migration }) => [name, migration?.file] as const),
  ])
  return [
    ...tellFew(findings, likenessOfFinding, (finding, others) => ({
      level: LEVELS[finding.severity],
      title: finding.code,
      at: finding.at ?? startOf(known.get(finding.migration ?? '')),
      message: withHint(finding) + others,
    })),
    ...tellFew(errors.flatMap(problemsOf), likenessOfError, (error, others) => ({
      level: 'error' as const,
      title: error.code,
      at: error.at ?? startOf(error.file),
      message: withHint({ message: withDatabase(error), hint: error.hint }) + others,
    })),
  ]
}

/** Where a remark on a whole file goes. */
function startOf(file: string | undefined): SourceLocation | null {
  return file === undefined ? null : { file, line: 1, column: 1 }
}

function withDatabase(problem: Problem): string {
  const database = databaseOf(problem)
  return database === undefined ? problem.message : `${database}: ${problem.message}`
}

/** Tells what is alike in the databases of a fleet of a few of them, and behind the last how many more there are. */
function tellFew<Item, Told>(
  items: readonly Item[],
  describe: (item: Item) => Likeness,
  tell: (item: Item, others: string) => Told,
): readonly Told[] {
  return chooseFew(items, describe).flatMap(({ shown, hidden, fleet }) => {
    const others = hidden === 0 ? '' : `\nThe same in ${hidden} more databases of ${fleet}.`
    return shown.map((item, index) => tell(item, index === shown.length - 1 ? others : ''))
  })
}

function withHint({ message, hint }: { readonly message: string; readonly hint?: string | undefined }): string {
  return hint === undefined ? message : `${message}\n${hint}`
}

const SYMBOLS: Readonly<Record<CellState, string>> = {
  applied: '✓',
  pending: 'pending',
  changed: '≠ changed',
  missing: '! file missing',
  started: '… unfinished',
  unknown: '?',
}

/** A summary page of GitHub is limited to 1 MiB; so many rows stay far below. */
const MAX_ROWS = 500

/** The matrix as a Markdown table, where there is one, and what stopped the run below it; empty when that is nothing. */
export function renderStepSummary({ matrix, findings, errors }: Summary): string {
  const remarks = [
    ...tellFew(findings.filter(isBlocking), likenessOfFinding, ({ code, message }, others) =>
      bullet(code, message + others),
    ),
    ...tellFew(errors.flatMap(problemsOf), likenessOfError, (error, others) =>
      bullet(error.code, withDatabase(error) + others),
    ),
  ]
  if (matrix === undefined && remarks.length === 0) return ''
  return [
    '### Migrations',
    '',
    ...(matrix === undefined ? [] : [...renderTable(groupFleets(matrix)), '']),
    ...(remarks.length > 0 ? [...remarks, ''] : []),
  ].join('\n')
}

function renderTable(matrix: Matrix): readonly string[] {
  const names = matrix.environments.map(({ name }) => name)
  const rows = matrix.rows.slice(-MAX_ROWS).map(({ name, cells }) => {
    const states = names.map((environment) => {
      const cell = cells.get(environment)
      return cell === undefined ? '' : describeCell(cell)
    })
    return `| ${[name, ...states].map(escapeCell).join(' | ')} |`
  })
  const hidden = matrix.rows.length - rows.length
  return [
    `| | ${names.map(escapeCell).join(' | ')} |`,
    `|---|${names.map(() => ':-:').join('|')}|`,
    ...rows,
    ...(hidden > 0 ? ['', `${hidden} older migrations are not shown.`] : []),
  ]
}

function bullet(code: string, message: string): string {
  return `- **${code}** ${escapeText(message)}`
}

/** Of a fleet, in how many of its databases the migration is applied, where it is not in all. */
function describeCell({ state, fleet }: Cell): string {
  if (fleet === undefined || state === 'applied') return SYMBOLS[state]
  return `${SYMBOLS[state]} (${fleet.tally[state]} of ${fleet.size})`
}

function escapeCell(text: string): string {
  return escapeText(text).replaceAll('|', '\\|')
}

/** Markdown reads HTML and marks in names and server messages; they are text. */
function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*_[\]!@#]/g, (mark) => `\\${mark}`)
    .replace(/\s+/g, ' ')
}
