import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareNames } from '../../../src/core/history.ts'
import { buildMatrix } from '../../../src/core/matrix.ts'
import type { Cell, Column, Matrix } from '../../../src/core/matrix.ts'
import { planSync } from '../../../src/core/plan.ts'
import { findNotPromoted } from '../../../src/core/promotion.ts'
import { environmentOf, migrationsOf, rowOf } from './samples.ts'
import { facts, filesOf, historyOf } from './worlds.ts'
import type { Fact } from './worlds.ts'

/** Up to four environments, each with a history of its own of the same migrations; null: it could not be read. */
const fleets = fc.tuple(facts, facts, fc.array(fc.constantFrom('first', 'second', 'none', 'unread'), { maxLength: 4 }))

function columnsOf([one, other, kinds]: readonly [readonly Fact[], readonly Fact[], readonly string[]]): Column[] {
  return kinds.map((kind, order) => ({
    environment: environmentOf(`env${order}`, order),
    history: kind === 'unread' ? null : kind === 'none' ? [] : historyOf(kind === 'first' ? one : other),
  }))
}

function cellsOf(matrix: Matrix, environment: string): readonly (readonly [string, Cell | undefined])[] {
  return matrix.rows
    .filter(({ cells }) => cells.has(environment))
    .map(({ name, cells }) => [name, cells.get(environment)])
}

test('the rows of a matrix are in order, each name once, and each row has a file or is in a history', () => {
  fc.assert(
    fc.property(fleets, (fleet) => {
      const columns = columnsOf(fleet)
      const { rows } = buildMatrix([{ dir: 'database', migrations: filesOf(fleet[0]) }], columns)
      expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
      expect(rows.map(({ name }) => name)).toEqual(rows.map(({ name }) => name).toSorted(compareNames))
      for (const { name, migration } of rows) {
        const isNamed = columns.some(({ history }) => history?.some((row) => row.name === name))
        expect(migration !== null || isNamed).toBe(true)
      }
    }),
  )
})

test('what a matrix says of an environment does not depend on the others', () => {
  fc.assert(
    fc.property(fleets, (fleet) => {
      const columns = columnsOf(fleet).filter(({ history }) => history !== null)
      const folder = { dir: 'database', migrations: filesOf(fleet[0]) }
      const together = buildMatrix([folder], columns)
      for (const column of columns) {
        const { name } = column.environment
        expect(cellsOf(together, name)).toEqual(cellsOf(buildMatrix([folder], [column]), name))
      }
    }),
  )
})

test('two environments differ in a migration exactly when both name it with two contents', () => {
  fc.assert(
    fc.property(
      facts,
      fc.array(fc.constantFrom('as-file', 'edited', null), { minLength: 12, maxLength: 12 }),
      (all, rows) => {
        const other = all.map((fact, index): Fact => ({ ...fact, row: rows[index] ?? null }))
        const histories = [historyOf(all), historyOf(other)]
        const columns = histories.map((history, order) => ({
          environment: environmentOf(`env${order}`, order),
          history,
        }))
        const { findings } = buildMatrix([{ dir: 'database', migrations: filesOf(all) }], columns)
        const told = findings.filter(({ code }) => code === 'history/differs-between-environments')
        const expected = all.filter((fact, index) => {
          const [left, right] = [fact.row, other[index]?.row ?? null]
          return left !== null && right !== null && (left === 'edited') !== (right === 'edited')
        })
        expect(told.map(({ migration }) => migration)).toEqual(expected.map(({ name }) => name))
      },
    ),
  )
})

test('environments of two folders say of themselves what each says alone', () => {
  fc.assert(
    fc.property(facts, facts, (one, other) => {
      const worlds = [one, other].map((all, order) => ({
        folder: { dir: `folder${order}`, migrations: filesOf(all) },
        column: { environment: environmentOf(`env${order}`, order, `folder${order}`), history: historyOf(all) },
      }))
      const together = buildMatrix(
        worlds.map(({ folder }) => folder),
        worlds.map(({ column }) => column),
      )
      const alone = worlds.map(({ folder, column }) => buildMatrix([folder], [column]))
      expect(together.rows).toEqual(alone.flatMap(({ rows }) => rows))
      expect(together.findings).toEqual(alone.flatMap(({ findings }) => findings))
      expect(together.inSync).toBe(alone.every(({ inSync }) => inSync))
    }),
  )
})

/** Environments in promotion order: what each holds of four migrations, whether it was read, and whether it is planned. */
const line = fc.array(
  fc.record({
    held: fc.array(fc.constantFrom('applied', 'started', 'no'), { minLength: 4, maxLength: 4 }),
    isRead: fc.boolean(),
    isPlanned: fc.boolean(),
    dir: fc.constantFrom('database', 'other'),
  }),
  { maxLength: 5 },
)

test('an environment overtakes exactly where the one before it neither holds nor gets a migration', () => {
  const files = migrationsOf('1-a', '2-b', '3-c', '4-d')
  fc.assert(
    fc.property(line, (places) => {
      const columns = places.map(({ held, isRead, dir }, order) => ({
        environment: environmentOf(`env${order}`, order, dir),
        history: isRead
          ? files.flatMap(({ name }, index) => {
              const state = held[index]
              return state === 'applied' || state === 'started' ? [rowOf(name, { status: state })] : []
            })
          : null,
      }))
      const plans = columns.flatMap(({ environment, history }, index) =>
        history !== null && places[index]?.isPlanned === true
          ? [planSync(environment.name, files, history, { allow: new Set() })]
          : [],
      )
      const expected = places.flatMap((place, order) => {
        const before = places.findLastIndex((other, index) => index < order && other.dir === place.dir)
        const predecessor = places[before]
        if (!place.isPlanned || !place.isRead || predecessor === undefined || !predecessor.isRead) return []
        return files
          .filter((_, index) => {
            if (place.held[index] !== 'no') return false
            const state = predecessor.held[index]
            return state !== 'applied' && !(predecessor.isPlanned && state === 'no')
          })
          .map(({ name }) => `env${order} ${name}`)
      })
      const told = findNotPromoted(columns, plans)
      expect(told.map(({ environment, migration }) => `${environment} ${migration}`)).toEqual(expected)
    }),
  )
})
