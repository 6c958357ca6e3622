import { expect, test } from 'vitest'
import type { AppliedMigration } from '../../../src/core/history.ts'
import { planSync } from '../../../src/core/plan.ts'
import { adviseFirst, findNotPromoted } from '../../../src/core/promotion.ts'
import { environmentOf, migrationsOf, rowOf } from './samples.ts'

interface Place {
  readonly name: string
  readonly history: readonly AppliedMigration[] | null
  /** Whether the run is to change it. */
  readonly isPlanned: boolean
  readonly dir?: string
}

function findingsOf(places: readonly Place[], files: readonly string[] = ['1-a', '2-b']): readonly string[] {
  const migrations = migrationsOf(...files)
  const columns = places.map(({ name, history, dir }, order) => ({
    environment: environmentOf(name, order, dir),
    history,
  }))
  const plans = places.flatMap(({ name, history, isPlanned }) =>
    isPlanned ? [planSync(name, migrations, history ?? [], { allow: new Set() })] : [],
  )
  return findNotPromoted(columns, plans).map((each) => `${each.severity} ${each.environment} ${each.migration}`)
}

test.each<[string, readonly Place[], readonly string[]]>([
  ['the first environment', [{ name: 'dev', history: [], isPlanned: true }], []],
  [
    'one whose predecessor holds all',
    [
      { name: 'dev', history: [rowOf('1-a'), rowOf('2-b')], isPlanned: false },
      { name: 'prod', history: [], isPlanned: true },
    ],
    [],
  ],
  [
    'one whose predecessor gets them in this run',
    [
      { name: 'dev', history: [], isPlanned: true },
      { name: 'prod', history: [], isPlanned: true },
    ],
    [],
  ],
  [
    'one that overtakes',
    [
      { name: 'dev', history: [rowOf('1-a')], isPlanned: false },
      { name: 'prod', history: [], isPlanned: true },
    ],
    ['block prod 2-b'],
  ],
  [
    'one whose predecessor has not finished',
    [
      { name: 'dev', history: [rowOf('1-a'), rowOf('2-b', { status: 'started' })], isPlanned: false },
      { name: 'prod', history: [], isPlanned: true },
    ],
    ['block prod 2-b'],
  ],
  [
    'one that is measured by its direct predecessor only',
    [
      { name: 'dev', history: [rowOf('1-a'), rowOf('2-b')], isPlanned: false },
      { name: 'staging', history: [], isPlanned: false },
      { name: 'prod', history: [], isPlanned: true },
    ],
    ['block prod 1-a', 'block prod 2-b'],
  ],
  [
    'one that follows environments of another folder only',
    [
      { name: 'dev', history: [], isPlanned: false, dir: 'billing' },
      { name: 'prod', history: [], isPlanned: true },
    ],
    [],
  ],
  [
    'one whose predecessor could not be read',
    [
      { name: 'dev', history: null, isPlanned: false },
      { name: 'prod', history: [], isPlanned: true },
    ],
    [],
  ],
])('not promoted, for %s', (_, places, findings) => {
  expect(findingsOf(places)).toEqual(findings)
})

test('every database of the environment before must hold a migration', () => {
  const migrations = migrationsOf('1-a')
  const staging = ['a', 'b'].map((name) => ({ ...environmentOf(`staging/${name}`, 0), fleet: 'staging' }))
  const prod = ['a', 'b'].map((name) => ({ ...environmentOf(`prod/${name}`, 1), fleet: 'prod' }))
  const columns = [
    ...staging.map((environment, index) => ({ environment, history: index === 0 ? [rowOf('1-a')] : [] })),
    ...prod.map((environment) => ({ environment, history: [] })),
  ]
  const plans = prod.map(({ name }) => planSync(name, migrations, [], { allow: new Set() }))
  expect(findNotPromoted(columns, plans).map(({ message }) => message)).toEqual([
    'prod/a would get 1-a before staging/b has it.',
    'prod/b would get 1-a before staging/b has it.',
  ])
})

test('the databases of one environment need not wait for each other', () => {
  const migrations = migrationsOf('1-a')
  const prod = ['a', 'b'].map((name) => ({ ...environmentOf(`prod/${name}`, 0), fleet: 'prod' }))
  const plans = [planSync('prod/b', migrations, [], { allow: new Set() })]
  expect(
    findNotPromoted(
      prod.map((environment) => ({ environment, history: [] })),
      plans,
    ),
  ).toEqual([])
})

test.each([
  ['prod', 'staging', 'Sync staging first, or both: --env staging,prod.'],
  ['prod/acme', 'staging', 'Sync staging first: --env staging.'],
  ['prod', 'staging/s2', 'Sync all of staging first, every shard of it: --env staging.'],
  ['prod/acme', 'staging/s2', 'Sync all of staging first, every shard of it: --env staging.'],
])(
  'what %s waits for in %s is advised for all of a fleet, and never for one database of it',
  (environment, first, advice) => {
    expect(adviseFirst('Sync', environment, first)).toBe(advice)
  },
)
