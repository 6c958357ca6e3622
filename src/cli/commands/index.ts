import type { CommandSpec, Option } from './command.ts'

const ALLOW: Option = {
  type: 'string',
  array: true,
  requiresArg: true,
  describe: 'Accept findings with this code (repeatable)',
}
const TO: Option = { type: 'string', requiresArg: true, describe: 'Stop after this version' }
const ONLY: Option = { type: 'string', requiresArg: true, describe: 'This version alone', conflicts: 'to' }
const ALL: Option = { type: 'boolean', describe: 'Show everything, however much there is' }
const MAX_FAILURES: Option = {
  type: 'string',
  requiresArg: true,
  describe: 'Of an environment with many databases, so many may fail before the run stops (0)',
}
const ATOMIC: Option = { type: 'boolean', describe: 'All environments or none' }
const SQL: Option = { type: 'boolean', describe: 'Print the SQL' }

/** What plan shows and sync does. */
const WHAT_IS_DONE: CommandSpec['options'] = {
  to: TO,
  only: ONLY,
  allow: ALLOW,
  atomic: ATOMIC,
  'max-failures': MAX_FAILURES,
}

/** Every verb. A new one is a file beside this one and an entry here. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'status',
    positionals: '',
    describe: 'Show which migration is applied where, and whether it is the same file everywhere',
    options: {
      check: { type: 'boolean', describe: 'Exit with 3 unless all environments are in sync' },
      diff: { type: 'boolean', describe: 'Show how what ran differs from what is on disk' },
      all: ALL,
    },
    load: () => import('./status.ts'),
  },
  {
    name: 'plan',
    positionals: '',
    describe: 'Show what sync would do; changes nothing',
    options: {
      ...WHAT_IS_DONE,
      sql: SQL,
      all: ALL,
    },
    load: () => import('./plan.ts'),
  },
  {
    name: 'sync',
    positionals: '',
    describe: 'Apply what is missing, environment after environment',
    options: {
      ...WHAT_IS_DONE,
      'dry-run': { type: 'boolean', describe: 'The same as plan' },
      'lock-wait': { type: 'string', requiresArg: true, describe: 'Seconds to wait for another run (60)' },
      'recover-wait': { type: 'string', requiresArg: true, describe: 'Seconds to try to reach a lost database (120)' },
      sql: { ...SQL, implies: 'dry-run', describe: 'With --dry-run: print the SQL' },
      all: ALL,
    },
    load: () => import('./sync.ts'),
  },
  {
    name: 'init',
    positionals: '',
    describe: 'Create the history tables in every environment, and the first files of a new project',
    options: { allow: ALLOW, all: ALL },
    load: () => import('./init.ts'),
  },
  {
    name: 'new',
    positionals: '<description..>',
    describe: 'Write the next migration file from the template',
    options: {},
    load: () => import('./new.ts'),
  },
  {
    name: 'rollback',
    positionals: '',
    describe: 'Take the last migration back, in every environment that has it',
    options: {
      to: { type: 'string', requiresArg: true, describe: 'Take back all above this version, which stays' },
      only: { type: 'string', requiresArg: true, describe: 'This version alone', conflicts: 'to' },
      allow: ALLOW,
      atomic: ATOMIC,
      'max-failures': MAX_FAILURES,
      'dry-run': { type: 'boolean', describe: 'Show what would be done; change nothing' },
      'lock-wait': { type: 'string', requiresArg: true, describe: 'Seconds to wait for another run (60)' },
      'recover-wait': { type: 'string', requiresArg: true, describe: 'Seconds to try to reach a lost database (120)' },
      sql: { ...SQL, implies: 'dry-run', describe: 'With --dry-run: print the SQL' },
      all: ALL,
    },
    load: () => import('./rollback.ts'),
  },
  {
    name: 'check',
    positionals: '',
    describe: 'Rehearse migrations on a throw-away database; touches no environment',
    options: {
      reversible: { type: 'boolean', describe: 'Prove that every migration can be taken back: up, down, up' },
      all: ALL,
    },
    load: () => import('./check.ts'),
  },
  {
    name: 'verify',
    positionals: '',
    describe: 'Ask whether the databases still look like their migrations say; changes nothing',
    options: { allow: ALLOW, all: ALL },
    load: () => import('./verify.ts'),
  },
  {
    name: 'history',
    positionals: '',
    describe: 'Show who applied what, where, when and how long it took',
    options: {
      migration: { type: 'string', requiresArg: true, describe: 'Only this migration: its version, name or file' },
      since: {
        type: 'string',
        requiresArg: true,
        describe: 'Only from then on: a date, with or without a time (UTC), or 12h, 2d, 1w',
      },
      failed: { type: 'boolean', describe: 'Only failed attempts' },
      diff: { type: 'boolean', describe: 'Show how what ran differs from what is on disk' },
      log: { type: 'boolean', describe: 'The whole log, row by row' },
      check: { type: 'boolean', describe: 'Exit with 4 unless every log is as it was written' },
      csv: { type: 'boolean', describe: 'Comma-separated values' },
      all: ALL,
    },
    load: () => import('./history.ts'),
  },
  {
    name: 'repair',
    positionals: '<action> <migration>',
    needs: '--env <name> --reason <text>',
    describe:
      'Set one row of one history right by hand: accept-checksum, mark-applied, mark-not-applied, finish, abandon',
    options: { reason: { type: 'string', requiresArg: true, describe: 'Why; it is written to the log' }, all: ALL },
    load: () => import('./repair.ts'),
  },
  {
    name: 'adopt',
    positionals: '',
    describe: "Take over what another tool's history says, after a look at the live schema",
    options: {
      from: { type: 'string', requiresArg: true, describe: 'Whose history: wrangler or schema-version' },
      'dry-run': { type: 'boolean', describe: 'Show what would be taken over; change nothing' },
      all: ALL,
    },
    load: () => import('./adopt.ts'),
  },
  {
    name: 'completion',
    positionals: '[shell]',
    describe: 'Print the completion script for bash, zsh or fish',
    options: {},
    load: () => import('./completion.ts'),
  },
]

/** Options of all commands. */
export const GLOBAL_OPTIONS: Readonly<Record<string, Option>> = {
  env: { type: 'string', array: true, requiresArg: true, describe: 'Only these environments: --env dev,prod' },
  shard: {
    type: 'string',
    requiresArg: true,
    describe: 'Of environments with many databases only one of so many parts: --shard 3/10',
  },
  dir: { type: 'string', requiresArg: true, describe: 'Folder of the migration files (default: database)' },
  'env-file': { type: 'string', requiresArg: true, describe: 'Read variables from this file (default: .env)' },
  config: { type: 'string', requiresArg: true, describe: 'Read settings from this file' },
  json: { type: 'boolean', describe: 'Print one JSON object' },
  concurrency: {
    type: 'string',
    requiresArg: true,
    describe: 'How many databases of one server to connect to at once (default: 10)',
  },
  yes: { type: 'boolean', alias: 'y', describe: 'Confirm protected environments in advance' },
  verbose: { type: 'boolean', describe: 'Say more about where things come from' },
  quiet: { type: 'boolean', alias: 'q', describe: 'No progress' },
  color: { type: 'boolean', default: true, describe: 'Colours (--no-color, NO_COLOR)' },
  version: { type: 'boolean', describe: 'Show the version' },
}
