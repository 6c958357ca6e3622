import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { COMMANDS, GLOBAL_OPTIONS } from '../../src/cli/commands/index.ts'
import { EXIT } from '../../src/cli/exit.ts'
import { parseCommandLine } from '../../src/cli/parser.ts'
import { REPAIRS } from '../../src/core/repair.ts'
import { findHeldLater, planRollback } from '../../src/core/rollback-plan.ts'
import { resolve } from './config/samples.ts'
import { environmentOf, migrationsOf, rowOf } from './core/samples.ts'

const ROOT = join(import.meta.dirname, '..', '..')

const PAGES: readonly string[] = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.replaceAll('\\', '/')}`),
]

function read(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8')
}

/** The rows of the tables of a page, each as its first cell. */
function firstCells(page: string): readonly string[] {
  return read(page)
    .split('\n')
    .flatMap((line) => /^\| *([^|]*?) *\|/.exec(line)?.[1] ?? [])
}

/** The options that have a row in a table of a page, without their dashes and without `no-`. */
function optionsIn(page: string): readonly string[] {
  return firstCells(page).flatMap((cell) => [...cell.matchAll(/`--(?:no-)?([a-z-]+)/g)].map((match) => match[1] ?? ''))
}

/** A page without its code, in which brackets and headings mean nothing. */
function prose(page: string): string {
  return read(page).replaceAll(/^( *)```[^]*?^\1```$/gm, '')
}

/** The name that GitHub gives a heading: lower case, spaces as dashes, no punctuation. */
function anchors(page: string): readonly string[] {
  return [...prose(page).matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** A line as a shell splits it, without what a shell does to variables. */
function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? '',
  )
}

/** The command lines that a page shows behind a prompt. */
function commandLines(page: string): readonly (readonly string[])[] {
  return [...read(page).matchAll(/^ *\$ (?:npx )?migration-manager (.+)$/gm)].map(([, line = '']) => wordsOf(line))
}

/** The options that the sentences of a page name behind a verb, as `sync --to`, that the verb does not have. */
function unknownOptions(page: string): readonly string[] {
  return COMMANDS.flatMap(({ name, options }) =>
    [...prose(page).matchAll(new RegExp(`\`(?:migration-manager )?${name} [^\`]*--[^\`]*\``, 'g'))].filter(
      ([mention]) =>
        [...mention.matchAll(/ --(?:no-)?([a-z-]+)/g)].some(
          ([, option = '']) => !Object.hasOwn({ ...GLOBAL_OPTIONS, ...options }, option),
        ),
    ),
  ).map(([mention]) => mention)
}

describe('commands', () => {
  test.each(COMMANDS)('$name has a row in the README and a page with every option of its own', ({ name, options }) => {
    const page = `docs/commands/${name}.md`
    expect(firstCells('README.md')).toContain(`[\`${name}\`](${page})`)
    expect(read(page).startsWith(`# ${name}\n`)).toBe(true)
    expect(optionsIn(page)).toEqual(expect.arrayContaining(Object.keys(options)))
  })

  test('no page is about a command that does not exist', () => {
    const names = readdirSync(join(ROOT, 'docs', 'commands')).map((file) => file.replace(/\.md$/, ''))
    expect(names.toSorted()).toEqual(COMMANDS.map(({ name }) => name).toSorted())
  })

  test('the README names every option of all commands', () => {
    expect(optionsIn('README.md')).toEqual(expect.arrayContaining(Object.keys(GLOBAL_OPTIONS)))
  })
})

test('every exit code has a row on its page, and no other code has one', () => {
  const codes = firstCells('docs/exit-codes.md').filter((cell) => /^\d+$/.test(cell))
  expect(codes.map(Number)).toEqual(Object.values(EXIT).toSorted((a, b) => a - b))
})

test('every room of the source has a row in the page for contributors', () => {
  const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(firstCells('docs/contributing.md')).toEqual(expect.arrayContaining(rooms.map(({ name }) => `\`${name}/\``)))
})

