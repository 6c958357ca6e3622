import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { findOffences } from './architecture.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

function check(texts: Record<string, string>): readonly string[] {
  return findOffences(new Map(Object.entries(texts)))
}

test('every import of src is one that the table of rooms allows', () => {
  const files = readdirSync(`${ROOT}src`, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => `src/${path.replaceAll('\\', '/')}`)

  expect(files.length).toBeGreaterThan(50)
  expect(findOffences(new Map(files.map((file) => [file, readFileSync(ROOT + file, 'utf8')])))).toEqual([])
})

test('git is started by one file, and beside it only the embedded server and the local D1 start programs', () => {
  const starters = readdirSync(`${ROOT}src`, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts') && !path.startsWith('drivers/embedded/'))
    .filter((path) => readFileSync(`${ROOT}src/${path}`, 'utf8').includes('node:child_process'))

  expect(starters.toSorted()).toEqual(['drivers/d1/local.ts', 'sources/git-process.ts'])
})

const FORMS = {
  'a named import': "import { a } from '../drivers/b.ts'",
  'a type': "import type { A } from '../drivers/b.ts'",
  'names over several lines': "import {\n  a,\n  type B,\n} from '../drivers/b.ts'",
  'a default and names': "import a, { b } from '../drivers/b.ts'",
  'a namespace': "import * as b from '../drivers/b.ts'",
  'nothing but its effect': "import '../drivers/b.ts'",
  'a re-export': "export { a } from '../drivers/b.ts'",
  'a re-export of all': "export * from '../drivers/b.ts'",
  'a call': "const b = await import('../drivers/b.ts')",
  'a type in place': "type B = typeof import('../drivers/b.ts')",
} satisfies Record<string, string>

test.each(Object.entries(FORMS))('a forbidden import is found with its file and line: %s', (_, statement) => {
  expect(check({ 'src/core/a.ts': `\n${statement}\n`, 'src/drivers/b.ts': '' })).toEqual([
    'src/core/a.ts:2: imports ../drivers/b.ts, but core does not know drivers',
  ])
})

test.each([
  ['src/runner/a.ts', '../sources/b.ts', 'runner does not know sources'],
  ['src/commands/a.ts', '../drivers/b.ts', 'commands does not know drivers'],
  ['src/config/a.ts', '../sources/b.ts', 'config does not know sources'],
  ['src/drivers/a.ts', '../sql/b.ts', 'drivers does not know sql'],
  ['src/reporters/a.ts', '../cli/b.ts', 'nobody imports cli'],
  ['src/index.ts', './cli/b.ts', 'nobody imports cli'],
  ['src/cli/main.ts', '../drivers/b.ts', 'only the composition root builds what is in drivers'],
  ['src/helpers/a.ts', '../core/b.ts', 'src/helpers has no row in the table of rooms'],
])('%s may not import %s', (file, specifier, reason) => {
  const target = new URL(specifier, `file:///${file}`).pathname.slice(1)

  expect(check({ [file]: `import { b } from '${specifier}'`, [target]: '' })).toEqual([
    `${file}:1: imports ${specifier}, but ${reason}`,
  ])
})

test.each([
  ['src/core/a.ts', 'node:fs', 'core does not touch the outside'],
  ['src/core/a.ts', 'postgres', 'core does not touch the outside'],
  ['src/runner/a.ts', 'node:fs', 'runner does not touch the outside'],
])('%s may not import %s', (file, specifier, reason) => {
  expect(check({ [file]: `import { b } from '${specifier}'` })).toEqual([
    `${file}:1: imports ${specifier}, but ${reason}`,
  ])
})

test('what the table allows is no offence, nor are words in comments and texts', () => {
  expect(
    check({
      'src/core/a.ts': "import { createHash } from 'node:crypto'\n// import { b } from '../drivers/b.ts'\n",
      'src/drivers/b.ts': "import { a } from '../core/a.ts'\nconst text = `SELECT 1 from 'x'`\n",
      'src/drivers/postgres/c.ts': "import { d } from '../../sql/d.ts'\nimport { b } from '../b.ts'\n",
      'src/sql/d.ts': "import { parse } from 'libpg-query'\n",
      'src/cli/wire.ts': "import { b } from '../drivers/b.ts'\n",
      'src/cli/main.ts': "import type { B } from '../drivers/b.ts'\n",
    }),
  ).toEqual([])
})

test('a file that is not there is named', () => {
  expect(check({ 'src/core/a.ts': "import { b } from './b.ts'" })).toEqual([
    'src/core/a.ts:1: imports ./b.ts, but there is no such file',
  ])
})

test('a package that two files know is named, scoped or by a path inside of it', () => {
  expect(
    check({
      'src/drivers/a.ts': "import { a } from '@scope/one'\nimport { b } from 'two'\n",
      'src/drivers/b.ts': "import { a } from '@scope/one/part'\nimport type { b } from 'two/part'\n",
    }),
  ).toEqual([
    'src/drivers/b.ts:1: imports @scope/one, which src/drivers/a.ts already knows',
    'src/drivers/b.ts:2: imports two, which src/drivers/a.ts already knows',
  ])
})

test.each([
  ['an import', "import { b } from './b.ts'"],
  ['a type', "import type { B } from './b.ts'"],
  ['a call', "const load = () => import('./b.ts')"],
])('a cycle is named where it closes: by %s', (_, statement) => {
  expect(
    check({
      'src/core/a.ts': "import { b } from './b.ts'",
      'src/core/b.ts': "\nimport { c } from './c.ts'",
      'src/core/c.ts': statement,
    }),
  ).toEqual(['src/core/c.ts:1: closes a cycle: src/core/b.ts → src/core/c.ts → src/core/b.ts'])
})

test('two ways to one file are no cycle', () => {
  expect(
    check({
      'src/core/a.ts': "import { b } from './b.ts'\nimport { c } from './c.ts'",
      'src/core/b.ts': "import { c } from './c.ts'",
      'src/core/c.ts': '',
    }),
  ).toEqual([])
})
