import { describe, expect, test } from 'vitest'
import { type Given, problemsOf, resolve } from './samples.ts'

const ACME = 'postgres://app:acme-password@db.example.com/acme'
const GLOBEX = 'postgres://app:globex-password@db.example.com/globex'

const namesOf = (given: Given): readonly string[] => resolve(given).environments.map(({ name }) => name)

const messagesOf = (given: Given): readonly string[] => problemsOf(given).map(({ message }) => message)

/** So many lines. */
const many = (count: number, url: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => url(at)).join('\n')

describe('an environment of many databases', () => {
  test('has the databases of its variable, each an environment that says which it belongs to', () => {
    const env = {
      DATABASE_URL: 'embedded:dev',
      PROD_DATABASE_URLS: `${ACME}\nbig=${GLOBEX}`,
      PROD_MIGRATIONS_DIR: 'tenants',
    }
    const { environments, selected } = resolve({ env })
    expect(environments).toMatchObject([
      { name: 'dev', order: 0, protected: false, migrationsDir: 'database', origin: 'DATABASE_URL' },
      {
        name: 'prod/acme',
        fleet: 'prod',
        engine: 'postgres',
        endpoint: { database: 'acme' },
        order: 1,
        protected: true,
        migrationsDir: 'tenants',
        origin: 'PROD_DATABASE_URLS, line 1',
      },
      {
        name: 'prod/big',
        fleet: 'prod',
        endpoint: { database: 'globex' },
        order: 1,
        origin: 'PROD_DATABASE_URLS, line 2',
      },
    ])
    expect(environments[0]).not.toHaveProperty('fleet')
    expect(environments[1]?.secrets.map((secret) => secret.reveal())).toEqual([ACME, 'acme-password'])
    expect(selected).toEqual(['dev', 'prod/acme', 'prod/big'])
  })

  test.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    ['one database is a fleet, too', { PROD_DATABASE_URLS: ACME }, ['prod/acme']],
    ['DATABASE_URLS is dev', { DATABASE_URLS: 'embedded:a embedded:b' }, ['dev/a', 'dev/b']],
    ['and so is DEV_DATABASE_URLS', { DEV_DATABASE_URLS: 'embedded:a' }, ['dev/a']],
    [
      'the name before the = keeps its case',
      { EU_PROD_DATABASE_URLS: `Acme.2=${ACME},${ACME}` },
      ['eu_prod/Acme.2', 'eu_prod/acme'],
    ],
    ['names come from all engines', { DEV_DATABASE_URLS: 'embedded:a\nd1-local:DB' }, ['dev/a', 'dev/DB']],
    ['a list of comments is not set', { DATABASE_URL: 'embedded:a', PROD_DATABASE_URLS: '# none\n\n' }, ['dev']],
    [
      'an empty one neither',
      { PROD_DATABASE_URL: ACME, PROD_DATABASE_URLS: ' ', PROD_DATABASE_URLS_FILE: '' },
      ['prod'],
    ],
    ['two that agree are one', { DATABASE_URLS: ACME, DEV_DATABASE_URLS: `${ACME}\n` }, ['dev/acme']],
    [
      'order and participants are those of environments',
      {
        PROD_DATABASE_URLS: ACME,
        DATABASE_URLS: GLOBEX,
        QA_DATABASE_URLS: 'nonsense',
        MIGRATION_ENVIRONMENTS: 'prod,dev',
      },
      ['prod/acme', 'dev/globex'],
    ],
  ])('%s', (_, env, names) => {
    expect(namesOf({ env })).toEqual(names)
  })

  test('MIGRATION_PROTECTED speaks of all of its databases', () => {
    const env = { DATABASE_URLS: 'embedded:a embedded:b', PROD_DATABASE_URLS: ACME }
    const given = { env: { ...env, MIGRATION_PROTECTED: 'dev' } }
    expect(resolve(given).environments.map((one) => one.protected)).toEqual([true, true, false])
    expect(problemsOf({ env: { ...env, MIGRATION_PROTECTED: 'prod/acme' } })).toMatchObject([
      { code: 'config/unknown-environment', hint: 'Did you mean prod? Configured: dev, prod.' },
    ])
  })

  test('a list of a .env file may be quoted over several lines', () => {
    const envFile = `PROD_DATABASE_URLS='\n# tenants\n${ACME}\nb=${GLOBEX.replace('globex-', 'p#')}\n'`
    expect(resolve({ envFile }).environments).toMatchObject([
      { name: 'prod/acme', origin: 'PROD_DATABASE_URLS (.env), line 3' },
      { name: 'prod/b', origin: 'PROD_DATABASE_URLS (.env), line 4' },
    ])
  })

  test('a list that .env cuts off at a # is refused, as the rest would be left out without a word', () => {
    const envFile = `PROD_DATABASE_URLS=${ACME} b=postgres://u:x#y@h/d c=${GLOBEX}`
    expect(problemsOf({ envFile })).toMatchObject([
      {
        code: 'config/ambiguous-value',
        message: 'PROD_DATABASE_URLS (.env): the value holds a #, and .env ends it there.',
      },
    ])
  })

  test('the list may be in a file', () => {
    const env = { PROD_DATABASE_URLS_FILE: 'tenants.txt' }
    const files = { PROD_DATABASE_URLS_FILE: `# EU\n${ACME}\n${GLOBEX}\n` }
    expect(resolve({ env, files }).environments).toMatchObject([
      { name: 'prod/acme', origin: 'tenants.txt (PROD_DATABASE_URLS_FILE), line 2' },
      { name: 'prod/globex', origin: 'tenants.txt (PROD_DATABASE_URLS_FILE), line 3' },
    ])
  })

  test('five thousand databases are read, chosen and compared in time', () => {
    const list = many(5_000, (at) => `postgres://app:password-${at}@db.example.com/tenant_${at}`)
    const env = { PROD_DATABASE_URLS_FILE: 'tenants.txt' }
    const only = Array.from({ length: 2_000 }, (_, at) => `prod/tenant_${at}`)
    const { environments, selected } = resolve({ env, files: { PROD_DATABASE_URLS_FILE: list }, only })
    expect(environments).toHaveLength(5_000)
    expect(selected).toEqual(only)
  })
})

