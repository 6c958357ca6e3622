import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sharedFolder } from '../../../src/config/resolution.ts'
import type { Configuration } from '../../../src/config/resolution.ts'
import type { Problem } from '../../../src/core/errors.ts'
import { type Given, problemsOf as outcomeOf, resolve } from './samples.ts'

const DEV = 'postgres://app:dev-password@localhost/app_dev'
const PROD = 'postgres://app:prod-password@db.example.com/app'

describe('which environments there are', () => {
  test('DATABASE_URL is dev, <NAME>_DATABASE_URL is the rest, in promotion order', () => {
    const env = {
      PROD_DATABASE_URL: PROD,
      EU_PROD_DATABASE_URL: PROD,
      STAGING_DATABASE_URL: DEV,
      DATABASE_URL: DEV,
      APPLE_DATABASE_URL: 'embedded:apple',
    }
    const { environments, selected } = resolve({ env })
    expect(environments.map(({ name, order }) => [name, order])).toEqual([
      ['dev', 0],
      ['staging', 1],
      ['apple', 2],
      ['eu_prod', 3],
      ['prod', 4],
    ])
    expect(selected).toEqual(['dev', 'staging', 'apple', 'eu_prod', 'prod'])
  })

  test('MIGRATION_ENVIRONMENTS says which take part and in which order', () => {
    const env = {
      DATABASE_URL: DEV,
      PROD_DATABASE_URL: PROD,
      EU_PROD_DATABASE_URL: PROD,
      SHADOW_DATABASE_URL: 'mysql://x',
    }
    const { environments } = resolve({ env: { ...env, MIGRATION_ENVIRONMENTS: ' prod, EU-Prod,,dev ' } })
    expect(environments.map(({ name }) => name)).toEqual(['prod', 'eu_prod', 'dev'])
  })

  test('the configuration file gives the order too, and the variable wins over it', () => {
    const env = { DATABASE_URL: DEV, PROD_DATABASE_URL: PROD }
    const config = '{ "environments": ["prod", "dev"] }'
    expect(resolve({ env, config }).selected).toEqual(['prod', 'dev'])
    expect(resolve({ env: { ...env, MIGRATION_ENVIRONMENTS: 'dev' }, config }).selected).toEqual(['dev'])
    expect(resolve({ env: { ...env, MIGRATION_ENVIRONMENTS: ' ' }, config }).selected).toEqual(['prod', 'dev'])
  })

  test.each(['', ' ', undefined])('a variable with the value %j counts as not set', (value) => {
    expect(resolve({ env: { DATABASE_URL: DEV, PROD_DATABASE_URL: value } }).selected).toEqual(['dev'])
  })

  test('an empty variable that leaves an environment out is said, with what refuses it', () => {
    const env = { DATABASE_URL: DEV, STAGING_DATABASE_URL: '', QA_DATABASE_URLS: '# none', PROD_DATABASE_URL: PROD }
    const { leftOut } = resolve({ env, envFile: 'EU_DATABASE_URL=' })
    expect(leftOut.map(({ order, finding }) => [order, finding.message])).toEqual([
      [1, 'STAGING_DATABASE_URL is set but empty: staging is left out.'],
      [2, 'EU_DATABASE_URL (.env) is set but empty: eu is left out.'],
      [3, 'QA_DATABASE_URLS is set but empty: qa is left out.'],
    ])
    expect(leftOut[0]).toMatchObject({
      isWanted: true,
      finding: { code: 'config/empty-variable', severity: 'warn', environment: 'staging' },
    })
    expect(leftOut[0]?.finding.hint).toContain('MIGRATION_ENVIRONMENTS=dev,staging,eu,qa,prod')
    expect(resolve({ env, only: ['dev'] }).leftOut[0]).toMatchObject({ isWanted: false })
    expect(resolve({ env: { ...env, MIGRATION_ENVIRONMENTS: 'dev,prod' } }).leftOut).toEqual([])
    expect(resolve({ env: { DATABASE_URL: '', DEV_DATABASE_URL: DEV } }).leftOut).toEqual([])
  })

  test('DATABASE_URL and DEV_DATABASE_URL may agree', () => {
    expect(resolve({ env: { DATABASE_URL: DEV, DEV_DATABASE_URL: ` ${DEV}` } }).selected).toEqual(['dev'])
  })

  test('DATABASE_URL and DEV_DATABASE_URL that differ are a problem', () => {
    const [problem] = problemsOf({ env: { DATABASE_URL: DEV, DEV_DATABASE_URL: PROD } })
    expect(problem?.code).toBe('config/conflicting-variables')
    expect(problem?.message).toContain('DATABASE_URL and DEV_DATABASE_URL')
  })

  test('an environment without a connection string is a problem that names the variable', () => {
    const env = { DATABASE_URL: DEV, PROD_DATABASE_URL: '', MIGRATION_ENVIRONMENTS: 'dev,prod,eu-staging' }
    expect(problemsOf({ env }).map(({ code, message }) => [code, message])).toEqual([
      ['config/missing-url', 'MIGRATION_ENVIRONMENTS names prod, but PROD_DATABASE_URL is empty.'],
      ['config/missing-url', 'MIGRATION_ENVIRONMENTS names eu_staging, but EU_STAGING_DATABASE_URL is not set.'],
    ])
  })

  describe('of those that the configuration file lists', () => {
    const config = '{ "environments": ["dev", "staging", "prod"], "protected": ["prod"] }'
    const env = { DATABASE_URL: DEV, STAGING_DATABASE_URL: DEV }
    const missing = '"environments" in migration-manager.config.json names prod, but PROD_DATABASE_URL is'

    test('one without a connection string is needed where all are meant, or it is', () => {
      for (const only of [undefined, ['prod'], ['dev,prod/acme']]) {
        const [problem, ...others] = problemsOf({ env, config, ...(only === undefined ? {} : { only }) })
        expect(problem).toMatchObject({ code: 'config/missing-url', message: `${missing} not set.` })
        expect(others).toEqual([])
      }
    })

    test('one without a connection string is no problem of the others, and known to them', () => {
      const { selected, environments, unconfigured, leftOut } = resolve({ env, config, only: ['dev'] })
      expect([selected, environments.map(({ order }) => order)]).toEqual([['dev'], [0, 1]])
      expect(unconfigured).toMatchObject([{ order: 2, problem: { message: `${missing} not set.` } }])
      expect(leftOut).toEqual([])
    })

    test('an empty one is as one without: a secret that is missing must not leave out who is asked first', () => {
      const given = { env: { ...env, PROD_DATABASE_URL: '' }, config }
      for (const only of [undefined, ['prod']]) {
        const problems = problemsOf({ ...given, ...(only === undefined ? {} : { only }) })
        expect(problems).toMatchObject([{ code: 'config/missing-url', message: `${missing} empty.` }])
      }
      expect(resolve({ ...given, only: ['dev'] })).toMatchObject({ leftOut: [], unconfigured: [{ order: 2 }] })
    })

    test('none needs a connection string where nothing is connected to', () => {
      expect(resolve({ env, config, isOffline: true }).selected).toEqual(['dev', 'staging'])
      expect(codesOf({ config, isOffline: true })).toEqual(['config/no-environment'])
      expect(codesOf({ env, config, isOffline: true, only: ['prod'] })).toEqual(['config/missing-url'])
    })
  })

  test('one that is chosen, and that an empty variable leaves out, is said to be empty', () => {
    const env = { DATABASE_URL: DEV, PROD_DATABASE_URL: '' }
    expect(problemsOf({ env, only: ['prod'] })).toMatchObject([
      { code: 'config/missing-url', message: expect.stringContaining('PROD_DATABASE_URL is set but empty') },
    ])
  })

  test('one that MIGRATION_ENVIRONMENTS lists is not left out by an empty variable', () => {
    const env = { DATABASE_URL: DEV, PROD_DATABASE_URL: '', MIGRATION_ENVIRONMENTS: 'dev,prod' }
    expect(codesOf({ env })).toEqual(['config/missing-url'])
    expect(resolve({ env, only: ['dev'] }).unconfigured).toMatchObject([{ order: 1 }])
  })

  test('a name that stands twice in the list is a problem', () => {
    const env = { DATABASE_URL: DEV, MIGRATION_ENVIRONMENTS: 'dev,DEV' }
    expect(codesOf({ env })).toEqual(['config/duplicate-name'])
  })

  test('no environment at all is explained with an example', () => {
    const [problem] = problemsOf({ only: ['prod'], env: { MIGRATION_PROTECTED: 'prod' } })
    expect(problem?.code).toBe('config/no-environment')
    expect(problem?.hint).toMatch(/^Write .*\nDATABASE_URL=.*\nPROD_DATABASE_URL=/u)
    expect(problemsOf({ envFile: 'DATABASE_URL=' })[0]?.message).toContain('DATABASE_URL (.env) is set but empty')
  })
})

