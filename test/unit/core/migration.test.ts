import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { checksumOf } from '../../../src/core/checksum.ts'
import { compareVersions, meansMigration, readMigrations, versionOf } from '../../../src/core/migration.ts'
import type { MigrationFile } from '../../../src/core/migration.ts'
import { fileOf, migrationsOf } from './samples.ts'

function problemsOf(...files: readonly MigrationFile[]): readonly string[] {
  const result = readMigrations(files)
  return 'problems' in result ? result.problems.map(({ code }) => code) : []
}

describe('file names', () => {
  test.each([
    '001-initial.sql',
    '1_a.sql',
    '20260101120000_add_users.sql',
    '001-größe.sql',
    '001-数据.sql',
    '001-a b.sql',
    '001-a.b.sql',
    '001-down.sql',
    '001--x.sql',
    `${'9'.repeat(100)}-big.sql`,
    `001-${'x'.repeat(236)}.sql`,
  ])('%j is accepted', (fileName) => {
    expect(problemsOf(fileOf(fileName))).toEqual([])
  })

  test.each([
    ['no digits', 'initial.sql'],
    ['digits that are not first', 'a-001.sql'],
    ['a sign before the digits', '-001-a.sql'],
    ['digits alone', '001.sql'],
    ['digits alone, as a rollback', '001.down.sql'],
    ['nothing behind the separator', '001-.sql'],
    ['no separator', '001a.sql'],
    ['a space as separator', '001 a.sql'],
    ['a point as separator', '001.a.sql'],
    ['digits of another script', '٠٠١-a.sql'],
    ['full-width digits', '００１-a.sql'],
    ['an ending in capitals', '001-a.SQL'],
    ['another ending', '001-a.txt'],
    ['an ending too many', '001-a.sql.bak'],
    ['no name at all', '.sql'],
    ['241 bytes', `001-${'x'.repeat(237)}.sql`],
    ['241 bytes in fewer characters', `0001-${'é'.repeat(118)}.sql`],
  ])('a name with %s is refused', (_, fileName) => {
    expect(problemsOf(fileOf(fileName))).toEqual(['migration/bad-name'])
  })

  // Syntax of shells, Windows and SQL; control, formatting, private and broken characters.
  const unsafe = [
    '\\/"\'`$<>|*?:;',
    '\0\t\n\r\u001b\u007f\u0085',
    '\u00ad\u200b\u200f\u202e\u2028\u2029\u2066\ufeff\ue000\ud800',
  ].join('')
  test.each(unsafe.split(''))('a name with %j is refused', (character) => {
    expect(problemsOf(fileOf(`001-a${character}b.sql`))).toEqual(['migration/unsafe-name'])
  })
})

describe('texts', () => {
  test('a byte order mark and CRLF change neither the checksum nor what is run', () => {
    const [plain, marked, crlf, both] = ['a;\nb;\n', '\uFEFFa;\nb;\n', 'a;\r\nb;\r\n', '\uFEFFa;\r\nb;\r\n'].map(
      (text) => {
        const result = readMigrations([fileOf('001-a.sql', text)])
        return 'migrations' in result ? result.migrations[0] : undefined
      },
    )

    expect(plain).toMatchObject({ up: 'a;\nb;\n', lines: 2 })
    expect([marked, crlf, both]).toEqual([plain, plain, plain])
  })

  test.each([
    ['a last line break', 'a;'],
    ['white space', 'a; \n'],
    ['a lone CR', 'a;\r'],
    ['a second byte order mark', '\uFEFF\uFEFFa;\n'],
    ['a comment', 'a;\n--\n'],
    ['capitals', 'A;\n'],
  ])('%s makes another checksum', (_, text) => {
    const [one, other] = [text, 'a;\n'].map((each) => {
      const result = readMigrations([fileOf('001-a.sql', each)])
      return 'migrations' in result ? result.migrations[0]?.checksum : undefined
    })

    expect(one).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(one).not.toBe(other)
  })

  test.each([
    ['', 0],
    ['\n', 1],
    ['a', 1],
    ['a\n', 1],
    ['a\nb', 2],
    ['a\r\n\r\nb\r\n', 3],
  ])('%j has %i lines', (text, lines) => {
    expect(readMigrations([fileOf('001-a.sql', text)])).toMatchObject({ migrations: [{ lines }] })
  })

  test('a NUL byte is refused', () => {
    expect(problemsOf(fileOf('001-a.sql', 'SELECT 1;\0'))).toEqual(['migration/nul-byte'])
  })

  test('a file without a text is refused with the reason and the way out', () => {
    const content = { unreadable: 'it is not UTF-8.', hint: 'Save it as UTF-8.' }

    expect(readMigrations([{ fileName: '001-a.sql', file: 'database/001-a.sql', content }])).toEqual({
      problems: [
        {
          code: 'migration/unreadable',
          message: 'database/001-a.sql: it is not UTF-8.',
          file: 'database/001-a.sql',
          hint: 'Save it as UTF-8.',
        },
      ],
    })
  })
})

