import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { checksumOf } from '../../../src/core/checksum.ts'
import { isBlocking } from '../../../src/core/finding.ts'
import { compareNames, digestHistory } from '../../../src/core/history.ts'
import type { AppliedMigration } from '../../../src/core/history.ts'
import { buildMatrix } from '../../../src/core/matrix.ts'
import type { CellState } from '../../../src/core/matrix.ts'
import { compareMigrations, compareVersions, readMigrations } from '../../../src/core/migration.ts'
import type { Migration } from '../../../src/core/migration.ts'
import { nextFileName } from '../../../src/core/next-version.ts'
import { planSync } from '../../../src/core/plan.ts'
import { findNotPromoted } from '../../../src/core/promotion.ts'
import { environmentOf, fileOf, migrationsOf, rowOf } from './samples.ts'
import { facts, filesOf, historyOf, modelOrder, namesOf, peace, plan, run, STATES } from './worlds.ts'
import type { Fact } from './worlds.ts'

test('a plan is all files that the history does not name, in order of their numbers', () => {
  fc.assert(
    fc.property(facts, (all) => {
      const expected = all.filter(({ isFile, row }) => isFile && row === null).map(({ name }) => name)
      expect(namesOf(plan(filesOf(all), historyOf(all)))).toEqual(expected.toSorted(modelOrder))
    }),
  )
})

test('a plan never holds a name that the history holds, whatever its state and the selection', () => {
  fc.assert(
    fc.property(facts, fc.integer({ min: 0, max: 1200 }), fc.constantFrom('to', 'only'), (all, version, option) => {
      const history = historyOf(all)
      const taken = new Set(history.map(({ name }) => name))
      const names = namesOf(plan(filesOf(all), history, { [option]: `${version}` }))
      expect(names.filter((name) => taken.has(name))).toEqual([])
    }),
  )
})

test('when a plan has been run, the next one is empty', () => {
  fc.assert(
    fc.property(facts, (all) => {
      const files = filesOf(all)
      const history = historyOf(all)
      expect(namesOf(plan(files, run(plan(files, history), history)))).toEqual([])
    }),
  )
})

test('running a plan makes it stale, unless it was empty', () => {
  fc.assert(
    fc.property(facts, (all) => {
      const history = historyOf(all)
      const made = plan(filesOf(all), history)
      expect(digestHistory(run(made, history)) === made.basis).toBe(made.steps.length === 0)
    }),
  )
})

test('the order of the rows of a history changes nothing but the order of the findings', () => {
  fc.assert(
    fc.property(facts, fc.func(fc.integer()), (all, key) => {
      const files = filesOf(all)
      const history = historyOf(all)
      const shuffled = history.toSorted((a, b) => key(a.name) - key(b.name))
      const [one, other] = [history, shuffled].map((rows) => plan(files, rows))
      expect(other?.basis).toBe(one?.basis)
      expect(other?.steps).toEqual(one?.steps)
      expect(other?.findings.toSorted(byText)).toEqual(one?.findings.toSorted(byText))
    }),
  )
})

function byText(a: object, b: object): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1
}

test('the order in which files are found does not matter', () => {
  fc.assert(
    fc.property(facts, fc.func(fc.integer()), (all, key) => {
      const found = all.map(({ name }) => fileOf(`${name}.sql`))
      const shuffled = found.toSorted((a, b) => key(a.fileName) - key(b.fileName))
      expect(readMigrations(shuffled)).toEqual(readMigrations(found))
    }),
  )
})

test('--allow changes neither steps nor basis; it makes warnings of what blocks, and hides nothing', () => {
  const codes = ['history/changed', 'history/missing-file', 'history/out-of-order']
  fc.assert(
    fc.property(facts, fc.subarray(codes), (all, allowed) => {
      const strict = plan(filesOf(all), historyOf(all))
      const lax = plan(filesOf(all), historyOf(all), { allow: new Set(allowed) })
      expect([lax.steps, lax.basis]).toEqual([strict.steps, strict.basis])
      expect(lax.findings).toEqual(
        strict.findings.map((finding) => (allowed.includes(finding.code) ? { ...finding, severity: 'warn' } : finding)),
      )
      expect(lax.findings.filter(isBlocking).some(({ code }) => allowed.includes(code))).toBe(false)
    }),
  )
})