test('five thousand environments are read, and of as many that are missing ten are told', () => {
  const names = Array.from({ length: 5_000 }, (_, at) => `e${at}`)
  const env = Object.fromEntries(names.map((name) => [`${name}_DATABASE_URL`, `embedded:${name}`]))
  expect(new Set(namesOf({ env }))).toEqual(new Set(names))
  const others = names.map((name) => `${name}_x`).join(',')
  const strangers = names.map((name) => `${name}_y`).join(',')
  const messages = messagesOf({ env: { ...env, MIGRATION_ENVIRONMENTS: others, MIGRATION_PROTECTED: strangers } })
  expect(messages[10]).toBe('MIGRATION_ENVIRONMENTS: something is wrong with 4990 more names.')
  expect(messages).toHaveLength(22)
})

describe('what is wrong with a list', () => {
  const prod = (list: string): Given => ({ env: { PROD_DATABASE_URLS: list } })

  test.each<[string, string, string]>([
    [
      'embedded:a\nswordfish',
      'config/unknown-scheme',
      'PROD_DATABASE_URLS, line 2: the value does not begin with a scheme that is known here.',
    ],
    [
      '\n\nacme=mysql://u:swordfish@h/d',
      'config/unknown-scheme',
      'PROD_DATABASE_URLS, line 3: the value does not begin with a scheme that is known here.',
    ],
    [
      'acme="postgres://u:swordfish@h/d"',
      'config/quoted-url',
      'PROD_DATABASE_URLS, line 1: the value begins with a quote.',
    ],
    [
      'postgres://u:swordfish@h',
      'config/no-database',
      'PROD_DATABASE_URLS, line 1: The connection string names no database.',
    ],
    [
      'sword fish=postgres://u:x@h/d',
      'config/unknown-scheme',
      'PROD_DATABASE_URLS, line 1: the value does not begin with a scheme that is known here.',
    ],
    [
      '-swordfish=embedded:a',
      'config/bad-name',
      'PROD_DATABASE_URLS, line 1: what stands before the = cannot be used as a name.',
    ],
    [
      '=embedded:a',
      'config/bad-name',
      'PROD_DATABASE_URLS, line 1: what stands before the = cannot be used as a name.',
    ],
    [
      'postgres://u:x@h/sword%20fish',
      'config/bad-name',
      'PROD_DATABASE_URLS, line 1: the name of its database cannot be used as a name here.',
    ],
    [
      'embedded:a\nembedded:a',
      'config/duplicate-name',
      'PROD_DATABASE_URLS, line 2: a is the same database as line 1.',
    ],
    [
      'embedded:a\na=embedded:b',
      'config/duplicate-name',
      'PROD_DATABASE_URLS, line 2: the name a is already that of line 1.',
    ],
    [
      'embedded:a a=embedded:b',
      'config/duplicate-name',
      'PROD_DATABASE_URLS, line 1: the name a is already that of another one on this line.',
    ],
    [
      'postgres://u:swordfish@h/d,\nembedded:b',
      'config/bad-url',
      'PROD_DATABASE_URLS, line 1: the connection string ends with a comma or semicolon.',
    ],
    [
      `postgres://u:${'swordfish'.repeat(2_000)}@h/d`,
      'config/bad-url',
      'PROD_DATABASE_URLS, line 1 is longer than a connection string can be.',
    ],
  ])('%#: the line is named, and the fix, and never the value', (list, code, message) => {
    const problems = problemsOf(prod(list))
    expect(problems.filter((problem) => problem.code === code).map((problem) => problem.message)).toEqual([message])
    expect(problems.find((problem) => problem.code === code)?.hint).toMatch(/./u)
    expect(JSON.stringify(problems)).not.toMatch(/swordfish|sword.{1,3}fish/u)
  })

  test('how to name a database is said where it has no name, or one that is taken', () => {
    for (const list of ['postgres://u:x@h/a%20b', 'embedded:a a=embedded:b']) {
      expect(problemsOf(prod(list))[0]?.hint).toContain('name= before the connection string')
    }
  })

  test('of a thousand bad lines ten are told, and how many more there are', () => {
    const messages = messagesOf(prod(many(1_000, () => 'postgres://postgres:pw@db.example.com/postgres')))
    expect(messages).toHaveLength(11)
    expect(messages[0]).toContain('PROD_DATABASE_URLS, line 2: postgres is the same database as line 1.')
    expect(messages[10]).toBe('PROD_DATABASE_URLS: 989 more of its connection strings cannot be used.')
  })

  test('a file of nothing but comments is a mistake', () => {
    const given = { env: { PROD_DATABASE_URLS_FILE: 'a.txt' }, files: { PROD_DATABASE_URLS_FILE: '# none yet\n' } }
    expect(problemsOf(given)).toMatchObject([
      { code: 'config/empty-list', message: 'a.txt (PROD_DATABASE_URLS_FILE) holds no connection string.' },
    ])
  })

  test('a file that cannot be read is a problem, unless its environment does not take part', () => {
    const unreadable = { code: 'config/unreadable-file', message: 'a.txt does not exist.' } as const
    const given = {
      env: { DATABASE_URL: 'embedded:dev', PROD_DATABASE_URLS_FILE: 'a.txt' },
      files: { PROD_DATABASE_URLS_FILE: unreadable },
    }
    expect(problemsOf(given)).toEqual([unreadable])
    expect(namesOf({ ...given, env: { ...given.env, MIGRATION_ENVIRONMENTS: 'dev' } })).toEqual(['dev'])
  })

  test.each<[Readonly<Record<string, string>>, string]>([
    [
      { PROD_DATABASE_URL: ACME, PROD_DATABASE_URLS: ACME },
      'PROD_DATABASE_URL and PROD_DATABASE_URLS both set the environment prod.',
    ],
    [
      { DATABASE_URL: ACME, DEV_DATABASE_URLS: ACME },
      'DATABASE_URL and DEV_DATABASE_URLS both set the environment dev.',
    ],
    [
      { PROD_DATABASE_URLS: ACME, PROD_DATABASE_URLS_FILE: 'a.txt' },
      'PROD_DATABASE_URLS and PROD_DATABASE_URLS_FILE both set the environment prod.',
    ],
    [
      { DATABASE_URLS: ACME, DEV_DATABASE_URLS: GLOBEX },
      'DATABASE_URLS and DEV_DATABASE_URLS both set the environment dev, to different values.',
    ],
  ])('%j is a conflict', (env, message) => {
    expect(problemsOf({ env })).toMatchObject([{ code: 'config/conflicting-variables', message }])
  })

  test('that no environment is configured says nothing of lists, but which are empty', () => {
    expect(messagesOf({})).toEqual([
      'No environment is configured in /project: neither DATABASE_URL nor any <NAME>_DATABASE_URL is set.',
    ])
    expect(messagesOf({ env: { PROD_DATABASE_URLS: '# none' } })).toEqual([
      'No environment is configured in /project: PROD_DATABASE_URLS is set but empty.',
    ])
  })

  test('a missing environment is told to set its one variable', () => {
    const env = { DATABASE_URLS: 'embedded:a', MIGRATION_ENVIRONMENTS: 'dev,prod' }
    expect(messagesOf({ env })).toEqual(['MIGRATION_ENVIRONMENTS names prod, but PROD_DATABASE_URL is not set.'])
  })
})