describe('order and duplicates', () => {
  test('files run by number, not by text', () => {
    const names = migrationsOf('10-a', '9-b', '20260101120000-c', '0100-d', '2-e', '000-f').map(({ name }) => name)

    expect(names).toEqual(['000-f', '2-e', '9-b', '10-a', '0100-d', '20260101120000-c'])
  })

  test.each([
    ['2', '010', -1],
    ['010', '10', 0],
    ['0', '000', 0],
    ['9007199254740993', '9007199254740992', 1],
    ['99', '100', -1],
  ])('version %s against %s is %i', (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign)
  })

  test.each([
    ['001-a', '001'],
    ['20260101_x', '20260101'],
    ['a-1', null],
    ['', null],
    ['٠١-a', null],
  ])('the version of %j is %j', (name, version) => {
    expect(versionOf(name)).toBe(version)
  })

  test.each([
    ['other descriptions', '001-a', '001-b'],
    ['leading zeros', '001-a', '1-b'],
    ['zeros only', '000-a', '0-b'],
    ['another separator', '001-a', '001_a'],
    ['capitals', '001-a', '001-A'],
    ['another Unicode form', '001-\u00e9', '001-e\u0301'],
  ])('two files of one version are refused: %s', (_, one, other) => {
    expect(problemsOf(fileOf(`${one}.sql`), fileOf(`${other}.sql`))).toEqual(['migration/duplicate-version'])
  })

  test('the same description under two versions is no duplicate', () => {
    expect(problemsOf(fileOf('001-a.sql'), fileOf('002-a.sql'))).toEqual([])
  })

  test('a duplicate names both files', () => {
    expect(readMigrations([fileOf('01-b.sql'), fileOf('1-a.sql')])).toMatchObject({
      problems: [{ message: 'database/01-b.sql and database/1-a.sql have the same version 1.' }],
    })
  })
})

test('a rollback belongs to its migration, and counts for neither its checksum nor its version', () => {
  const [alone] = migrationsOf('001-a')
  const result = readMigrations([fileOf('001-a.down.sql', '\uFEFFDROP\r\n'), fileOf('001-a.sql')])

  expect(result).toEqual({ migrations: [{ ...alone, down: expect.objectContaining({ sql: 'DROP\n' }) }] })
})

test('a rollback without its migration is refused', () => {
  expect(problemsOf(fileOf('001-a.sql'), fileOf('002-b.down.sql'))).toEqual(['migration/orphan-down'])
})

test.each([
  ['cannot be read', { unreadable: 'it is not valid UTF-8.' }, 'migration/unreadable'],
  ['holds a NUL byte', { text: '\0' }, 'migration/nul-byte'],
])('a migration that %s is not missed by its rollback as well', (_what, content, code) => {
  const migration = { fileName: '001-a.sql', file: 'database/001-a.sql', content }
  expect(problemsOf(migration, fileOf('001-a.down.sql'))).toEqual([code])
})

test('all problems are found together, each with the file that is meant', () => {
  const result = readMigrations([
    fileOf('x.sql'),
    fileOf('001-a;.sql'),
    fileOf('002-a.sql', '\0'),
    fileOf('3-a.sql'),
    fileOf('03-b.sql'),
    fileOf('4-a.down.sql'),
    fileOf('5-a.SQL'),
    fileOf('6.sql'),
    fileOf(`7-${'a'.repeat(240)}.sql`),
  ])

  const problems = 'problems' in result ? result.problems : []
  expect(problems.map(({ code, file }) => [code, file])).toEqual([
    ['migration/bad-name', 'database/x.sql'],
    ['migration/unsafe-name', 'database/001-a;.sql'],
    ['migration/nul-byte', 'database/002-a.sql'],
    ['migration/bad-name', 'database/5-a.SQL'],
    ['migration/bad-name', 'database/6.sql'],
    ['migration/bad-name', `database/7-${'a'.repeat(240)}.sql`],
    ['migration/duplicate-version', 'database/3-a.sql'],
    ['migration/orphan-down', 'database/4-a.down.sql'],
  ])
})

test('an empty folder holds no migrations', () => {
  expect(readMigrations([])).toEqual({ migrations: [] })
})

test('the checksum of a long text is that of its bytes, whatever stands where it is cut into pieces', () => {
  for (const before of [0, 1, 2]) {
    const text = `${'x'.repeat(1_048_574 + before)}🎉é${'数'.repeat(1_500_000)}\r\nend`
    const expected = createHash('sha256').update(text.replace('\r\n', '\n'), 'utf8').digest('hex')
    expect(checksumOf(text)).toBe(`sha256:${expected}`)
  }
})

describe('a migration is meant by', () => {
  test.each([
    '3',
    '003',
    '0003',
    '003-x',
    '003-x.sql',
    '003-x.SQL',
    './database/003-x.sql',
    'd1/003-x.sql',
    'd1\\003-x.sql',
  ])('%j', (wanted) => {
    expect(meansMigration('003-x', wanted)).toBe(true)
  })

  test.each(['', '4', '30', '-3', '3.0', '003-X', '003-x.down.sql', '003-x.sql/', 'x'])(
    'nobody who writes %j',
    (wanted) => {
      expect(meansMigration('003-x', wanted)).toBe(false)
    },
  )

  test('its own name where that has no version, and by no number then', () => {
    expect(meansMigration('initial', 'initial.sql')).toBe(true)
    expect(meansMigration('initial', '0')).toBe(false)
  })
})
