import type { Environment } from './environment.ts'
import { ownerOf } from './environment.ts'
import { emptyTally, tallyByEnvironment } from './matrix.ts'
import type { Cell, CellState, Matrix, MatrixRow, Tally } from './matrix.ts'

/*
 * A fleet is an environment with many databases: one column where people look, a target each where something is done.
 */

/** The fleet of a database by its name, `prod` of `prod/acme`; null for an environment with one database. */
export function fleetIn(name: string): string | null {
  const slash = name.indexOf('/')
  return slash < 0 ? null : name.slice(0, slash)
}

/** How one database of a fleet stands. `disagreeing`: a file was edited, is gone, or was never finished there. */
export type Standing = 'in-step' | 'pending' | 'disagreeing' | 'unreachable'

/** Of the states in a fleet's column the one that is shown: what a person must look at first. */
const GRAVEST: readonly CellState[] = ['started', 'changed', 'missing', 'pending', 'unknown', 'applied']

/** The matrix with one column for each fleet; the same one where there is no fleet. Findings still name the databases. */
export function groupFleets(matrix: Matrix): Matrix {
  if (matrix.environments.every(({ fleet }) => fleet === undefined)) return matrix
  const columns = new Map<string, Environment>()
  for (const environment of matrix.environments) {
    const owner = ownerOf(environment)
    if (!columns.has(owner)) columns.set(owner, { ...environment, name: owner })
  }
  const fleets = new Map(matrix.environments.flatMap(({ name, fleet }) => (fleet === undefined ? [] : [[name, fleet]])))
  const sizes = new Map<string, number>()
  for (const fleet of fleets.values()) sizes.set(fleet, (sizes.get(fleet) ?? 0) + 1)
  return {
    ...matrix,
    environments: [...columns.values()],
    rows: matrix.rows.map((row) => groupRow(row, fleets, sizes)),
  }
}

/**
 * `fleets`: the fleet of each database that has one; `sizes`: how many databases a fleet has, also those without a cell
 * (a migration whose file is gone has one only where it is applied).
 */
function groupRow(row: MatrixRow, fleets: ReadonlyMap<string, string>, sizes: ReadonlyMap<string, number>): MatrixRow {
  const cells = new Map<string, Cell>()
  const tallies = new Map<string, Record<CellState, number>>()
  for (const [name, cell] of row.cells) {
    const fleet = fleets.get(name)
    if (fleet === undefined) {
      cells.set(name, cell)
      continue
    }
    const tally = tallies.get(fleet) ?? emptyTally()
    tally[cell.state]++
    tallies.set(fleet, tally)
    // The place in the order is that of the first database.
    cells.set(fleet, { state: gravestOf(tally), row: null, fleet: { size: sizes.get(fleet) ?? 0, tally } })
  }
  return { ...row, cells }
}

function gravestOf(tally: Tally): CellState {
  return GRAVEST.find((state) => tally[state] > 0) ?? 'unknown'
}

/** A fleet in a few numbers, and how each of its databases stands. */
export interface FleetSummary {
  /** The environment's name. */
  readonly name: string
  readonly counts: Readonly<Record<Standing, number>>
  /** By the database's name, in the order of the matrix. */
  readonly standings: ReadonlyMap<string, Standing>
}

/** All fleets of a matrix, in promotion order. `isReachable` says whether a database could be read, by its name. */
export function summarizeFleets(matrix: Matrix, isReachable: (name: string) => boolean): readonly FleetSummary[] {
  const tallies = tallyByEnvironment(matrix)
  const fleets = new Map<string, Map<string, Standing>>()
  for (const { name, fleet } of matrix.environments) {
    if (fleet === undefined) continue
    const standings = fleets.get(fleet) ?? new Map<string, Standing>()
    standings.set(name, isReachable(name) ? standingOf(tallies.get(name) ?? emptyTally()) : 'unreachable')
    fleets.set(fleet, standings)
  }
  return [...fleets].map(([name, standings]) => {
    const counts = { 'in-step': 0, pending: 0, disagreeing: 0, unreachable: 0 }
    for (const standing of standings.values()) counts[standing]++
    return { name, counts, standings }
  })
}

function standingOf({ started, changed, missing, pending, unknown }: Tally): Standing {
  if (started + changed + missing > 0) return 'disagreeing'
  return pending + unknown > 0 ? 'pending' : 'in-step'
}