test('where the folder above looks like the project, that is said first', () => {
  const [problem] = problemsOf({ above: { dir: '/work', holds: '.env' } })
  expect(problem?.message).toContain('in /project:')
  expect(problem?.hint).toMatch(/^\/work has \.env: run it there\. Else:\nWrite them/u)
})

test('a file that cannot be read is the only problem when nothing else is configured', () => {
  const unreadable: Problem = { code: 'config/unreadable-file', message: 'ci.env does not exist.' }
  expect(problemsOf({ unreadable })).toEqual([unreadable])
})

describe('what an environment is', () => {
  test('holds what the driver made of the connection string', () => {
    const [environment] = resolve({ env: { PROD_DATABASE_URL: PROD } }).environments
    expect(environment).toMatchObject({ engine: 'postgres', endpoint: { host: 'db.example.com', database: 'app' } })
    expect(environment?.secrets.map((secret) => secret.reveal())).toEqual([PROD, 'prod-password'])
  })

  test('names the variable and the file it came from', () => {
    const { environments } = resolve({ env: { DATABASE_URL: DEV }, envFile: `PROD_DATABASE_URL=${PROD}` })
    expect(environments.map(({ origin }) => origin)).toEqual(['DATABASE_URL', 'PROD_DATABASE_URL (.env)'])
  })

  test('PGSSLROOTCERT from the .env file reaches the driver', () => {
    const { environments } = resolve({ envFile: `PROD_DATABASE_URL=${PROD}\nPGSSLROOTCERT=ca.crt` })
    expect(environments[0]?.endpoint).toMatchObject({ tls: { mode: 'verify', rootCert: '/project/ca.crt' } })
  })

  test('space around a connection string is dropped, a quote before it is refused', () => {
    expect(resolve({ env: { DATABASE_URL: ` ${DEV}\n` } }).selected).toEqual(['dev'])
    expect(codesOf({ env: { DATABASE_URL: `"${DEV}"` } })).toEqual(['config/quoted-url'])
  })

  test.each(['mysql://u:swordfish@h/d', 'swordfish', 'psql postgres://u:swordfish@h/d', 'swordfish:x'])(
    '%s has no known scheme, and is not repeated',
    (value) => {
      const [problem] = problemsOf({ env: { PROD_DATABASE_URL: value } })
      expect(problem?.code).toBe('config/unknown-scheme')
      expect(problem?.message).toContain('PROD_DATABASE_URL')
      expect(problem?.hint).toContain('postgres:, postgresql:, embedded:')
      expect(JSON.stringify(problem)).not.toContain('swordfish')
    },
  )

  test('what the driver says of a bad connection string names the variable', () => {
    const [problem] = problemsOf({ envFile: 'PROD_DATABASE_URL=postgres://u:swordfish@h' })
    expect(problem).toMatchObject({ code: 'config/no-database' })
    expect(problem?.message).toMatch(/^PROD_DATABASE_URL \(\.env\): /u)
  })

  test('an unquoted # in a password in .env is understood, a comment stays one', () => {
    expect(endpointOf('DATABASE_URL=postgres://u:p#ss@localhost/d # dev')).toMatchObject({
      host: 'localhost',
      database: 'd',
    })
    expect(endpointOf('DATABASE_URL=postgres://u:p@localhost/d#dev')).toMatchObject({ database: 'd' })
    expect(endpointOf('DATABASE_URL=embedded:dev#mine')).toMatchObject({ database: 'dev' })
  })

  test('a # with a connection string before and behind it is refused', () => {
    const envFile = 'DATABASE_URL=postgres://u:p@h/d#a@localhost/d'
    expect(codesOf({ envFile })).toEqual(['config/ambiguous-value'])
  })
})

