import { expect, test } from 'vitest'
import { checkArgv } from '../../../src/cli/argv.ts'
import { parseCommandLine } from '../../../src/cli/parser.ts'
import { readPlainCommand } from '../../../src/cli/plain-command.ts'

test.each([
  [['sync', '--yes', '--', '--dry-run'], 'usage/bad-arguments', 'What stands behind -- would not be heard: --dry-run.'],
  [['sync', '--yes', '--', 'dev'], 'usage/bad-arguments', 'What stands behind -- would not be heard: dev.'],
  [['rollback', '--dry-run=1'], 'usage/bad-arguments', '--dry-run=1 is neither true nor false.'],
  [['sync', '--dry-run=TRUE'], 'usage/bad-arguments', '--dry-run=TRUE is neither true nor false.'],
  [['sync', '--dry-run='], 'usage/bad-arguments', '--dry-run= is neither true nor false.'],
  [['status', '--check=yes'], 'usage/bad-arguments', '--check=yes is neither true nor false.'],
  [['sync', '--help=1'], 'usage/bad-arguments', '--help=1 is neither true nor false.'],
  [['sync', '--no-color=1'], 'usage/bad-arguments', '--no-color=1 is neither true nor false.'],
  [['sync', '---dry-run'], 'usage/unknown-option', 'There is no option ---dry-run.'],
  [['sync', '--$0=x'], 'usage/unknown-option', 'There is no option --$0.'],
  [['sync', '--json=true'], 'usage/bad-arguments', '--json takes no value.'],
  [['plan', '--all=true'], 'usage/bad-arguments', '--all takes no value.'],
  [['repair', 'finish', '1', '--reason', '-x marks it'], 'usage/bad-arguments', '--reason needs a value.'],
  [['sync', '--to', '--json'], 'usage/bad-arguments', '--to needs a value.'],
  [['sync', '--env.dev'], 'usage/unknown-option', 'There is no option --env.dev.'],
  [['sync', '--dry-run.x=1'], 'usage/unknown-option', 'There is no option --dry-run.x.'],
  [['sync', '--dryRun'], 'usage/unknown-option', 'There is no option --dryRun.'],
  [['plan', '--no-to'], 'usage/unknown-option', 'There is no option --no-to.'],
  [['--versoin'], 'usage/unknown-option', 'There is no option --versoin.'],
  [['-x', 'sync'], 'usage/unknown-option', 'There is no option -x.'],
  [['sync', '-env', 'prod'], 'usage/unknown-option', 'There is no option -env.'],
  [['sync', '-y=no'], 'usage/unknown-option', 'There is no option -y=no.'],
  [['new', '--name', 'users'], 'usage/unknown-option', 'There is no option --name.'],
  [['sync', 'prod'], 'usage/bad-arguments', 'sync takes no word like prod.'],
  [['sync', '--env', 'dev,', 'prod'], 'usage/bad-arguments', 'sync takes no word like prod.'],
  [['rollback', '4'], 'usage/bad-arguments', 'rollback takes no word like 4.'],
  [['sync', 'dry-run'], 'usage/bad-arguments', 'sync takes no word like dry-run.'],
  [['sync', '--sql'], 'usage/bad-arguments', '--sql needs --dry-run.'],
  [['rollback', '--sql', '--to', '3'], 'usage/bad-arguments', '--sql needs --dry-run.'],
])('%j is refused and not half heard', async (argv, code, message) => {
  expect(readPlainCommand(argv)).toBeNull()
  await expect(parseCommandLine(argv, 80)).rejects.toMatchObject({ code, message, hint: expect.any(String) })
})

test.each([
  [['new'], '<description> is missing behind new.', 'migration-manager new <description>,'],
  [['new', '--json'], '<description> is missing behind new.', 'migration-manager new <description>,'],
  [
    ['repair'],
    '<action> and <migration> are missing behind repair.',
    'migration-manager repair <action> <migration> --env <name> --reason <text>,',
  ],
  [
    ['repair', 'new'],
    '<migration> is missing behind repair.',
    'migration-manager repair <action> <migration> --env <name> --reason <text>,',
  ],
  [
    ['--env', 'new', 'repair', 'accept-checksum'],
    '<migration> is missing behind repair.',
    'migration-manager repair <action> <migration> --env <name> --reason <text>,',
  ],
  [
    ['--env', 'dev', 'repair', 'accept-checksum'],
    '<migration> is missing behind repair.',
    'migration-manager repair <action> <migration> --env <name> --reason <text>,',
  ],
])('of %j it is said what is missing, with the usage line', async (argv, message, usage) => {
  await expect(parseCommandLine(argv, 80)).rejects.toMatchObject({
    code: 'usage/bad-arguments',
    message,
    hint: expect.stringContaining(usage),
  })
})

test.each([[[]], [['--json']], [['--no-color', '--quiet']]])(
  '%j asks for nothing, and is answered with the help',
  async (argv) => {
    expect(await parseCommandLine(argv, 80)).toMatchObject({
      kind: 'help',
      text: expect.stringContaining('migration-manager <command>'),
    })
  },
)

test.each([[['--env', 'prod', '--yes']], [['--env-file', 'a.env']], [['--json', '--shard=1/2']]])(
  '%j wants something done, and is no success without a command',
  async (argv) => {
    await expect(parseCommandLine(argv, 80)).rejects.toMatchObject({ message: 'There is no command.' })
  },
)

test.each([
  [['-env'], 'Did you mean --env?'],
  [['--versoin'], 'Did you mean --version?'],
  [['--env.dev'], 'Run migration-manager --help, or --help behind a command.'],
  [['sync', '4'], 'Did you mean sync --only 4, or sync --to 4?'],
  [['sync', 'prod'], expect.stringContaining('Did you mean sync --env prod?')],
  [['sync', 'dry-run'], 'Did you mean --dry-run?'],
  [['history', '003'], 'Did you mean history --migration 003?'],
  [['history', 'prod'], expect.stringContaining('Did you mean history --env prod?')],
  [['sync', '--sql'], 'Add --dry-run, or leave out --sql.'],
])('%j is answered with what may be meant', async (argv, hint) => {
  await expect(parseCommandLine(argv, 80)).rejects.toMatchObject({ hint })
})

test.each([
  [['sync', '--yes', '--']],
  [['sync', '--dry-run=true', '--atomic=false']],
  [['sync', '-qy', '--env', 'dev', '--to', '3']],
  [['repair', 'finish', '013', '--reason', 'by hand, -x and --y', '--env=prod']],
  [['new', 'add', 'users-and-roles']],
  [['status', '--no-color', '-h']],
  [['sync', '--to', '-1']],
  [['new', '---']],
  [['sync', '--config', '-']],
])('%j is clear', (argv) => {
  expect(() => checkArgv(argv)).not.toThrow()
})
