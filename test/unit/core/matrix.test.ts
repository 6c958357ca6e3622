import { expect, test } from 'vitest'
import { buildMatrix } from '../../../src/core/matrix.ts'
import type { Column, Matrix } from '../../../src/core/matrix.ts'
import type { AppliedMigration } from '../../../src/core/history.ts'
import { environmentOf, migrationsOf, rowOf } from './samples.ts'

function column(name: string, history: readonly AppliedMigration[] | null, dir: string = 'database'): Column {
  return { environment: environmentOf(name, 0, dir), history }
}

function statesOf(matrix: Matrix): Record<string, Record<string, string>> {
  return Object.fromEntries(
    matrix.rows.map((row) => [
      row.name,
      Object.fromEntries([...row.cells].map(([environment, { state }]) => [environment, state])),
    ]),
  )
}

test('what a run lost its connection over is neither applied nor pending', () => {
  const matrix = buildMatrix(
    [{ dir: 'database', migrations: migrationsOf('1-a', '2-b') }],
    [{ ...column('dev', [rowOf('1-a')]), undecided: new Set(['2-b']) }],
  )

  expect(statesOf(matrix)).toEqual({ '1-a': { dev: 'applied' }, '2-b': { dev: 'unknown' } })
  expect(matrix.inSync).toBe(false)
})

test('each cell says what one environment makes of one file', () => {
  const matrix = buildMatrix(
    [{ dir: 'database', migrations: migrationsOf('1-a', '2-b', '10-c') }],
    [
      column('dev', [rowOf('1-a'), rowOf('2-b'), rowOf('10-c')]),
      column('staging', [rowOf('1-a', { status: 'started' }), rowOf('2-b', { checksum: 'sha256:x' }), rowOf('3-gone')]),
      column('prod', null),
    ],
  )

  expect(statesOf(matrix)).toEqual({
    '1-a': { dev: 'applied', staging: 'started', prod: 'unknown' },
    '2-b': { dev: 'applied', staging: 'changed', prod: 'unknown' },
    '3-gone': { staging: 'missing', prod: 'unknown' },
    '10-c': { dev: 'applied', staging: 'pending', prod: 'unknown' },
  })
  expect(matrix.rows.map((row) => [row.name, row.version, row.migration?.name ?? null])).toEqual([
    ['1-a', '1', '1-a'],
    ['2-b', '2', '2-b'],
    ['3-gone', '3', null],
    ['10-c', '10', '10-c'],
  ])
  expect(matrix.inSync).toBe(false)
  expect(matrix.findings.map(({ code, environment, migration }) => [code, environment, migration])).toEqual([
    ['history/unfinished', 'staging', '1-a'],
    ['history/changed', 'staging', '2-b'],
    ['history/missing-file', 'staging', '3-gone'],
    ['history/differs-between-environments', 'staging', '2-b'],
  ])
})

test('a file that is gone and ran with two contents is told apart between the environments', () => {
  const matrix = buildMatrix(
    [{ dir: 'database', migrations: [] }],
    [column('dev', [rowOf('1-a')]), column('prod', [rowOf('1-a', { checksum: 'sha256:x' })])],
  )

  expect(matrix.findings.at(-1)).toMatchObject({
    code: 'history/differs-between-environments',
    environment: 'prod',
    message: '1-a ran with another content in prod than in dev.',
  })
})

test('environments of two folders are not compared with each other', () => {
  const matrix = buildMatrix(
    [
      { dir: 'database', migrations: migrationsOf('1-a') },
      { dir: 'billing', migrations: migrationsOf('1-a', '2-b') },
    ],
    [column('dev', [rowOf('1-a')]), column('billing', [rowOf('1-a', { checksum: 'sha256:x' })], 'billing')],
  )

  expect(matrix.rows.map((row) => [row.dir, row.name, [...row.cells.keys()]])).toEqual([
    ['database', '1-a', ['dev']],
    ['billing', '1-a', ['billing']],
    ['billing', '2-b', ['billing']],
  ])
  expect(matrix.findings.map(({ code }) => code)).toEqual(['history/changed'])
})

test.each([
  ['nothing anywhere', [], [[]], true],
  ['everything everywhere', ['1-a'], [[rowOf('1-a')], [rowOf('1-a')]], true],
  ['something pending', ['1-a'], [[rowOf('1-a')], []], false],
  ['a row without a file', [], [[rowOf('1-a')]], false],
  ['an environment that could not be read', [], [[], null], false],
] as const)('%s: in sync is %4$s', (_, files, histories, inSync) => {
  const matrix = buildMatrix(
    [{ dir: 'database', migrations: migrationsOf(...files) }],
    histories.map((history, index) => column(`env${index}`, history)),
  )

  expect(matrix.inSync).toBe(inSync)
})