test('a step is out of order exactly when the history names something behind it', () => {
  fc.assert(
    fc.property(facts, (all) => {
      const history = historyOf(all)
      const made = plan(filesOf(all), history)
      const late = made.findings.flatMap(({ code, migration }) => (code === 'history/out-of-order' ? [migration] : []))
      const isLate = (name: string): boolean => history.some((row) => modelOrder(name, row.name) < 0)
      expect(late).toEqual(namesOf(made).filter(isLate))
    }),
  )
})

test('--to takes the beginning of the plan, and the rest is what is planned after it', () => {
  fc.assert(
    fc.property(facts, fc.integer({ min: 0, max: 1200 }), (all, version) => {
      const files = filesOf(all)
      const history = historyOf(all)
      const first = plan(files, history, { to: `${version}` })
      const rest = plan(files, run(first, history))
      expect([...namesOf(first), ...namesOf(rest)]).toEqual(namesOf(plan(files, history)))
      expect(namesOf(first).every((name) => parseInt(name, 10) <= version)).toBe(true)
      expect(namesOf(rest).every((name) => parseInt(name, 10) > version)).toBe(true)
    }),
  )
})

test('--only takes the pending file of that version, and says when it leaves older ones behind', () => {
  fc.assert(
    fc.property(facts, fc.nat(20), (all, index) => {
      const everything = namesOf(plan(filesOf(all), historyOf(all)))
      const wanted = everything[index % Math.max(1, everything.length)]
      fc.pre(wanted !== undefined)
      const made = plan(filesOf(all), historyOf(all), { only: `${parseInt(wanted, 10)}` })
      expect(namesOf(made)).toEqual([wanted])
      expect(made.findings.some(({ code }) => code === 'plan/skips-pending')).toBe(everything[0] !== wanted)
    }),
  )
})

test('every cell of the matrix is what the model says, and its pending cells are the plan', () => {
  fc.assert(
    fc.property(facts, (all) => {
      const files = filesOf(all)
      const history = historyOf(all)
      const matrix = buildMatrix(
        [{ dir: 'database', migrations: files }],
        [{ environment: environmentOf('prod'), history }],
      )
      const cells = matrix.rows.flatMap(({ name, cells: row }) =>
        [...row.values()].map(({ state }) => [name, state] as const),
      )
      const expected = all
        .filter(({ isFile, row }) => isFile || row !== null)
        .toSorted((a, b) => modelOrder(a.name, b.name))
        .map((fact) => [fact.name, modelState(fact)])
      expect(cells).toEqual(expected)
      expect(cells.filter(([, state]) => state === 'pending').map(([name]) => name)).toEqual(
        namesOf(plan(files, history)),
      )
    }),
  )
})

function modelState({ isFile, row }: Fact): CellState {
  if (row === 'started') return 'started'
  if (row === null) return 'pending'
  if (!isFile) return 'missing'
  return row === 'edited' ? 'changed' : 'applied'
}

test('the matrix is in sync exactly when no plan has a step or a finding', () => {
  // Half of the worlds are peaceful: in the others being in sync is too rare to be met.
  fc.assert(
    fc.property(fc.oneof(facts, peace), fc.boolean(), (all, mayRun) => {
      const files = filesOf(all)
      const history = mayRun ? run(plan(files, historyOf(all)), historyOf(all)) : historyOf(all)
      const { inSync, findings } = buildMatrix(
        [{ dir: 'database', migrations: files }],
        [{ environment: environmentOf('prod'), history }],
      )
      const made = plan(files, history)
      expect(inSync).toBe(made.steps.length === 0 && made.findings.length === 0)
      expect(!inSync || findings.length === 0).toBe(true)
    }),
  )
})