test.each(['docs/environments.md', 'docs/d1.md'])('%s says how local comes before staging', (page) => {
  const env = { LOCAL_DATABASE_URL: 'embedded:local', STAGING_DATABASE_URL: 'embedded:staging' }
  const { environments } = resolve({ env })

  expect(environments.map(({ name }) => name)).toEqual(['staging', 'local'])
  expect(read(page)).toContain('`MIGRATION_ENVIRONMENTS=local,staging,prod`')
  expect(read(page)).toContain('`history/not-promoted`')
})

test('the page of rollback names every code that a rollback offers to allow', () => {
  const files = migrationsOf('001-a', '002-b').map((file) => ({
    ...file,
    down: { sql: 'SELECT 1;', file: file.file, firstLine: 1, indent: 0 },
  }))
  const history = [rowOf('001-a'), rowOf('002-b', { checksum: 'sha256:other' }), rowOf('003-gone')]
  const plans = (['001-a', '002-b', '003-gone'] as const).map((name) =>
    planRollback('dev', files, history, { kind: 'names', names: new Set([name]) }, new Set()),
  )
  const columns = ['dev', 'prod'].map((name, order) => ({ environment: environmentOf(name, order), history }))
  const hints = [...plans.flatMap(({ findings }) => findings), ...findHeldLater(columns, plans.slice(0, 1))].map(
    ({ hint }) => hint,
  )
  const codes = new Set(hints.flatMap((hint) => hint?.match(/(?<=--allow )[a-z-]+\/[a-z-]+/g) ?? []))
  const row = read('docs/commands/rollback.md').match(/^\| `--allow`.*$/m)?.[0] ?? ''

  expect([...codes].toSorted()).toEqual([
    'history/changed',
    'history/missing-file',
    'rollback/held-later',
    'rollback/not-latest',
  ])
  for (const code of codes) expect(row).toContain(`\`${code}\``)
})

test('pages that the program sends people to were not in its package', () => {
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    // Comments are for those who have the repository.
    .map((name) => read(join('src', name)).replaceAll(/^ *(?:\/\/|\/?\*).*$/gm, ''))
  const texts = [...sources, read('scripts/deploy-migrations.sh')]
  const pages = new Set(texts.flatMap((text) => text.match(/\bdocs\/[\w/-]+\.md/g) ?? []))
  const { files }: { readonly files: readonly string[] } = JSON.parse(read('package.json'))

  expect(pages.size).toBeGreaterThan(0)
  for (const page of pages) expect(files).toContain(`${dirname(page)}/*.md`)
  // Those pages lead to these.
  expect(files).toContain('docs/commands')
})

describe.each(PAGES)('%s', (page) => {
  test('has only links to files and headings that are there', () => {
    const links = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '')
    const broken = links
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => {
        const [path = '', anchor] = link.split('#')
        const target = path === '' ? page : relative(ROOT, join(ROOT, dirname(page), path)).replaceAll('\\', '/')
        if (!existsSync(join(ROOT, target))) return true
        return anchor !== undefined && !anchors(target).includes(anchor)
      })
    expect(broken).toEqual([])
  })

  test('shows only command lines that the parser takes, and names only options that there are', async () => {
    const lines = commandLines(page)
    for (const words of lines) {
      // oxlint-disable-next-line no-await-in-loop -- one parser at a time
      await expect(parseCommandLine(words, 80), `migration-manager ${words.join(' ')}`).resolves.toMatchObject({
        kind: 'command',
      })
    }
    const repairs = lines.flatMap(([verb, action]) => (verb === 'repair' ? [action] : []))
    expect(REPAIRS).toEqual(expect.arrayContaining(repairs))
    expect(unknownOptions(page)).toEqual([])
  })

  test('names no package registry and no path of a machine', () => {
    const text = read(page)
    expect(text).not.toMatch(/\b(?:registry|npm\.pkg|npmjs)\.[a-z]/i)
    expect(text).not.toMatch(/(?:^|[\s`'"(])\/(?:work|home|root|tmp|Users)\//m)
  })
})
