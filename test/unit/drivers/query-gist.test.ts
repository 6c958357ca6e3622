import { expect, test } from 'vitest'
import { gistOf } from '../../../src/drivers/postgres/query-gist.ts'

test.each([
  ['begin; lock table t', 'begin; lock table t'],
  ["UPDATE user SET password = 'it''s secret' WHERE id = 7", "UPDATE user SET password = '…' WHERE id = 7"],
  ["UPDATE user SET password = 'cut in tw", "UPDATE user SET password = '…'"],
  ['DO $x$ BEGIN secret; END $x$', "DO '…'"],
  ['SELECT 1 /* token hunter2 */ -- hunter2\n , 2', 'SELECT 1 , 2'],
  ['SELECT 1 /* token hunt', 'SELECT 1'],
  ['SELECT\n\t 1', 'SELECT 1'],
  ['', ''],
])('of %j is shown %j', (query, shown) => {
  expect(gistOf(query)).toBe(shown)
})

test('a long query is cut between two words', () => {
  const query = `ALTER TABLE one_hundred_letters ADD COLUMN another_one int, ${'x'.repeat(20)} int`
  expect(gistOf(query)).toBe('ALTER TABLE one_hundred_letters ADD COLUMN another_one int, …')
  expect(gistOf(query.replace('int, x', 'inter, x'))).toBe('ALTER TABLE one_hundred_letters ADD COLUMN another_one …')
})

test('a word that has no end within the length is not shown at all', () => {
  expect(gistOf('x'.repeat(300))).toBe('…')
  expect(gistOf(`SELECT ${'x'.repeat(300)}`)).toBe('SELECT …')
})

test('the last word of a text that the server may have cut is not shown', () => {
  const query = `INSERT INTO t VALUES ('${'x'.repeat(100)}', hunter`
  expect(gistOf(query)).toBe("INSERT INTO t VALUES ('…', …")
})