describe('what is protected', () => {
  const env = { DATABASE_URL: DEV, PROD_DATABASE_URL: PROD, STAGING_DATABASE_URL: DEV }
  test.each<[string | undefined, string | undefined, readonly string[]]>([
    [undefined, undefined, ['staging', 'prod']],
    ['', undefined, ['staging', 'prod']],
    ['prod', undefined, ['prod']],
    ['dev, PROD', undefined, ['dev', 'prod']],
    ['none', undefined, []],
    [undefined, '{ "protected": [] }', []],
    [undefined, '{ "protected": ["dev"] }', ['dev']],
    ['staging', '{ "protected": ["dev"] }', ['staging']],
    ['', '{ "protected": ["dev"] }', ['dev']],
  ])('MIGRATION_PROTECTED %j with the file %j protects %j', (value, config, expected) => {
    const given = { env: { ...env, MIGRATION_PROTECTED: value }, ...(config === undefined ? {} : { config }) }
    expect(
      resolve(given)
        .environments.filter((environment) => environment.protected)
        .map(({ name }) => name),
    ).toEqual(expected)
  })

  test('one that is listed, or set, may be named also where it takes no part', () => {
    const config = '{ "environments": ["dev", "prod"] }'
    const protectedIn = (more: Readonly<Record<string, string>>): Configuration =>
      resolve({ env: { DATABASE_URL: DEV, MIGRATION_PROTECTED: 'prod', ...more }, config, only: ['dev'] })
    expect(protectedIn({}).selected).toEqual(['dev'])
    expect(protectedIn({ MIGRATION_ENVIRONMENTS: 'dev' }).selected).toEqual(['dev'])
    expect(resolve({ env: { DATABASE_URL: DEV, PROD_DATABASE_URL: '', MIGRATION_PROTECTED: 'prod' } })).toMatchObject({
      selected: ['dev'],
    })
    expect(codesOf({ env: { DATABASE_URL: DEV, MIGRATION_PROTECTED: 'prod' } })).toEqual(['config/unknown-environment'])
  })

  test('a name that is no environment is a problem with the nearest name', () => {
    const [problem] = problemsOf({ env: { ...env, MIGRATION_PROTECTED: 'prdo' } })
    expect(problem?.code).toBe('config/unknown-environment')
    expect(problem?.hint).toBe('Did you mean prod? Configured: dev, staging, prod.')
  })
})

