import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COMMANDS, GLOBAL_OPTIONS } from '../../../src/cli/commands/index.ts'
import { parseCommandLine } from '../../../src/cli/parser.ts'
import { MigrationManagerError } from '../../../src/core/errors.ts'
import { resolvesInTime } from './deadline.ts'

const names = COMMANDS.map(({ name }) => name)
const options = [...new Set([...Object.keys(GLOBAL_OPTIONS), ...COMMANDS.flatMap((spec) => Object.keys(spec.options))])]

const word = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...names) },
  { weight: 4, arbitrary: fc.constantFrom(...options).map((name) => `--${name}`) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(...options), fc.string({ maxLength: 4 })).map((all) => `--${all.join('=')}`),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('-', '--', '---', '-y', '-q', '-yq', '-x', '--no-', '--no-json', '=', '', ' '),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '__proto__',
      '--__proto__',
      '--__proto__.x=1',
      '--constructor',
      '--toString=1',
      '--a.b.c',
      '$0',
      '--$0',
      '_',
      '--_',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('--to', '--only', '001', '-1', '--env', 'dev,prod', 'null', '1e999', '0x10'),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
)

describe('any command line', () => {
  test('is a command with its options, the help, or an error of usage; and no prototype is touched', async () => {
    const ownBefore = Object.getOwnPropertyNames(Object.prototype)
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 6 }), fc.constantFrom(20, 80, Infinity), async (argv, width) => {
        const says = await parseCommandLine(argv, width).then(
          ({ kind }) => kind,
          (error: unknown) => (error instanceof MigrationManagerError ? error.code : 'a crash'),
        )
        expect(says).toMatch(/^(?:usage\/[a-z-]+|help|command)$/)
      }),
      { numRuns: 150 },
    )
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(ownBefore)
  })

  test.each(COMMANDS.filter(({ positionals }) => !positionals.includes('<')).map(({ name }) => name))(
    '%s takes the options of all commands, and their values as they were typed',
    async (name) => {
      const line = await parseCommandLine([name, '--dir', '001', '--env=007', '--json', '-y'], 80)
      expect(line).toMatchObject({
        kind: 'command',
        spec: { name },
        options: { dir: '001', env: ['007'], json: true, yes: true },
      })
    },
  )

  test.each([
    ['words', Array.from({ length: 20_000 }, () => 'x')],
    ['options', Array.from({ length: 2_000 }, (_, at) => `--x${at}`)],
    ['letters', ['x'.repeat(100_000)]],
    ['dashes', ['-'.repeat(100_000)]],
    ['commas', ['status', '--env', ','.repeat(100_000)]],
    ['dots', [`--${'a.'.repeat(5_000)}b`]],
  ])('of very many %s ends with an error or a command', async (_, argv) => {
    const line = await resolvesInTime(() => parseCommandLine(argv, 80).catch((error: unknown) => error))
    expect(line).toSatisfy((one) => one instanceof MigrationManagerError || Object.hasOwn(Object(one), 'kind'))
  })
})
