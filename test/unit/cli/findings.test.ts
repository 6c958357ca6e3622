import { expect, test } from 'vitest'
import { renderFindings } from '../../../src/cli/output/findings.ts'
import type { Page } from '../../../src/cli/output/page.ts'
import type { Finding } from '../../../src/core/finding.ts'

const PAGE: Page = { paint: (_, text) => text, width: Number.POSITIVE_INFINITY, all: false, redact: (text) => text }

/** Each of `count` files was edited after this environment ran it. */
function edited(environment: string, count: number): readonly Finding[] {
  return Array.from({ length: count }, (_, index) => ({
    code: 'history/changed',
    severity: 'block',
    environment,
    migration: `${index}`,
    message: `${index}.sql was edited after ${environment} ran it.`,
  }))
}

test('thousands of findings of one kind are a few, and how many more there are', () => {
  const text = renderFindings([...edited('dev', 5000), ...edited('prod', 10)], PAGE)

  expect(text.split('\n\n')).toHaveLength(21)
  expect(text).toContain('… and 4990 more: history/changed in dev (--all shows them)')
  expect(text).not.toContain('history/changed in prod (--all')
})

test('--all tells every one', () => {
  expect(renderFindings(edited('dev', 500), { ...PAGE, all: true }).split('\n\n')).toHaveLength(500)
})
