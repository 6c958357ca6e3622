import { expect, test } from 'vitest'
import { nextFileName } from '../../../src/core/next-version.ts'
import { readMigrations } from '../../../src/core/migration.ts'
import { fileOf, migrationsOf } from './samples.ts'

const NOW = new Date('2026-11-20T10:11:12.345Z')

test.each<[readonly string[], string, string]>([
  [[], 'Initial setup', '001-initial-setup.sql'],
  [['001-a'], 'b', '002-b.sql'],
  [['001-a', '010-b', '9-c'], 'd', '011-d.sql'],
  [['009-a'], 'b', '010-b.sql'],
  [['999-a'], 'b', '1000-b.sql'],
  [['1_a'], 'two words', '2_two_words.sql'],
  [['99999999999999999999-a'], 'b', '100000000000000000000-b.sql'],
  [['20250101000000_a'], 'b c', '20261120101112_b_c.sql'],
  [['20261120101112_a'], 'b', '20261120101113_b.sql'],
  [['20990101000000-a'], 'b', '20990101000001-b.sql'],
  [[], '  --Größe & Länge!--  ', '001-große-lange.sql'],
  [[], '数据', '001-数据.sql'],
  [[], '../../etc/passwd; DROP', '001-etc-passwd-drop.sql'],
  [[], `${'a'.repeat(79)} b`, `001-${'a'.repeat(79)}.sql`],
])('after %j comes %j as %s', (files, description, fileName) => {
  expect(nextFileName(migrationsOf(...files), description, NOW)).toBe(fileName)
})

test.each(['', ' ', '---', '!?', '\u0301', '🎉'])('%j leaves no name', (description) => {
  expect(nextFileName([], description, NOW)).toBeNull()
})

test.each([
  ['many bytes', '数'.repeat(100), `001-${'数'.repeat(53)}.sql`],
  ['characters of two UTF-16 units', `a${'𐐀'.repeat(100)}`, `001-a${'𐐨'.repeat(39)}.sql`],
  ['letters of two bytes', 'ж'.repeat(100), `001-${'ж'.repeat(80)}.sql`],
])('a long description of %s is cut between two characters, and its name is accepted', (_, description, expected) => {
  const fileName = nextFileName([], description, NOW)

  expect(fileName).toBe(expected)
  expect(readMigrations([fileOf(fileName ?? '')])).toMatchObject({ migrations: [{ version: '001' }] })
})

test('Korean syllables stay whole', () => {
  expect(nextFileName([], '한국어 é', NOW)).toBe('001-한국어-e.sql')
})
