import type { Environment } from './environment.ts'
import type { Finding } from './finding.ts'
import { compareNames } from './history.ts'
import type { AppliedMigration } from './history.ts'
import { versionOf } from './migration.ts'
import type { Migration } from './migration.ts'
import { findDisagreements } from './disagreement.ts'

/** One folder of migration files; environments that share a folder are compared with each other. */
export interface Folder {
  readonly dir: string
  /** In the order in which they run. */
  readonly migrations: readonly Migration[]
}

/** One environment as it was read; `history` is null where it could not be read. */
export interface Column {
  readonly environment: Environment
  readonly history: readonly AppliedMigration[] | null
  /** Migrations of which it is not known whether they are applied: a run has lost its connection over them. */
  readonly undecided?: ReadonlySet<string>
}

/** `unknown`: the environment could not be read, or a run could not find out. `started`: a run began it and nobody knows that it ended. */
export type CellState = 'applied' | 'pending' | 'changed' | 'missing' | 'started' | 'unknown'

export interface Cell {
  readonly state: CellState
  /** The row of the history, where there is one. */
  readonly row: AppliedMigration | null
  /** Where the cell stands for a fleet (see `groupFleets`): its size, and how many of its databases are in which state. */
  readonly fleet?: { readonly size: number; readonly tally: Tally }
}

/** How many cells, or databases, are in which state. */
export type Tally = Readonly<Record<CellState, number>>

export interface MatrixRow {
  readonly name: string
  readonly version: string
  /** The folder that it belongs to. */
  readonly dir: string
  /** The file, or null where only a history still names it. */
  readonly migration: Migration | null
  /** By environment name; environments of other folders have no cell. */
  readonly cells: ReadonlyMap<string, Cell>
}

/** Migrations × environments: which file is applied where, and is it the same file everywhere. */
export interface Matrix {
  readonly environments: readonly Environment[]
  readonly rows: readonly MatrixRow[]
  readonly findings: readonly Finding[]
  /** Every environment was read, and every file is applied in every one of them as it is on disk. */
  readonly inSync: boolean
}

/** Compares files with histories. Pure; linear in files + rows. */
export function buildMatrix(folders: readonly Folder[], columns: readonly Column[]): Matrix {
  const rows = folders.flatMap((folder) =>
    buildRows(
      folder,
      columns.filter(({ environment }) => environment.migrationsDir === folder.dir),
    ),
  )
  const findings = folders.flatMap((folder) => {
    const own = columns.filter(({ environment }) => environment.migrationsDir === folder.dir)
    return [
      ...own.flatMap(({ environment, history }) =>
        history === null ? [] : findDisagreements(environment.name, folder.migrations, history),
      ),
      ...findDifferences(own),
    ]
  })
  return {
    environments: columns.map(({ environment }) => environment),
    rows,
    findings,
    inSync: rows.every(isAppliedEverywhere) && columns.every(({ history }) => history !== null),
  }
}

/** Every environment of the row has it, as it is on disk. */
export function isAppliedEverywhere({ cells }: MatrixRow): boolean {
  for (const { state } of cells.values()) if (state !== 'applied') return false
  return true
}

function buildRows(folder: Folder, columns: readonly Column[]): MatrixRow[] {
  const files = new Map(folder.migrations.map((migration) => [migration.name, migration]))
  const histories = columns.map(({ environment, history, undecided }) => ({
    name: environment.name,
    undecided,
    rows: history === null ? null : new Map(history.map((row) => [row.name, row])),
  }))
  const withoutFile = histories.flatMap(({ rows }) => [...(rows?.keys() ?? [])].filter((name) => !files.has(name)))
  // The files are in order as they come, and most histories name nothing else.
  const names =
    withoutFile.length === 0
      ? [...files.keys()]
      : [...new Set([...files.keys(), ...withoutFile])].toSorted(compareNames)

  return names.map((name) => {
    const migration = files.get(name) ?? null
    const cells = new Map<string, Cell>()
    for (const { name: environment, rows, undecided } of histories) {
      const row = rows?.get(name) ?? null
      // A migration without a file has a cell only where a history names it.
      if (row === null && migration === null && rows !== null) continue
      const isUnknown = rows === null || undecided?.has(name) === true
      cells.set(environment, { state: isUnknown ? 'unknown' : stateOf(migration, row), row })
    }
    return { name, version: migration?.version ?? versionOf(name) ?? '', dir: folder.dir, migration, cells }
  })
}

function stateOf(migration: Migration | null, row: AppliedMigration | null): CellState {
  if (row === null) return 'pending'
  if (row.status === 'started') return 'started'
  if (migration === null) return 'missing'
  return row.checksum === migration.checksum ? 'applied' : 'changed'
}

/** The same name with another content in two environments: each is in step with a file, but not with the same one. */
function findDifferences(columns: readonly Column[]): readonly Finding[] {
  if (columns.length < 2) return []
  const first = new Map<string, { readonly environment: string; readonly checksum: string }>()
  const findings: Finding[] = []
  for (const { environment, history } of columns) {
    for (const row of history ?? []) {
      const seen = first.get(row.name)
      if (seen === undefined) {
        first.set(row.name, { environment: environment.name, checksum: row.checksum })
      } else if (seen.checksum !== row.checksum) {
        findings.push({
          code: 'history/differs-between-environments',
          severity: 'block',
          environment: environment.name,
          migration: row.name,
          message: `${row.name} ran with another content in ${environment.name} than in ${seen.environment}.`,
          hint: `Compare what the two databases hold, and bring them together with a new migration. To go on without, add --allow history/differs-between-environments.`,
        })
      }
    }
  }
  return findings
}

export function emptyTally(): Record<CellState, number> {
  return { applied: 0, pending: 0, changed: 0, missing: 0, started: 0, unknown: 0 }
}

/** How many migrations of each state every environment of the matrix has, by its name. */
export function tallyByEnvironment(matrix: Matrix): ReadonlyMap<string, Tally> {
  return new Map(
    matrix.environments.map(({ name }) => {
      const tally = emptyTally()
      for (const { cells } of matrix.rows) {
        const cell = cells.get(name)
        if (cell !== undefined) tally[cell.state]++
      }
      return [name, tally]
    }),
  )
}