describe('--env', () => {
  const env = {
    DATABASE_URL: 'embedded:dev',
    EU_PROD_DATABASE_URLS: 'embedded:acme Acme=embedded:x',
    PROD_DATABASE_URLS: `${ACME} ${GLOBEX}`,
  }
  const selectedOf = (only: readonly string[]): readonly string[] => resolve({ env, only }).selected

  test.each<[readonly string[], readonly string[]]>([
    [['prod'], ['prod/acme', 'prod/globex']],
    [['prod/globex'], ['prod/globex']],
    [['EU-Prod/Acme'], ['eu_prod/Acme']],
    [
      ['prod/acme,dev', ' eu_prod/acme '],
      ['dev', 'eu_prod/acme', 'prod/acme'],
    ],
    [
      ['prod', 'prod/acme'],
      ['prod/acme', 'prod/globex'],
    ],
  ])('%j selects %j, and all stay environments', (only, selected) => {
    expect(selectedOf(only)).toEqual(selected)
    expect(resolve({ env, only }).environments).toHaveLength(5)
  })

  test.each<[string, string, string]>([
    [
      'prod/amce',
      '--env names prod/amce, which is no database of prod here.',
      'Did you mean prod/acme? prod has acme, globex.',
    ],
    [
      'prod/ACME',
      '--env names prod/ACME, which is no database of prod here.',
      'Did you mean prod/acme? prod has acme, globex.',
    ],
    ['prod/', '--env names something behind prod/, which is no database of prod here.', 'prod has acme, globex.'],
    ['prod/a b', '--env names something behind prod/, which is no database of prod here.', 'prod has acme, globex.'],
    ['dev/acme', '--env names dev/acme, but dev is one database.', 'Write --env dev.'],
    [
      'prdo/acme',
      '--env names prdo, which is no environment here.',
      'Did you mean prod? Configured: dev, eu_prod, prod.',
    ],
    [
      'globex',
      '--env names globex, which is no environment here.',
      'Did you mean prod/globex? Configured: dev, eu_prod, prod.',
    ],
  ])('%s is unknown, and the nearest name is offered', (name, message, hint) => {
    expect(problemsOf({ env, only: [name] })).toEqual([{ code: 'config/unknown-environment', message, hint }])
  })

  test('of a thousand databases ten are named', () => {
    const list = many(1_000, (at) => `embedded:t${at}`)
    const [problem] = problemsOf({ env: { PROD_DATABASE_URLS: list }, only: ['prod/zzzzzzzz'] })
    expect(problem?.hint).toBe('prod has t0, t1, t2, t3, t4, t5, t6, t7, t8, t9 … and 990 more.')
  })

  test('of a thousand unknown names ten are told', () => {
    const only = Array.from({ length: 1_000 }, (_, at) => `prod/x${at}`)
    const messages = messagesOf({ env, only: [...only, ...only.map((name) => name.replace('/', '-'))] })
    expect(messages).toHaveLength(22)
    expect(messages[10]).toBe('--env names 990 more that are no environments here.')
    expect(messages[21]).toBe('--env names 990 more databases that are not here.')
  })

  test('a database whose list could not be read is not called unknown', () => {
    const given = { env: { PROD_DATABASE_URLS: 'embedded:a\nnonsense' }, only: ['prod/b'] }
    expect(problemsOf(given).map(({ code }) => code)).toEqual(['config/unknown-scheme'])
  })
})