test('planning every environment at once never overtakes the one before', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), { maxLength: 4 }), (held) => {
      const files = migrationsOf('1-a', '2-b', '3-c', '4-d')
      const columns = held.map((flags, order) => ({
        environment: environmentOf(`env${order}`, order),
        history: files.filter((_, index) => flags[index]).map(({ name }) => rowOf(name)),
      }))
      const plans = columns.map(({ environment, history }) =>
        planSync(environment.name, files, history, { allow: new Set() }),
      )
      expect(findNotPromoted(columns, plans)).toEqual([])
    }),
  )
})

test('the order of versions is that of whole numbers', () => {
  const digits = fc.stringMatching(/^\d{1,25}$/)
  fc.assert(
    fc.property(digits, digits, (a, b) => {
      const difference = BigInt(a) - BigInt(b)
      expect(Math.sign(compareVersions(a, b))).toBe(difference < 0n ? -1 : difference > 0n ? 1 : 0)
    }),
  )
})

test('the order of names and of migrations is total', () => {
  const name = fc.stringMatching(/^\d{0,3}[-_aB\u00e9]{1,3}$/)
  const asMigration = (text: string): Pick<Migration, 'version' | 'name'> => ({
    version: /^\d*/.exec(text)?.[0] || '0',
    name: text,
  })
  const orders = [
    compareNames,
    (a: string, b: string): number => compareMigrations(asMigration(a), asMigration(b)),
  ] as const
  fc.assert(
    fc.property(fc.constantFrom(...orders), name, name, name, (compare, a, b, c) => {
      expect(Math.sign(compare(a, b)) + Math.sign(compare(b, a))).toBe(0)
      expect(compare(a, b) === 0).toBe(a === b)
      const isChain = compare(a, b) <= 0 && compare(b, c) <= 0
      expect(!isChain || compare(a, c) <= 0).toBe(true)
    }),
  )
})

test('two histories of one digest name the same migrations, with the same content and state', () => {
  const lines = (rows: readonly AppliedMigration[]): readonly string[] =>
    rows.map((row) => `${row.name} ${row.checksum} ${row.status}`).toSorted()
  const twins = facts.chain((all) =>
    fc.tuple(
      fc.constant(all),
      fc.tuple(...all.map((fact) => fc.constantFrom(fact.row, ...STATES).map((row) => ({ ...fact, row })))),
    ),
  )
  fc.assert(
    fc.property(twins, ([one, other]) => {
      const [left, right] = [historyOf(one), historyOf(other)]
      expect(digestHistory(left) === digestHistory(right)).toBe(lines(left).join() === lines(right).join())
    }),
  )
})

test('line endings and one byte order mark do not change a checksum; anything else does', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z ;\u00e9]*$/)), fc.stringMatching(/^[a-z ]+$/), (lines, more) => {
      const text = lines.join('\n')
      expect(checksumOf(`\uFEFF${lines.join('\r\n')}`)).toBe(checksumOf(text))
      expect(checksumOf(text + more)).not.toBe(checksumOf(text))
    }),
  )
})

test('a new file comes last, and its name is accepted', () => {
  const letters = fc.constantFrom('a', 'Z', '-', ' ', 'é', '数', '한', 'ﷺ', '𐐀', '\ud800', '🎉')
  const descriptions = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 10 }),
    fc.string({ unit: letters, maxLength: 200, size: 'max' }),
  )
  fc.assert(
    fc.property(facts, descriptions, (all, description) => {
      const files = filesOf(all)
      const fileName = nextFileName(files, description, new Date('2026-11-20T10:11:12Z'))
      fc.pre(fileName !== null)
      const result = readMigrations([...files.map(({ name }) => fileOf(`${name}.sql`)), fileOf(fileName)])
      const names = 'migrations' in result ? result.migrations.map(({ name }) => `${name}.sql`) : []
      expect(names).toEqual([...files.map(({ name }) => `${name}.sql`), fileName])
    }),
  )
})