describe('--env', () => {
  const env = { DATABASE_URL: DEV, EU_PROD_DATABASE_URL: PROD, PROD_DATABASE_URL: PROD }
  test.each([
    [
      ['prod', 'dev'],
      ['dev', 'prod'],
    ],
    [
      ['prod,dev', 'prod'],
      ['dev', 'prod'],
    ],
    [['eu-prod'], ['eu_prod']],
    [['EU_PROD'], ['eu_prod']],
  ])('%j selects %j', (only, selected) => {
    const configuration = resolve({ env, only })
    expect(configuration.selected).toEqual(selected)
    expect(configuration.environments).toHaveLength(3)
  })

  test('an unknown name is a problem with the nearest name and the list', () => {
    const [problem] = problemsOf({ env, only: ['prd'] })
    expect(problem?.message).toBe('--env names prd, which is no environment here.')
    expect(problem?.hint).toBe('Did you mean prod? Configured: dev, eu_prod, prod.')
  })

  test.each([[['']], [[',']], [[]]])('%j is a problem and never all environments', (only) => {
    expect(codesOf({ env, only })).toEqual(['config/empty-option'])
  })
})

test('a name with a dash in its variable is no other environment, and none is left out', () => {
  expect(resolve({ envFile: `DATABASE_URL=${DEV}\nEU-PROD_DATABASE_URL=${PROD}\n` }).selected).toEqual([
    'dev',
    'eu_prod',
  ])
})

test.each(['PROD_DATABASE_URL_FILE', 'PROD_DATABASE_URLS_FILES'])('%s leaves no environment out in silence', (name) => {
  const [problem] = problemsOf({ env: { DATABASE_URL: DEV, [name]: 'tenants.txt' } })
  expect(problem).toMatchObject({
    code: 'config/unknown-variable',
    message: `${name} is not read, and prod would be left out.`,
    hint: expect.stringContaining('PROD_DATABASE_URLS_FILE'),
  })
  const both = { DATABASE_URL: DEV, [name]: 'tenants.txt', PROD_DATABASE_URL: PROD }
  expect(resolve({ env: both }).selected).toEqual(['dev', 'prod'])
})

test.each(['', ',', ' , '])('MIGRATION_PROTECTED=%j names nobody, and counts as not set', (value) => {
  const { environments } = resolve({ env: { PROD_DATABASE_URL: PROD, MIGRATION_PROTECTED: value } })
  expect(environments.map((environment) => environment.protected)).toEqual([true])
})

