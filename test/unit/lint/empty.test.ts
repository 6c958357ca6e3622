import { expect, test } from 'vitest'
import { allowFindings } from '../../../src/core/finding.ts'
import type { Finding } from '../../../src/core/finding.ts'
import { readMigrations } from '../../../src/core/migration.ts'
import { planSync } from '../../../src/core/plan.ts'
import { findContentProblems } from '../../../src/lint/content.ts'
import { migrationTemplate } from '../../../src/sources/template.ts'

function findIn(sql: string): readonly Finding[] {
  const read = readMigrations([{ fileName: '001-a.sql', file: 'database/001-a.sql', content: { text: sql } }])
  if (!('migrations' in read)) throw new Error('bad file')
  return planSync('dev', read.migrations, [], { allow: new Set() }).steps.flatMap(findContentProblems)
}

test.each([
  ['', 'nothing'],
  [';\n', 'a semicolon'],
  ['-- migration: no-transaction\n', 'a directive'],
  ['-- later\n/* perhaps */\n', 'comments'],
  [migrationTemplate({ description: 'add a', date: '2026-11-20', author: 'Ana' }), 'the template'],
])('a file of %j (%s) blocks, and whoever means it can accept it by name', (sql) => {
  const findings = findIn(sql)

  expect(findings).toMatchObject([{ code: 'sql/empty', severity: 'block', migration: '001-a' }])
  expect(findings[0]?.hint).toMatch(/Write the SQL.*SELECT 1;.*--allow sql\/empty/)
  expect(allowFindings(findings, new Set(['sql/empty']))).toMatchObject([{ severity: 'warn' }])
})

test('a file that says that it does nothing does not block', () => {
  expect(findIn('-- 002 was taken back before it left this branch\nSELECT 1;\n')).toEqual([])
})
