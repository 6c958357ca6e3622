import { describe, expect, test } from 'vitest'
import { parseCommandLine } from '../../../src/cli/parser.ts'
import { readPlainCommand } from '../../../src/cli/plain-command.ts'

/** What a command works with: the options that were given, without yargs' own entries. */
function essence(line: unknown): unknown {
  if (typeof line !== 'object' || line === null || !('options' in line) || !('args' in line)) return line
  const { options, args } = line
  const own = ['to', 'only', 'allow', 'check', 'all', 'sql', 'dry-run', 'atomic', 'lock-wait', 'recover-wait']
  const given = new Map(Object.entries(args ?? {}))
  return { options, own: own.map((name) => [name, given.get(name)]).filter(([, value]) => value !== undefined) }
}

describe('a plain command line', () => {
  test.each([
    ['status'],
    ['status', '--check', '--json'],
    ['status', '--all', '--no-color', '-q'],
    ['sync', '--env', 'dev,prod', '--yes'],
    ['sync', '--env', 'dev', '--env', 'prod', '-y'],
    ['sync', '--env=dev', '--to=002', '--allow', 'a/b', '--allow', 'c/d'],
    ['sync', '--dry-run', '--sql'],
    ['sync', '--atomic', '--lock-wait', '5'],
    ['plan', '--only', '001', '--dir', 'x', '--dir', 'y'],
    ['init', '--config', 'c.json', '--env-file', '.env.ci', '--verbose'],
    ['status', '--concurrency', '3'],
    ['sync', '--shard', '3/10', '--yes'],
  ])('is read as the parser reads it: %s %s %s %s %s %s %s', async (...argv) => {
    const plain = readPlainCommand(argv)
    expect(plain).not.toBeNull()
    expect(essence(plain)).toEqual(essence(await parseCommandLine(argv, 80)))
  })

  test.each([
    [[]],
    [['--help']],
    [['status', '--help']],
    [['stauts']],
    [['status', '--chekc']],
    [['status', 'extra']],
    [['sync', '--only', '1', '--to', '2']],
    [['sync', '--sql']],
    [['sync', '--to']],
    [['status', '--', 'x']],
    [['new', 'add users']],
    [['completion']],
    [['--json', 'status']],
  ])('is left to the parser when there is anything to explain: %j', (argv) => {
    expect(readPlainCommand(argv)).toBeNull()
  })
})

describe('--shard', () => {
  test.each([
    ['1/1', { part: 1, parts: 1 }],
    ['3/10', { part: 3, parts: 10 }],
    ['1000/1000', { part: 1000, parts: 1000 }],
  ])('%s is one of so many parts', (shard, expected) => {
    expect(readPlainCommand(['status', `--shard=${shard}`])).toMatchObject({ options: { shard: expected } })
  })

  test.each(['', '3', '0/10', '11/10', '1/1001', '1/0', '-1/10', '1.5/10', '1/10/100', ' 1/10', '1/x', 'ⅷ/10'])(
    '%j is refused with an example',
    async (shard) => {
      const words = ['status', `--shard=${shard}`]
      expect(() => readPlainCommand(words)).toThrow(expect.objectContaining({ code: 'usage/bad-arguments' }))
      await expect(parseCommandLine(words, 80)).rejects.toMatchObject({
        code: 'usage/bad-arguments',
        hint: expect.stringContaining('--shard 1/10'),
      })
    },
  )
})