describe('folders, schema and limits', () => {
  const env = { DATABASE_URL: DEV, EDGE_DATABASE_URL: 'embedded:edge' }
  const config = '{ "migrationsDir": "file", "schema": "file" }'

  test('have defaults', () => {
    const configuration = resolve({ env })
    expect(dirsOf(configuration)).toEqual(['database', 'database'])
    expect(configuration).toMatchObject({ schema: 'public', limits: { connectMs: 10_000 } })
  })

  test('the option wins over the variable, the variable over the file', () => {
    expect(dirsOf(resolve({ env, config }))).toEqual(['file', 'file'])
    expect(dirsOf(resolve({ env: { ...env, MIGRATIONS_DIR: 'var' }, config }))).toEqual(['var', 'var'])
    expect(dirsOf(resolve({ env: { ...env, MIGRATIONS_DIR: 'var' }, config, dir: 'option' }))).toEqual([
      'option',
      'option',
    ])
    expect(resolve({ env, config }).schema).toBe('file')
    expect(resolve({ env: { ...env, MIGRATION_SCHEMA: 'var' }, config }).schema).toBe('var')
  })

  test.each(['./database', 'database/', '/project/database', 'x/../database'])(
    '%s is the folder of those who write it database: they are compared',
    (written) => {
      expect(dirsOf(resolve({ env: { ...env, EDGE_MIGRATIONS_DIR: written } }))).toEqual(['database', 'database'])
    },
  )

  test.each(['', '  '])('the option %j is a problem, also where no environment is needed', (dir) => {
    const problems: Problem[] = []
    sharedFolder({ variables: new Map(), config: { limits: {} }, dir }, problems)
    expect(problems.map(({ code }) => code)).toEqual(['config/empty-option'])
    expect(codesOf({ env, dir })).toEqual(['config/empty-option'])
  })

  test("an environment's own folder wins over all", () => {
    const own = { ...env, EDGE_MIGRATIONS_DIR: 'd1', MIGRATIONS_DIR: 'var' }
    expect(dirsOf(resolve({ env: own, dir: 'option' }))).toEqual(['option', 'd1'])
  })

  test.each(['x'.repeat(64), 'é'.repeat(32), 'pg_temp', 'information_schema', 'a\0b'])(
    'schema %j is refused',
    (schema) => {
      expect(codesOf({ env: { ...env, MIGRATION_SCHEMA: schema } })).toEqual(['config/bad-schema'])
    },
  )

  test('time-outs of the file replace the defaults', () => {
    const { limits } = resolve({ env, config: '{ "timeouts": { "connectSeconds": 2.5, "lockWaitSeconds": 0 } }' })
    expect(limits).toMatchObject({ connectMs: 2500, lockWaitMs: 0, lockTimeoutMs: 3000 })
  })
})

describe('problems', () => {
  test('are told all at once', () => {
    const env = { DATABASE_URL: 'postgres://h/d', PROD_DATABASE_URL: 'mysql://x', MIGRATION_SCHEMA: 'pg_x' }
    expect(codesOf({ env, config: '{ "shcema": "x" }', only: ['qa'] })).toEqual([
      'config/unknown-key',
      'config/unknown-environment',
      'config/no-user',
      'config/unknown-scheme',
      'config/bad-schema',
    ])
  })

  test('whatever .env holds, nothing but a ProblemsError is thrown and no password is in it', () => {
    const piece = fc.constantFrom(
      'ЖЩЫЪ',
      '@',
      ':',
      '#',
      '/',
      '?',
      ' ',
      '%',
      '%41',
      '"',
      "'",
      '\n',
      '=',
      'localhost/d',
      'postgres://u:',
    )
    const value = fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join(''))
    const name = fc.constantFrom(
      'DATABASE_URL',
      'DEV_DATABASE_URL',
      'export PROD_DATABASE_URL',
      'MIGRATION_ENVIRONMENTS',
      'MIGRATION_PROTECTED',
      '__proto__',
    )
    const line = fc.tuple(name, fc.constantFrom('', 'postgres://u:', '"', "'", 'embedded:'), value)
    const text = fc.array(line).map((lines) => lines.map(([key, head, tail]) => `${key}=${head}${tail}`).join('\n'))
    fc.assert(
      fc.property(text, (envFile) => {
        expect(JSON.stringify(outcomeOf({ envFile }))).not.toMatch(/[ЖЩЫЪ]/u)
      }),
      { numRuns: 300 },
    )
  })
})

/** The problems, of which there is at least one. */
function problemsOf(given: Given): readonly Problem[] {
  const problems = outcomeOf(given)
  if (problems.length === 0) throw new Error('There was no problem.')
  return problems
}

function endpointOf(envFile: string): unknown {
  return resolve({ envFile }).environments[0]?.endpoint
}

function codesOf(given: Given): readonly string[] {
  return problemsOf(given).map(({ code }) => code)
}

function dirsOf({ environments }: Configuration): readonly string[] {
  return environments.map(({ migrationsDir }) => migrationsDir)
}
