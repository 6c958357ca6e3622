import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { sanitize } from '../../../src/cli/output/sanitizer.ts'
import { compareMigrations, readMigrations } from '../../../src/core/migration.ts'
import type { MigrationFile } from '../../../src/core/migration.ts'
import { inTime } from './deadline.ts'

const piece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('001', '1', '0', '-', '_', 'a', '.sql', '.down', '.SQL', ' ', '.', '..') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('/', '\\', '\n', '\0', '\u202e', '\u200b', '\ud800', "'", '$(id)', 'é', '数'),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 3 }) },
)
const fileName = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))

const content = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }).map((text) => ({ text })),
  fc.constantFrom('\uFEFF', '\0', '\r\n', 'select 1;', '\ud800').map((text) => ({ text })),
  fc.constant({ unreadable: 'it is not valid UTF-8.' }),
)

const files: fc.Arbitrary<readonly MigrationFile[]> = fc
  .uniqueArray(fc.tuple(fileName, content), { maxLength: 6, selector: ([name]) => name })
  .map((all) => all.map(([name, found]) => ({ fileName: name, file: `database/${name}`, content: found })))

test('whatever a folder holds, it is read or refused: all of it in order, or each bad file by name', () => {
  fc.assert(
    fc.property(files, (found) => {
      const result = inTime(() => readMigrations(found))
      const problems = 'problems' in result ? result.problems : []
      expect(problems.every(({ message }) => found.some(({ file }) => message.includes(file)))).toBe(true)
      const migrations = 'migrations' in result ? result.migrations : []
      const ups = 'migrations' in result ? found.filter((one) => !one.fileName.endsWith('.down.sql')) : []
      expect(migrations.map(({ name }) => `${name}.sql`).toSorted()).toEqual(ups.map((one) => one.fileName).toSorted())
      expect(migrations.toSorted(compareMigrations)).toEqual(migrations)
    }),
    { numRuns: 500 },
  )
})

test('a name that is accepted holds nothing that a terminal obeys, a path splits at or a shell reads', () => {
  fc.assert(
    fc.property(fileName, (name) => {
      const result = readMigrations([{ fileName: name, file: name, content: { text: '' } }])
      const accepted = 'migrations' in result ? result.migrations.map((migration) => migration.name) : []
      for (const one of accepted) {
        expect(sanitize(one)).toBe(one)
        expect(one).toMatch(/^\d+[-_][^\\/"'`$<>|*?:;]+$/u)
      }
    }),
    { numRuns: 1_000 },
  )
})

test.each([
  ['digits', `${'9'.repeat(100_000)}-a.sql`],
  ['dashes', `1${'-'.repeat(100_000)}.sql`],
  ['ends', `1-a${'.down.sql'.repeat(20_000)}`],
  ['zeros', `${'0'.repeat(230)}-a.sql`],
])('a name of very many %s is read or refused at once', (_, name) => {
  const result = inTime(() => readMigrations([{ fileName: name, file: name, content: { text: '' } }]))
  expect('problems' in result).toBe(name.length > 240)
})

test.each([
  ['lines', '\n'.repeat(1_000_000)],
  ['carriage returns', '\r'.repeat(1_000_000)],
  ['line ends of Windows', '\r\n'.repeat(250_000)],
  ['byte order marks', '\uFEFF'.repeat(1_000_000)],
])('a file of very many %s is read at once', (_, text) => {
  const result = inTime(() => readMigrations([{ fileName: '1-a.sql', file: '1-a.sql', content: { text } }]))
  expect(result).toMatchObject({ migrations: [{ version: '1' }] })
})
