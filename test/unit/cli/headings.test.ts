import { describe, expect, test } from 'vitest'
import { chooseHeadings, flowEntries } from '../../../src/cli/output/headings.ts'
import { renderMatrix } from '../../../src/cli/output/matrix-table.ts'
import { buildMatrix } from '../../../src/core/matrix.ts'
import { environmentOf, migrationsOf, rowOf } from '../core/samples.ts'

const REGIONS = ['europe', 'asia', 'africa', 'america', 'oceania', 'arctic', 'antarctic', 'india', 'brazil']
const EIGHT = REGIONS.slice(0, 8).map((region) => `staging_${region}`)
const TWENTY = ['dev', 'test', ...REGIONS.map((region) => `staging_${region}`), ...REGIONS.map((one) => `prod_${one}`)]

describe('headings', () => {
  test('are the names where there is room', () => {
    expect(chooseHeadings(['dev', 'prod'], 11, 2)).toEqual({
      lines: [['dev', 'prod']],
      widths: [3, 4],
      gap: 2,
      legend: [],
    })
  })

  test.each([
    ['at the end', ['dev', 'europe_database', 'asia_database'], 25, ['dev', 'europe_…', 'asia_da…']],
    ['in the middle, where the ends differ', ['dev', 'database_eu', 'database_us'], 23, ['dev', 'dat…_eu', 'dat…_us']],
  ])('are cut %s', (_, names, room, headings) => {
    expect(chooseHeadings(names, room, 2)).toMatchObject({ lines: [headings], legend: [] })
  })

  test.each([
    ['too little would be left of them', ['europe_database', 'asia_database'], 12],
    ['they would be the same', ['database_1_of_the_shop', 'database_2_of_the_shop'], 24],
  ])('are numbers with a legend where %s', (_, names, room) => {
    expect(chooseHeadings(names, room, 2)).toEqual({
      lines: [['1', '2']],
      widths: [1, 1],
      gap: 2,
      legend: [`1 ${names[0]}`, `2 ${names[1]}`],
    })
  })

  test('are numbers that stand upright where even those are too wide', () => {
    const { lines, gap } = chooseHeadings(TWENTY, 48, 2)

    expect(lines.map((line) => line.join(' '.repeat(gap)))).toEqual([
      '                  1 1 1 1 1 1 1 1 1 1 2',
      '1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0',
    ])
  })
})

test('a legend is broken between its entries', () => {
  expect(flowEntries(['1 dev', '2 staging_europe', '3 prod'], 25)).toEqual(['1 dev  2 staging_europe', '3 prod'])
})

test.each([
  [['dev', 'prod'], 60],
  [['dev', 'prod'], 80],
  [EIGHT, 60],
  [EIGHT, 80],
  [EIGHT, 160],
  [TWENTY, 60],
  [TWENTY, 80],
  [TWENTY, 160],
  [[`prod_${'x'.repeat(80)}`], 60],
])('the matrix of %j fits into %i columns, with a sign for each', (names, width) => {
  const migrations = migrationsOf('001-initial-setup', '002-token-encryption')
  const columns = names.map((name, order) => ({
    environment: environmentOf(name, order),
    history: migrations.slice(0, order === 0 ? 2 : 1).map((migration) => rowOf(migration.name)),
  }))
  const page = { paint: (_: unknown, text: string) => text, width, all: false, redact: (text: string) => text }

  const lines = renderMatrix(buildMatrix([{ dir: 'database', migrations }], columns), page).split('\n')

  for (const line of lines) expect([...line].length).toBeLessThanOrEqual(width)
  const signs = lines.filter((line) => /^00[12]-/.test(line)).map((line) => line.match(/[✓·]/g)?.length)
  expect(signs).toEqual([names.length, names.length])
})
