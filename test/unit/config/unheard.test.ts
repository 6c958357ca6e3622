import { describe, expect, test } from 'vitest'
import { problemsOf, resolve } from './samples.ts'

const DEV = 'postgres://app:dev-password@localhost/app_dev'
const PROD = 'postgres://app:prod-password@db.example.com/app'
const BASE = { DATABASE_URL: DEV }

/** What is said of these variables. */
function told(env: Readonly<Record<string, string>>): readonly (readonly unknown[])[] {
  return problemsOf({ env: { ...BASE, ...env } }).map(({ code, message, hint }) => [code, message, hint])
}

describe('a connection string under a misspelt name', () => {
  test.each([
    ['PROD_DATABSE_URL', 'PROD_DATABASE_URL'],
    ['PROD_DATABASE_ULR', 'PROD_DATABASE_URL'],
    ['PROD_DATABASEURL', 'PROD_DATABASE_URL'],
    ['EU_PROD_DATABASES_URL', 'EU_PROD_DATABASE_URL'],
    ['PROD-DATABASE_URL', 'PROD_DATABASE_URL'],
    ['PROD_DATABSE_URLS', 'PROD_DATABASE_URLS'],
  ])('%s is refused, and what was meant is said', (variable, meant) => {
    const [problem, ...others] = told({ [variable]: PROD })
    const environment = meant.replace(/_DATABASE.*/u, '').toLowerCase()
    expect(problem).toEqual([
      'config/unknown-variable',
      `${variable} is not read, and ${environment} would be left out.`,
      `Did you mean ${meant}? If it is another program's, list in MIGRATION_ENVIRONMENTS the environments that take part.`,
    ])
    expect(others).toEqual([])
    expect(JSON.stringify(problem)).not.toContain('prod-password')
  })

  test('is no harm where the environment is there, or takes no part', () => {
    const env = { ...BASE, PROD_DATABSE_URL: PROD }
    expect(resolve({ env: { ...env, PROD_DATABASE_URL: PROD } }).selected).toEqual(['dev', 'prod'])
    expect(resolve({ env: { ...env, MIGRATION_ENVIRONMENTS: 'dev' } }).selected).toEqual(['dev'])
  })

  test('is told where a list wants the environment', () => {
    expect(told({ PROD_DATABSE_URL: PROD, MIGRATION_ENVIRONMENTS: 'dev,prod' }).map(([code]) => code)).toEqual([
      'config/unknown-variable',
      'config/missing-url',
    ])
  })

  test.each([
    ['SQLALCHEMY_DATABASE_URI', PROD],
    ['DATABASE_URL_UNPOOLED', PROD],
    ['DATABASE__URL', PROD],
    ['APP__DATABASE__URL', PROD],
    ['APP_DATA_BASE_URL', PROD],
    ['DATABASE_URL_A', PROD],
    ['DATABASE_URL2', PROD],
    ['DATABASE_PUBLIC_URL', PROD],
    ['POSTGRES_URL', PROD],
    ['DATALAKE_URL', PROD],
    ['METABASE_URL', PROD],
    ['PROD_DATABSE_URL', 'https://example.com'],
    ['PROD_DATABSE_URL', ''],
  ])("%s=%s is another program's", (variable, value) => {
    expect(told({ [variable]: value })).toEqual([])
  })
})

describe('a setting under a misspelt name', () => {
  test.each([
    ['MIGRATION_ENVIRONMENT', 'dev', 'MIGRATION_ENVIRONMENTS'],
    ['MIGRATIONS_PROTECTED', 'dev', 'MIGRATION_PROTECTED'],
    ['MIGRATION_DIR', 'sql', 'MIGRATIONS_DIR'],
    ['MIGRATIONS_SCHEMA', 'x', 'MIGRATION_SCHEMA'],
    ['MIGRATION_SHCEMA', 'x', 'MIGRATION_SCHEMA'],
    ['DEV_MIGRATION_DIR', 'sql', 'DEV_MIGRATIONS_DIR'],
  ])('%s=%s is refused', (variable, value, meant) => {
    expect(told({ [variable]: value })).toEqual([
      [
        'config/unknown-variable',
        `${variable} is not read.`,
        `Did you mean ${meant}? If ${variable} is another program's, set ${meant} as well.`,
      ],
    ])
    expect(told({ [variable]: value, [meant]: value })).toEqual([])
  })

  test('is refused beside a list of environments, too', () => {
    expect(told({ MIGRATIONS_PROTECTED: 'dev', MIGRATION_ENVIRONMENTS: 'dev' })).toHaveLength(1)
  })

  test('is no harm where the configuration file or an option says what counts', () => {
    const env = { ...BASE, MIGRATION_ENVIRONMENT: 'production', MIGRATION_DIR: 'sql' }
    expect(problemsOf({ env, dir: 'database', config: '{ "environments": ["dev"] }' })).toEqual([])
  })

  test.each(['MIGRATION_TOKEN', 'MIGRATIONS_DB', 'MIGRATION_WEBHOOK_URL', 'GOOSE_MIGRATION_DIR', 'MIGRATION_ID'])(
    "%s is another program's",
    (variable) => {
      expect(told({ [variable]: 'x' })).toEqual([])
    },
  )
})

describe('a folder for an environment under a misspelt name', () => {
  test('is refused', () => {
    const env = { LOCAL_DATABASE_URL: 'embedded:local', LOCL_MIGRATIONS_DIR: 'd1' }
    expect(told(env)).toEqual([
      [
        'config/unknown-variable',
        'LOCL_MIGRATIONS_DIR is not read.',
        "Did you mean LOCAL_MIGRATIONS_DIR? If LOCL_MIGRATIONS_DIR is another program's, set LOCAL_MIGRATIONS_DIR as well.",
      ],
    ])
  })

  test.each([
    ["another program's", { DBMATE_MIGRATIONS_DIR: 'db' }],
    [
      'of an environment that takes no part',
      { DEV2_DATABASE_URL: DEV, DEV2_MIGRATIONS_DIR: 'x', MIGRATION_ENVIRONMENTS: 'dev' },
    ],
    ['of one that is left out', { DEV2_DATABASE_URL: '', DEV2_MIGRATIONS_DIR: 'x' }],
    ['of one that other runs have', { PROD_EU_DATABASE_URL: DEV, PROD_US_MIGRATIONS_DIR: 'x' }],
    ['of one with another number', { STAGE1_DATABASE_URL: DEV, STAGE2_MIGRATIONS_DIR: 'x', DEV2_MIGRATIONS_DIR: 'x' }],
    ['of another word', { TEST_DATABASE_URL: DEV, REST_MIGRATIONS_DIR: 'x' }],
  ])('is no harm where it is %s', (_, env) => {
    expect(told(env)).toEqual([])
  })
})
