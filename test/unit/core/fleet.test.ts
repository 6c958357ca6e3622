import { expect, test } from 'vitest'
import type { Environment } from '../../../src/core/environment.ts'
import { fleetIn, groupFleets, summarizeFleets } from '../../../src/core/fleet.ts'
import type { AppliedMigration } from '../../../src/core/history.ts'
import { buildMatrix } from '../../../src/core/matrix.ts'
import type { Matrix } from '../../../src/core/matrix.ts'
import { environmentOf, migrationsOf, rowOf } from './samples.ts'

const FILES = migrationsOf('001-a', '002-b')
const DEV = environmentOf('dev', 0)
const BOTH = [rowOf('001-a'), rowOf('002-b')]

function memberOf(fleet: string, name: string): Environment {
  return { ...environmentOf(`${fleet}/${name}`, 1), fleet }
}

function matrixOf(columns: readonly (readonly [Environment, readonly AppliedMigration[] | null])[]): Matrix {
  return buildMatrix(
    [{ dir: 'database', migrations: FILES }],
    columns.map(([environment, history]) => ({ environment, history })),
  )
}

/** The grouped matrix as lines: name, and state by column with the numbers of a fleet. */
function drawn(matrix: Matrix): readonly string[] {
  return groupFleets(matrix).rows.map(({ name, cells }) =>
    [
      name,
      ...[...cells].map(([environment, { state, fleet }]) => `${environment} ${state} ${fleet?.tally[state] ?? '-'}`),
    ].join(' | '),
  )
}

test('without a fleet the matrix stays the one it is', () => {
  const matrix = matrixOf([[DEV, BOTH]])
  expect(groupFleets(matrix)).toBe(matrix)
})

test('a fleet is one column at the place of its first database, under the name of the environment', () => {
  const matrix = matrixOf([
    [DEV, BOTH],
    [memberOf('prod', 'a'), BOTH],
    [memberOf('prod', 'b'), [rowOf('001-a')]],
    [memberOf('prod', 'c'), BOTH],
  ])
  expect(groupFleets(matrix).environments.map(({ name }) => name)).toEqual(['dev', 'prod'])
  expect(drawn(matrix)).toEqual(['001-a | dev applied - | prod applied 3', '002-b | dev applied - | prod pending 1'])
})

test.each<[string, readonly (readonly AppliedMigration[] | null)[], string]>([
  ['pending, however many have it', [BOTH, BOTH, [rowOf('001-a')]], 'pending 1'],
  [
    'edited before pending',
    [[rowOf('001-a')], [rowOf('001-a'), rowOf('002-b', { checksum: 'sha256:0' })]],
    'changed 1',
  ],
  [
    'unfinished before all',
    [[rowOf('002-b', { checksum: 'sha256:0' })], [rowOf('002-b', { status: 'started' })]],
    'started 1',
  ],
  ['pending before what cannot be read', [null, [rowOf('001-a')]], 'pending 1'],
  ['what cannot be read before applied', [null, BOTH], 'unknown 1'],
  ['applied when it is everywhere', [BOTH, BOTH], 'applied 2'],
])('the column shows %s', (_, histories, expected) => {
  const matrix = matrixOf(histories.map((history, index) => [memberOf('prod', `d${index}`), history]))
  expect(drawn(matrix)[1]).toBe(`002-b | prod ${expected}`)
})

test('a summary counts how the databases of each fleet stand', () => {
  const matrix = matrixOf([
    [DEV, []],
    [memberOf('staging', 'a'), BOTH],
    [memberOf('prod', 'a'), BOTH],
    [memberOf('prod', 'b'), [rowOf('001-a')]],
    [memberOf('prod', 'c'), [rowOf('001-a', { checksum: 'sha256:0' })]],
    [memberOf('prod', 'd'), null],
  ])
  const summaries = summarizeFleets(matrix, (name) => name !== 'prod/d')
  expect(summaries.map(({ name, counts }) => [name, counts])).toEqual([
    ['staging', { 'in-step': 1, pending: 0, disagreeing: 0, unreachable: 0 }],
    ['prod', { 'in-step': 1, pending: 1, disagreeing: 1, unreachable: 1 }],
  ])
  expect(summaries[1]?.standings.get('prod/c')).toBe('disagreeing')
})

test('a database that cannot be read is unreachable even where there is no migration yet', () => {
  const matrix = buildMatrix(
    [{ dir: 'database', migrations: [] }],
    [{ environment: memberOf('prod', 'a'), history: null }],
  )
  expect(summarizeFleets(matrix, () => false)[0]?.counts.unreachable).toBe(1)
})

test('the fleet of a database is what stands before the slash', () => {
  expect(fleetIn('prod/acme')).toBe('prod')
  expect(fleetIn('prod')).toBeNull()
})