describe('--shard', () => {
  const env = { DATABASE_URL: 'embedded:dev', PROD_DATABASE_URLS: many(50, (at) => `embedded:t${at}`) }
  const shard = (part: number, parts = 10): Given => ({ env, shard: { part, parts } })
  const selectedOf = (given: Given): readonly string[] => resolve(given).selected

  test('shares the databases of a list out, in order, and leaves single environments to all', () => {
    const shards = Array.from({ length: 10 }, (_, at) => selectedOf(shard(at + 1)))
    expect(shards.map(([first]) => first)).toEqual(Array.from({ length: 10 }, () => 'dev'))
    const all = shards.flatMap((names) => names.slice(1))
    expect(all).toHaveLength(50)
    expect(new Set(all)).toEqual(new Set(namesOf({ env }).slice(1)))
    for (const names of shards) expect(namesOf({ env }).filter((name) => names.includes(name))).toEqual(names)
  })

  test('a shard still knows the databases of the others, which a migration may not overtake', () => {
    expect(namesOf(shard(3))).toEqual(namesOf({ env }))
  })

  test('says which databases it has independently of all others', () => {
    const list = many(50, (at) => `embedded:t${49 - at}\nembedded:new${at}`)
    const grown = selectedOf({ env: { PROD_DATABASE_URLS: list }, shard: { part: 3, parts: 10 } })
    expect(new Set(grown.filter((name) => !name.includes('new')))).toEqual(new Set(selectedOf(shard(3)).slice(1)))
  })

  test('selects among its own', () => {
    const own = selectedOf(shard(3)).slice(1)
    expect(selectedOf({ ...shard(3), only: ['prod'] })).toEqual(own)
    expect(selectedOf({ ...shard(3), only: own.slice(0, 1) })).toEqual(own.slice(0, 1))
  })

  test('may be empty, and a database of another one is none of its own and no mistake', () => {
    const [other = ''] = selectedOf(shard(4)).slice(1)
    expect(selectedOf({ ...shard(3), only: [other] })).toEqual([])
    expect(problemsOf({ ...shard(3), only: ['prod/stranger'] })).toMatchObject([{ code: 'config/unknown-environment' }])
    // prod/acme is of part 2.
    const alone = { env: { PROD_DATABASE_URLS: ACME } }
    expect(selectedOf({ ...alone, shard: { part: 1, parts: 10 } })).toEqual([])
    expect(selectedOf({ ...alone, shard: { part: 2, parts: 10 } })).toEqual(['prod/acme'])
  })

  test('what is wrong with the databases of others is told as well', () => {
    const given = { env: { PROD_DATABASE_URLS: `${ACME}\nembedded:NO` }, shard: { part: 1, parts: 1000 } }
    expect(problemsOf(given)).toMatchObject([{ code: 'config/bad-url' }])
  })
})
